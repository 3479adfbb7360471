"""A session on the loop: its steps are carried out, its clock is kept. The road to the provider is in test_attendance."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from calls.actions.ingest import CallRef
from calls.domain.changes import CallStateChanged, CommandChanged, FloorChanged, PartialText
from calls.domain.commands import Command, Verb
from calls.domain.inputs import NotSent, Sent, Tick
from calls.domain.outgoing import ControlCall, SendEvent
from calls.domain.session import Session, Step
from calls.domain.states import CallState, Floor
from calls.exceptions import ProviderBusy, ProviderGone, ProviderRefused, ProviderUnreachable
from calls.sideband.connection import Closed
from calls.sideband.runner import Frames, Runner
from tests.sideband.desk import at, until

pytestmark = pytest.mark.asyncio
REF = CallRef(1, UUID(int=1), UUID(int=9), "e", 1)


class Scripted(Session):
    """Answers with the steps that it was given."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.given = []
        self.state = CallState.ACTIVE

    @property
    def oddities(self):
        return Counter(odd=len(self.given))

    def advance(self, input, at):
        self.given.append(input)
        return self.steps.pop(0) if self.steps else Step()


class Shell:
    def __init__(self):
        self.writer = self.hints = self
        self.written = []
        self.frames = Frames()
        self.marked = 0
        self.sending = True

    def may_send(self):
        return self.sending

    def put(self, ref, changes, columns):
        self.written.append((list(changes), columns))

    def mark(self, picture):
        self.marked += 1


class Control:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def _answer(self, *asked):
        self.asked.append(asked)
        if self.answers:
            raise self.answers.pop(0)

    async def hang_up(self, call_id):
        await self._answer("hang_up", call_id)

    async def refer(self, call_id, target):
        await self._answer("refer", call_id, target)


def runner(*steps, control=None):
    shell = Shell()
    return Runner(REF, "rtc_1", Scripted(*steps), control or Control(), shell), shell


async def test_hints_are_pushed_and_changes_are_written():
    partial = PartialText("item_1", 1.0, "agent", 0, "Hel")
    change = CommandChanged(uuid4(), "sent", at(1))
    one, shell = runner(Step((change, partial, FloorChanged(Floor.SPEAKING, at(1)))))
    one.feed(Tick())
    [(changes, columns)] = shell.written
    assert changes == [change]
    assert columns == {"last_words": "Hel", "last_speaker": "agent", "floor": "speaking", "oddities": 1}
    assert shell.marked == 1


async def test_only_new_oddities_are_counted():
    one, shell = runner()
    for _ in range(3):
        one.feed(Tick())
    assert [columns for _, columns in shell.written] == [{"oddities": 1}] * 3


async def test_the_session_is_woken_when_it_asked_to_be():
    soon = datetime.now(UTC) + timedelta(milliseconds=30)
    one, _ = runner(Step(wake_at=soon))
    one.feed(Tick())
    await until(lambda: len(one.session.given) == 2)
    assert datetime.now(UTC) >= soon
    assert one.session.given == [Tick(), Tick()]


async def test_a_later_wish_replaces_an_earlier_one():
    now = datetime.now(UTC)
    one, _ = runner(Step(wake_at=now + timedelta(milliseconds=20)), Step(wake_at=None), Step())
    one.feed(Tick())
    one.feed(Tick())
    await asyncio.sleep(0.05)
    assert len(one.session.given) == 2


async def test_nothing_is_fed_after_the_end():
    ended = CallStateChanged(CallState.ENDED, at(9))
    one, shell = runner(Step((ended,), wake_at=datetime.now(UTC)))
    one.feed(Tick())
    assert one.over.is_set()
    one.feed(Tick())
    await asyncio.sleep(0.01)
    assert len(one.session.given) == 1
    assert shell.written[0][0] == [ended]


@pytest.mark.parametrize(
    ("verb", "error", "outcome"),
    [
        ("hang_up", None, "ok"),
        ("hang_up", ProviderGone("over"), "gone"),
        ("hang_up", ProviderUnreachable("silence"), "unknown"),
        ("hang_up", ProviderBusy("500"), "unknown"),
        ("hang_up", ProviderRefused("401"), "refused"),
        ("refer", None, "ok"),
        ("refer", ProviderGone("over"), "gone"),
        ("refer", ProviderUnreachable("silence"), "unknown"),
        ("refer", ProviderBusy("500"), "refused"),
        ("refer", ProviderRefused("400"), "refused"),
    ],
)
async def test_what_the_provider_answered_is_told_to_the_session(verb, error, outcome):
    wanted = ControlCall(verb, uuid4(), "tel:+14155550123")
    control = Control(*([error] if error else []))
    one, _ = runner(Step(outgoing=(wanted,)), control=control)
    sender = asyncio.create_task(one.carry_out())
    one.command(Command(wanted.command_id, Verb.HANG_UP))
    await until(lambda: len(one.session.given) == 3)
    sender.cancel()
    assert one.session.given[1] == Sent(wanted)
    answer = one.session.given[2]
    assert (answer.command_id, answer.outcome) == (wanted.command_id, outcome)
    assert answer.detail == (error.reason if error else "")
    assert control.asked[0][:2] == (verb, "rtc_1")


async def test_orders_are_carried_out_in_their_order_and_not_after_the_lease():
    orders = [ControlCall("hang_up", uuid4()), ControlCall("refer", uuid4(), "tel:+1")]
    control = Control()
    steps = [Step(outgoing=tuple(orders)), *[Step()] * 4, Step(outgoing=(orders[0],))]
    one, shell = runner(*steps, control=control)
    sender = asyncio.create_task(one.carry_out())
    one.feed(Tick())
    await until(lambda: len(control.asked) == 2)
    assert [asked[0] for asked in control.asked] == ["hang_up", "refer"]
    await until(lambda: len(one.session.given) == 5)
    shell.sending = False
    one.feed(Tick())
    await until(lambda: len(one.session.given) == 7)
    sender.cancel()
    assert len(control.asked) == 2
    assert one.session.given[-1] == NotSent(orders[0], "the lease of the call may be over")


class Line:
    """A sideband that takes frames, or is closed."""

    def __init__(self, *, closed=False):
        self.closed = closed
        self.frames = []
        self.ended = asyncio.Event()

    async def listen(self, on_frame):
        await self.ended.wait()
        raise Closed(1006, "")

    async def send(self, frame):
        if self.closed:
            raise Closed(1006, "")
        self.frames.append(frame)

    def abort(self):
        self.ended.set()


FRAME = SendEvent({"type": "response.create", "event_id": "greeting"})


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (Line(), Sent(FRAME)),
        (Line(closed=True), NotSent(FRAME, "the line to the provider is down")),
        (None, NotSent(FRAME, "the line to the provider is down")),
    ],
    ids=["open", "closed", "absent"],
)
async def test_the_session_is_told_whether_a_frame_went_out(line, word):
    one, _ = runner(Step(outgoing=(FRAME,)))
    one._sideband = line
    sender = asyncio.create_task(one.carry_out())
    one.feed(Tick())
    await until(lambda: len(one.session.given) == 2)
    sender.cancel()
    assert one.session.given[1] == word
    assert len(line.frames if line else []) == (word == Sent(FRAME))


async def test_nothing_goes_out_for_a_call_that_was_let_go_of():
    control = Control()
    one, _ = runner(Step(outgoing=(ControlCall("hang_up", uuid4()),)), control=control)
    one.feed(Tick())
    one.abort()
    await asyncio.wait_for(one.carry_out(), 30)
    assert control.asked == []
