"""`check_ledger`: what is stored against what the simulator knows."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests import factories
from tests.factories import NOON

AT = NOON.timestamp()


def _truth(text: str = "Hello.") -> dict:
    return {
        "kind": "truth",
        "call_id": "rtc_1",
        "from": "+493012345",
        "to": "+498001234",
        "outcome": "ended",
        "accepts": 1,
        "turns": [
            {
                "item_id": "item_a", "kind": "message", "speaker": "caller", "text": text, "heard_ms": None,
                "name": "", "arguments": "", "output": "", "deleted": False, "started_at": AT, "final_at": AT + 1,
                "added_seen": True, "final_seen": True,
            }
        ],
        "responses": [
            {
                "response_id": "resp_a", "seen": True, "at": AT + 2, "input_text": 100, "input_audio": 50,
                "input_image": 0, "cached_text": 64, "cached_audio": 0, "cached_image": 0, "output_text": 20,
                "output_audio": 80,
            }
        ],
        "unfinished": [],
        "transcriptions": [],
    }  # fmt: skip


@pytest.fixture
def check(tmp_path):
    def run(*lines: object, tenants: tuple[str, ...] = ("acme",)) -> dict:
        ledger = tmp_path / "ledger.jsonl"
        ledger.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
        out = io.StringIO()
        try:
            call_command("check_ledger", str(ledger), *(f"--tenant={slug}" for slug in tenants), stdout=out)
        except CommandError as error:
            return {"failed": str(error), **json.loads(out.getvalue() or "{}")}
        return json.loads(out.getvalue())

    return run


@pytest.fixture
def call(acme):
    call = factories.make_call(acme, call_id="rtc_1", from_number="+493012345", state="ended")
    factories.make_turn(call, "Hello.", item_id="item_a")
    factories.make_usage(call, ref_id="resp_a")
    return call


def test_agreement_passes(check, call):
    found = check({"kind": "mark"}, '{"kind":"frame","event":{"type":"x"}}', _truth())
    assert found["ok"]
    assert (found["truths"], found["compared"]["turns"], found["compared"]["responses"]) == (1, 1, 1)


def test_a_difference_fails_and_is_shown(check, call):
    found = check(_truth("Good bye."))
    assert found["failed"] == "1 differences"
    assert found["details"][0]["kind"] == "other_text"


def test_another_tenants_calls_do_not_count(check, call, globex):
    assert "missing_call" in check(_truth(), tenants=("globex",))["differences"]
    assert check(_truth(), tenants=("globex", "acme"))["ok"]


def test_comparing_nothing_fails(check, acme):
    assert "nothing_compared" in check()["differences"]


@pytest.mark.parametrize(
    ("lines", "tenants", "fault"),
    [([], ("nobody",), "there is no tenant"), (['{"kind": "truth"'], ("acme",), "line 1 is not JSON")],
)
def test_a_mistake_is_named(check, acme, lines, tenants, fault):
    assert fault in check(*lines, tenants=tenants)["failed"]


def test_a_ledger_that_is_not_there_is_named(acme):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("check_ledger", "nowhere.jsonl", "--tenant=acme")
