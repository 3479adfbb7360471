"""A watcher dies in the middle of a call and another takes over: what it knows stands in the order of the call."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

import pytest

from calls.domain import inputs
from calls.domain.changes import Turn, TurnChanged
from calls.domain.session import Session
from calls.providers import session_body
from calls.simulator import truth
from calls.simulator.call import Call
from calls.simulator.ledger import Ledger
from calls.simulator.provider import Order, Provider
from calls.simulator.webhooks import Account
from realtime_ops import past

BODY = session_body.build("gpt-realtime", "marin", "Help.", {})
# The first four once put an utterance that was heard of by its late transcription behind the end of the call.
SEEDS = (89, 121, 452, 684, *range(40))


class Watch(past._Watch):
    def turns(self) -> list[Turn]:
        last = {change.turn.item_id: change.turn for change in self.told.changes if isinstance(change, TurnChanged)}
        return sorted(last.values(), key=lambda turn: turn.rank)

    def die(self) -> None:
        if self.listening() and not self.over():
            self.closed.set()
            if self._timer is not None:
                self._timer.cancel()

    def come_back(self, died_at: datetime) -> None:
        if self.over() or self.call.leg == "ended":
            return
        plan, old = past._plan(self.script), self.session
        self.session = Session(
            plan, state=old.state, attachment=old.attachment, turns=self.turns(), deadline=old.deadline
        )
        self.closed.clear()
        self.feed(inputs.Resumed(died_at))
        self.call.attach(self)
        self.feed(inputs.Attached())


async def _play(script: past.Script) -> tuple[Watch, Call]:
    account = Account("", "", "", (script.number,), {script.number: script.trade})
    call = Provider([account], past._Undelivered(), Ledger()).place(Order(script.scenario, seed=script.seed))
    watch = Watch(script, call, Session(past._plan(script)))
    await asyncio.sleep(past.PICK_UP_S)
    call.accept(dict(script.body))
    watch.feed(inputs.Accepted())
    await call.live.wait()
    call.attach(watch)
    watch.feed(inputs.Attached())
    draw = random.Random(script.seed)
    dies = draw.uniform(3, 40)
    call.clock.later(dies, watch.die)
    call.clock.later(dies + draw.choice([0.4, 1, 2, 3, 5, 8]), lambda: watch.come_back(watch.now()))
    await call.ended.wait()
    return watch, call


@pytest.mark.parametrize("scenario", ["long_chat", "two_turn"])
def test_what_is_known_after_a_seam_stands_in_the_order_of_the_call(scenario: str) -> None:
    compared = 0
    for seed in SEEDS:
        greeting = "Hello" if seed % 2 else ""
        script = past.Script(scenario, seed, "+15550100", "", BODY, greeting, datetime(2026, 1, 1, tzinfo=UTC))
        with asyncio.Runner(loop_factory=past._Loop) as runner:
            watch, call = runner.run(_play(script))
        known = {turn.item_id for turn in watch.turns()}
        told = [turn["item_id"] for turn in truth.told(call)["turns"] if turn["item_id"] in known]
        assert [turn.item_id for turn in watch.turns()] == told, f"seed {seed}"
        compared += len(told)
    assert compared > 200
