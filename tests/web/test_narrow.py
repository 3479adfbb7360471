"""Filters of the Live page: from the address, over rows, and back into addresses."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from calls.domain import attention
from calls.web import narrow, words
from tests import factories

JS = Path(__file__).resolve().parents[2] / "calls" / "static" / "calls" / "js"
ROW = {"code": "c", "state": "active", "floor": "speaking", "from": "+44 •••• 0017", "to": "+4420", "agent": "Nora",
       "last_words": "About my Bill"}  # fmt: skip
CASES = {
    "": True,
    "state=speaking": True,
    "state=ringing": False,
    "state=nonsense": True,
    "agent=Nora": True,
    "agent=nora": False,
    "q=bill": True,
    "q=0017+%E2%80%A2": False,
    "q=nora+about": True,
    "need=1": False,
    "need=0": True,
    "state=speaking&agent=Nora&q=BILL": True,
    "state=speaking&agent=Theo": False,
}


@pytest.mark.parametrize("query", CASES)
def test_rows_are_matched(query):
    assert narrow.read(QueryDict(query)).shows(ROW, needs_you=False) is CASES[query]


def test_what_needs_somebody_is_shown_where_that_is_asked():
    assert narrow.read(QueryDict("need=1")).shows(ROW, needs_you=True)


def test_an_address_says_what_is_asked_and_chips_take_it_away():
    wanted = narrow.read(QueryDict("q=a%26b&need=1&state=speaking&agent=Nora&other=x"))
    assert wanted.query == "state=speaking&agent=Nora&need=1&q=a%26b"
    assert narrow.read(QueryDict(wanted.query)) == wanted
    assert [(name, text) for name, text, _ in wanted.chips] == [
        ("state", "Speaking"), ("agent", "Nora"), ("need", "Needs you"), ("q", "“a&b”"),
    ]  # fmt: skip
    assert {name: query for name, _, query in wanted.chips}["need"] == "state=speaking&agent=Nora&q=a%26b"


def test_a_needle_is_cut_not_refused():
    assert len(narrow.read(QueryDict("q=" + "x" * 5_000)).needle) == narrow.NEEDLE_LIMIT


HARNESS = """
globalThis.document = { getElementById: () => ({ textContent: process.argv[2] }) };
const { shows, query, chips } = await import("./live/narrow.js");
const { row, asked } = JSON.parse(process.argv[3]);
console.log(JSON.stringify(asked.map((wanted) => [shows(wanted, row, undefined), query(wanted), chips(wanted)])));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: the browser's mirror is not run")
def test_the_browser_matches_alike(tmp_path):
    for name in ("live/narrow.js", "lib/attention.js", "lib/faces.js", "lib/dom.js", "lib/runs.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((JS / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.js").write_text(HARNESS)
    wanted = [narrow.read(QueryDict(query)) for query in CASES]
    asked = [
        {"state": one.state, "agent": one.agent, "need": "1" if one.need else "", "q": one.needle} for one in wanted
    ]
    given = [json.dumps(words.table()), json.dumps({"row": ROW, "asked": asked})]
    done = subprocess.run(
        ["node", "run.js", *given], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    ours = [
        [one.shows(ROW, needs_you=False), one.query, [[name, text] for name, text, _ in one.chips]] for one in wanted
    ]
    theirs = json.loads(done.stdout)
    assert [[shown, address.replace("+", " "), chips] for shown, address, chips in theirs] == [
        [shown, address.replace("+", " "), chips] for shown, address, chips in ours
    ]


def test_a_page_that_shows_nothing_offers_what_to_drop(sam, acme):
    now = timezone.now()
    agent = factories.make_agent(acme, name="Nora")
    factories.make_call(acme, agent=agent, started_at=now, last_event_at=now, last_words="apples")
    page = sam.client.get(reverse("live", args=["acme"]), {"state": "ringing", "agent": "Nora"}).content.decode()
    assert "Nothing matches." in page
    assert "Without Ringing: 1 call<" in page
    assert "Without Nora: 0 calls<" in page


def test_a_row_says_its_reason_at_first_paint(sam, acme):
    now = timezone.now()
    call = factories.make_call(
        acme, started_at=now, last_event_at=now, asked_for_person_at=now, from_number="+4930123456"
    )
    page = sam.client.get(reverse("live", args=["acme"]), {"need": "1"}).content.decode()
    assert f'data-code="{call.code}" data-face="listening" data-severity="act"' in page
    assert attention.WORDS["asked"] in page
    assert "Act now: Asks for a person, open call" in page


def test_an_empty_page_names_the_address_to_those_who_may_set_it(sam, adam, acme):
    account = factories.make_account(acme)
    address = f"/webhooks/openai/{account.path_token}/"
    assert address in adam.client.get(reverse("live", args=["acme"])).content.decode()
    page = sam.client.get(reverse("live", args=["acme"])).content.decode()
    assert address not in page
    assert "Owner and admin can connect a provider account." in page
