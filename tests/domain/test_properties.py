"""What holds for every stream: the contract's reorderings change nothing, and no nonsense raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from calls.domain import events, inputs
from calls.domain.changes import CommandChanged, UsageRecorded
from calls.domain.commands import Verb
from calls.domain.states import CALL, Attachment, CallState, EndReason
from calls.exceptions import InvalidTransition
from tests.domain.talk import Talk, agent_item, claim, closing, created, done, opening, utterance, words

Stream = list[events.Event]
Round = tuple[Stream, Stream, Stream]
"""What the conversation, the transcriber and the media layer tell: three sources with an order of their own."""


def answered(number: int, previous: str | None) -> Round:
    caller, agent, response = f"u{number}", f"a{number}", f"r{number}"
    text = f"This is answer {number}."
    spoken = [
        *utterance(caller, previous),
        *opening(response, agent, caller, ["This is", " answer"]),
        *closing(response, agent, text),
        done(response, agent_item(agent, text, "completed")),
    ]
    played = [events.PlaybackStarted(response), events.PlaybackStopped(response)]
    return spoken, words(caller, f"Question {number}?"), played


def interrupted(number: int, previous: str | None) -> Round:
    caller, agent, response = f"u{number}", f"a{number}", f"r{number}"
    text = f"This long answer {number} is never heard to its end."
    spoken = [
        *utterance(caller, previous),
        *opening(response, agent, caller, ["This long", " answer"]),
        *closing(response, agent, text, "incomplete"),
        done(response, agent_item(agent, text, "incomplete"), status="cancelled", reason="turn_detected"),
    ]
    played: Stream = [
        events.PlaybackStarted(response),
        events.PlaybackCleared(response),
    ]
    return [*spoken, events.ItemTruncated(agent, 0, 2000)], words(caller, f"Question {number}?"), played


def failed(number: int, previous: str | None) -> Round:
    caller, response = f"u{number}", f"r{number}"
    broken = events.TranscriptionFailed(caller, 0, events.ProviderFaultInfo(code="x"))
    spoken = [*utterance(caller, previous), created(response), done(response, status="failed", tokens=None)]
    return spoken, [broken], []


def looked_up(number: int, previous: str | None) -> Round:
    caller, tool, output, response = f"u{number}", f"f{number}", f"a{number}", f"r{number}"

    def call(status: str, arguments: str) -> events.Item:
        return events.Item(tool, "function_call", None, status, (), "look", f"call_{number}", arguments)

    spoken: Stream = [
        *utterance(caller, previous),
        created(response),
        events.OutputItemAdded(response, call("in_progress", "")),
        events.ItemAdded(call("in_progress", ""), caller),
        events.ArgumentsDelta(response, tool, "{}"),
        events.ArgumentsDone(response, tool, f"call_{number}", "look", "{}"),
        events.ItemDone(call("completed", "{}"), None),
        done(response, call("completed", "{}")),
        events.ItemAdded(
            events.Item(output, "function_call_output", tool_call_id=f"call_{number}", output="yes"), tool
        ),
    ]
    return spoken, words(caller, f"Question {number}?"), []


ROUNDS: list[Callable[[int, str | None], Round]] = [answered, interrupted, failed, looked_up]
_BY_ARRIVAL = {"rank", "started_at", "ended_at", "reply_ms", "steps"}
_DELTAS = events.OutputDelta | events.TranscriptionDelta | events.ArgumentsDelta


def told(kinds: list[Callable[[int, str | None], Round]]) -> Round:
    streams: Round = ([], [], [])
    previous = None
    for number, kind in enumerate(kinds):
        for stream, part in zip(streams, kind(number, previous), strict=True):
            stream += part
        previous = f"u{number}" if kind is failed else f"a{number}"
    return streams


def mixed(streams: Round, chance: Random) -> Stream:
    """Delay each source by any amount, within its own order; transcriptions of different items may overtake."""
    spoken, written, played = streams
    by_item: dict[str, Stream] = {}
    for event in written:
        by_item.setdefault(event.item_id, []).append(event)  # type: ignore[union-attr]
    sources = [source for source in (list(spoken), *by_item.values(), list(played)) if source]
    stream: Stream = []
    while sources:
        source = chance.choice(sources)
        stream.append(source.pop(0))
        sources = [one for one in sources if one]
    return stream


def repeated(stream: Stream, chance: Random) -> Stream:
    """Say again, now or later, what is no delta: item and response events repeat each other anyway."""
    result = list(stream)
    for event in stream:
        if chance.random() < 0.3 and not isinstance(event, _DELTAS):
            result.insert(chance.randint(result.index(event) + 1, len(result)), event)
    return result


def outcome(stream: Stream) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[str]]:
    talk = Talk()
    talk(*stream)
    turns = [
        tuple(getattr(turn, field.name) for field in fields(turn) if field.name not in _BY_ARRIVAL)
        for turn in talk.turns
    ]
    bills = sorted(
        (bill.kind, bill.ref_id, bill.tokens and bill.tokens.total, bill.seconds, bill.complete)
        for bill in talk.of(UsageRecorded)
    )
    assert not talk.session.oddities
    return turns, bills, sorted(talk.notes)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(ROUNDS), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_delays_and_repetitions_change_neither_transcript_nor_bill(
    kinds: list[Callable[[int, str | None], Round]], chance: Random
) -> None:
    streams = told(kinds)

    expected = outcome([*streams[0], *streams[1], *streams[2]])

    assert outcome(repeated(mixed(streams, chance), chance)) == expected


WORDS = st.one_of(
    st.sampled_from(["", "a", "b", "r", "in_progress", "completed", "cancelled", "message", "function_call"]),
    st.text(max_size=5),
)
NUMBERS = st.one_of(st.integers(-5, 5), st.integers(-(10**400), 10**400))
CONTENT = st.builds(events.Content, st.sampled_from(["text", "audio", "image", "other"]), st.one_of(st.none(), WORDS))
ITEMS = st.builds(
    events.Item,
    WORDS,
    WORDS,
    st.one_of(st.none(), WORDS, st.sampled_from(["user", "assistant", "system"])),
    st.one_of(st.none(), WORDS),
    st.lists(CONTENT, max_size=2).map(tuple),
    st.one_of(st.none(), WORDS),
    st.one_of(st.none(), WORDS),
)
FAULTS = st.builds(events.ProviderFaultInfo, WORDS, WORDS, WORDS, WORDS)
USED = st.builds(events.Tokens, *[NUMBERS] * 9)
RESPONSES = st.builds(
    events.ResponseInfo,
    WORDS,
    WORDS,
    st.none(),
    st.booleans(),
    WORDS,
    st.one_of(st.none(), FAULTS),
    st.one_of(st.none(), USED),
    st.lists(ITEMS, max_size=2).map(tuple),
    st.dictionaries(WORDS, WORDS, max_size=1),
)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "item": ITEMS,
    "response": RESPONSES,
    "fault": FAULTS,
    "tokens": st.one_of(st.none(), USED),
    "session": st.dictionaries(st.sampled_from(["instructions", "audio"]), WORDS),
    "updated": st.booleans(),
    "expires_at": st.one_of(st.none(), NUMBERS),
    "seconds": st.one_of(st.none(), st.floats()),
    "limits": st.just(()),
    "content_index": NUMBERS,
    "audio_end_ms": NUMBERS,
    "audio_start_ms": NUMBERS,
}
EVENTS = st.one_of(
    *(
        st.builds(kind, **{field.name: BY_NAME.get(field.name, WORDS) for field in fields(kind)})
        for kind in events.Event.__args__
    )
)
OURS = st.one_of(
    st.just(inputs.Attached()),
    st.just(inputs.Detached(1006)),
    st.just(inputs.Gone()),
    st.just(inputs.Tick()),
    st.builds(claim, st.sampled_from(list(Verb)), WORDS, st.integers(0, 9).map(lambda n: UUID(int=n))),
    st.builds(
        inputs.ControlAnswered,
        st.integers(0, 9).map(lambda n: UUID(int=n)),
        st.sampled_from(["ok", "gone", "refused", "unknown"]),
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_no_nonsense_of_the_provider_raises(nonsense: list[events.Event]) -> None:
    talk = Talk()

    talk(*nonsense, inputs.Detached(1006), inputs.Gone())

    assert talk.states[-1][0] == "ended"
    assert all(turn.status != "open" for turn in talk.turns)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.one_of(EVENTS, OURS), st.sampled_from(["up", "down", "held"])), max_size=40))
def test_whatever_happens_states_move_by_the_table_and_commands_are_settled(
    mixture: list[tuple[inputs.Input, str]],
) -> None:
    talk = Talk()

    for one, talk.road in mixture:
        try:
            talk(one)
        except InvalidTransition:
            assert not isinstance(one, events.Event)
    talk(inputs.GaveUp(CallState.LOST, EndReason.PROVIDER_UNREACHABLE))

    here = CallState.ACTIVE
    for state, _ in talk.states:
        assert state in CALL[here]
        here = CallState(state)
    latest = {change.command_id: change.state for change in talk.of(CommandChanged)}
    assert set(latest.values()) <= {"confirmed", "refused", "not_confirmed"}


def test_a_rebuilt_session_tells_nothing_twice() -> None:
    before = Talk()
    streams = told([answered, interrupted, looked_up])
    before(*streams[0], *streams[1], *streams[2])
    after = Talk(state=CallState.ACTIVE, attachment=Attachment.REATTACHING, turns=before.turns)

    after(*streams[0][:5], *words("u0", "Question 0?"))

    assert after.turns == []
