"""The browser's running cost is the server's: the same prices, the same bills, the same figure to the last digit."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from calls.domain import prices
from calls.domain.views import TOKEN_FIELDS
from calls.web import facts

COST_JS = Path(__file__).resolve().parents[2] / "calls" / "static" / "calls" / "js" / "call" / "cost.js"
DAY = date(2026, 11, 20)
LISTS = [
    prices.PriceList(
        "gpt-realtime", DAY,
        {"fresh_text": Decimal("4"), "fresh_audio": Decimal("32"), "cached_text": Decimal("0.4"),
         "cached_audio": Decimal("0.4"), "output_text": Decimal("16"), "output_audio": Decimal("64.123456")},
    ),
    prices.PriceList("whisper-1", DAY, {}, Decimal("0.006")),
]  # fmt: skip
HARNESS = """
import { readFileSync } from "node:fs";
const { costOf, costWords, costNotes } = await import("./cost.mjs");
const { prices, cases } = JSON.parse(readFileSync("given.json"));
console.log(JSON.stringify(cases.map((usage) => {
  const cost = costOf(usage, prices);
  return { sure: String(cost.amount), estimated: String(cost.estimated), words: costWords(cost), notes: costNotes(cost) };
})));
"""
NOTHING = dict.fromkeys(TOKEN_FIELDS, 0) | {"seconds": None, "complete": True, "split_known": True}


def reply(**fields):
    return NOTHING | {"model": "gpt-realtime"} | fields


def heard(seconds):
    return NOTHING | {"model": "whisper-1", "seconds": seconds}


def many(seed):
    dice = random.Random(seed)
    bills = [heard(round(dice.random() * 60, 3)) for _ in range(30)]
    for _ in range(300):
        text, audio = dice.randrange(9_000), dice.randrange(90_000)
        bills.append(
            reply(input_text=text, cached_text=dice.randint(0, text), input_audio=audio,
                  cached_audio=dice.randint(0, audio), output_text=dice.randrange(900), output_audio=dice.randrange(9_000))
        )  # fmt: skip
    return bills


CASES = {
    "nothing yet": [],
    "one reply": [reply(input_text=1_000, cached_text=999, output_audio=3)],
    "less than can be shown": [reply(cached_text=0, input_text=1)],
    "seconds": [heard(0.001), heard(12.345)],
    "an estimate": [reply(input_text=500, split_known=False), reply(output_text=10)],
    "figures that never came": [reply(complete=False), reply(output_text=10)],
    "only figures that never came": [reply(complete=False)],
    "a bucket without a price": [reply(input_image=1), reply(output_text=1)],
    "a bill of which a bucket has no price": [reply(input_image=1, output_text=9_000)],
    "an estimate without a bucket": [reply(input_image=1, output_text=9_000, split_known=False)],
    "only a bucket without a price": [reply(input_image=1)],
    "a model without a price": [
        reply(model="other", output_text=5),
        reply(output_text=1),
        reply(model="another"),
        reply(model="", output_audio=1, input_text=2),
    ],
    "many": many(7),
    "dollars": [*many(8), *many(9)],
}


def ours(usage):
    records = [
        prices.Record(
            one["model"], DAY,
            prices.Used.of(SimpleNamespace(**one), None if one["seconds"] is None else Decimal(str(one["seconds"]))),
            complete=one["complete"], split_known=one["split_known"],
        )
        for one in usage
    ]  # fmt: skip
    return prices.cost(records, prices.Prices(LISTS))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the browser's sums were not compared")
    folder = tmp_path_factory.mktemp("cost")
    (folder / "cost.mjs").write_text(COST_JS.read_text())
    (folder / "run.mjs").write_text(HARNESS)
    table = {
        "currency": prices.CURRENCY,
        "places": prices.PLACES,
        "models": {
            one.model: {name: int(unit.scaleb(prices.PLACES)) for name, unit in one.unit.items()} for one in LISTS
        },
    }
    (folder / "given.json").write_text(json.dumps({"prices": table, "cases": list(CASES.values())}))
    done = subprocess.run(["node", "run.mjs"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_the_browser_comes_to_the_same_cost(browser, name):
    cost, theirs = ours(CASES[name]), browser[name]
    scale = prices.PLACES + 3
    assert (theirs["sure"], theirs["estimated"]) == (
        str(int(cost.exact.scaleb(scale))), str(int(cost.estimated.scaleb(scale))),
    )  # fmt: skip
    assert (theirs["words"], theirs["notes"]) == (facts.cost_words(cost), facts.cost_notes(cost))


def test_the_cases_show_every_kind_of_figure():
    shown = {name: facts.cost_words(ours(usage)) for name, usage in CASES.items()}
    assert shown["nothing yet"] == "no data"
    assert shown["only figures that never came"] == "unknown"
    assert shown["an estimate"].startswith("≈ $")
    assert shown["a model without a price"].endswith(" +")
    assert "." in shown["dollars"] and shown["dollars"].count(".") == 1 and len(shown["dollars"].split(".")[1]) == 2
