"""The agent's replies: words, interruptions, tools, failures, bills."""

from __future__ import annotations

from itertools import permutations

import pytest

from calls.domain import events
from calls.domain.changes import NoteAdded, Turn, TurnChanged, UsageRecorded
from tests.domain.talk import TOKENS, Talk, agent_item, closing, created, done, opening, reply, utterance

TEXT = "One two three four five six seven eight nine ten."


def test_each_final_event_repeats_the_others() -> None:
    talk = Talk()

    talk(*reply("resp_1", "item_a", None, "Hello", " there."), *reply("resp_1", "item_a", None, "Hello there."))

    assert [(turn.text, turn.status, turn.response_id) for turn in talk.turns] == [
        ("Hello there.", "completed", "resp_1")
    ]
    assert len(talk.of(UsageRecorded)) == 1


def test_an_empty_final_event_takes_no_words_away() -> None:
    talk = Talk()

    talk(*opening("resp_1", "item_a", None, ["Hi"]), *closing("resp_1", "item_a", "Hi you."))
    talk(events.OutputTextDone("resp_1", "item_a", 0, ""))

    assert talk.turn("item_a").text == "Hi you."


def test_a_reply_is_whole_without_playback_events_or_item_done() -> None:
    talk = Talk()

    talk(created("resp_1"), events.ItemAdded(agent_item("item_a"), None))
    talk(done("resp_1", agent_item("item_a", "Hello.", "completed")))

    assert [(turn.text, turn.status) for turn in talk.turns] == [("Hello.", "completed")]


CUT = [
    events.PlaybackCleared("resp_1"),
    done("resp_1", agent_item("item_a", TEXT, "incomplete"), status="cancelled", reason="turn_detected"),
    events.ItemTruncated("item_a", 0, 2500),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_interruption_is_the_same_in_whatever_order_its_signs_come(order: tuple[int, ...]) -> None:
    talk = Talk()
    talk(*opening("resp_1", "item_a", None, [TEXT]), events.PlaybackStarted("resp_1"))

    talk(*(CUT[number] for number in order))

    [turn] = talk.turns
    assert (turn.status, turn.text) == ("cut_off", TEXT)
    # 100 audio tokens are five seconds, half of which were heard.
    assert (turn.heard_ms, turn.heard_text) == (2500, "One two three four five")
    assert talk.notes == ["interrupted"]
    assert talk.of(NoteAdded)[0].body["by"] == "caller"


def test_an_interruption_while_playing_cuts_a_completed_reply() -> None:
    talk = Talk()
    talk(*opening("resp_1", "item_a", None, [TEXT]), events.PlaybackStarted("resp_1"))
    talk(*closing("resp_1", "item_a", TEXT), done("resp_1", agent_item("item_a", TEXT, "completed")))
    talk.wait(0.5)

    talk(events.SpeechStarted("item_u", 0), events.PlaybackCleared("resp_1"))

    turn = talk.turn("item_a")
    assert (turn.status, turn.heard_ms) == ("cut_off", 1100)
    assert turn.heard_text == "One two"
    assert turn.ended_at == talk.at


def test_a_reply_that_was_cancelled_before_playback_was_not_heard() -> None:
    talk = Talk()
    talk(
        *reply("resp_0", "item_0", None, "Hi."),
        events.PlaybackStarted("resp_0"),
        events.PlaybackStopped("resp_0"),
    )
    talk(*opening("resp_1", "item_a", "item_0", [TEXT]))

    talk(done("resp_1", agent_item("item_a", TEXT, "incomplete"), status="cancelled", reason="turn_detected"))

    turn = talk.turn("item_a")
    assert (turn.status, turn.heard_ms, turn.heard_text) == ("cut_off", 0, "")


def test_a_gateway_without_playback_events_gives_an_estimate() -> None:
    talk = Talk()
    talk(*opening("resp_1", "item_a", None, [TEXT]))
    talk.wait(0.9)

    talk(done("resp_1", agent_item("item_a", TEXT, "incomplete"), status="cancelled", tokens=None))

    turn = talk.turn("item_a")
    assert turn.heard_ms == 1000
    assert turn.heard_text == "One two three"


def test_a_client_that_truncates_cuts_the_reply_too() -> None:
    talk = Talk()
    talk(*reply("resp_1", "item_a", None, TEXT))

    talk(events.ItemTruncated("item_a", 0, 1000))

    assert (talk.turn("item_a").status, talk.turn("item_a").heard_text) == ("cut_off", "One two")


def test_of_two_messages_only_the_one_that_was_cut_is_cut_off() -> None:
    talk = Talk()
    talk(*opening("resp_1", "item_a", None, ["Let me look."]), events.PlaybackStarted("resp_1"))
    talk(*closing("resp_1", "item_a", "Let me look."))
    talk(events.ItemAdded(agent_item("item_b"), "item_a"), events.OutputDelta("resp_1", "item_b", 0, TEXT))
    talk.wait(3)

    talk(events.PlaybackCleared("resp_1"))
    talk(done("resp_1", agent_item("item_a", "Let me look.", "completed"), status="cancelled"))

    assert [turn.status for turn in talk.turns] == ["completed", "cut_off"]
    assert talk.turn("item_a").heard_text is None


def test_a_cancelled_answer_to_noise_is_no_interruption() -> None:
    talk = Talk()

    talk(
        *utterance("item_u", None),
        created("resp_1"),
        done("resp_1", status="cancelled", reason="turn_detected"),
    )

    assert talk.notes == []
    assert talk.order == ["item_u"]


@pytest.mark.parametrize(
    ("status", "known", "note"),
    [
        ("failed", {"fault": events.ProviderFaultInfo(code="insufficient_quota")}, "response_failed"),
        ("incomplete", {"reason": "max_output_tokens"}, "response_incomplete"),
    ],
)
def test_a_response_that_fails_without_an_error_event_is_noted(
    status: str, known: dict[str, object], note: str
) -> None:
    talk = Talk()
    talk(*opening("resp_1", "item_a", None, ["We"]))

    talk(*[done("resp_1", agent_item("item_a", "We", "incomplete"), status=status, **known)] * 2)

    assert talk.notes == [note]
    assert talk.turn("item_a").status == "incomplete"


@pytest.mark.parametrize(("tokens", "complete"), [(None, False), (events.Tokens(), True), (TOKENS, True)])
def test_a_bill_is_complete_where_the_provider_gave_figures(tokens: events.Tokens | None, complete: bool) -> None:
    talk = Talk()

    talk(created("resp_1"), done("resp_1", status="failed", tokens=tokens))

    assert [(bill.tokens, bill.complete) for bill in talk.of(UsageRecorded)] == [(tokens, complete)]


def test_an_out_of_band_response_is_billed_and_is_no_part_of_the_transcript() -> None:
    talk = Talk()
    aside = {"out_of_band": True}

    talk(
        events.ResponseCreated(events.ResponseInfo("resp_x", "in_progress", **aside)),
        events.OutputItemAdded("resp_x", agent_item("item_x")),
        events.OutputDelta("resp_x", "item_x", 0, "topic: bills"),
        events.OutputTextDone("resp_x", "item_x", 0, "topic: bills"),
        events.ResponseDone(
            events.ResponseInfo(
                "resp_x", "completed", tokens=TOKENS, items=(agent_item("item_x", "topic: bills"),), **aside
            )
        ),
    )

    assert talk.turns == []
    assert [bill.ref_id for bill in talk.of(UsageRecorded)] == ["resp_x"]
    assert talk.floors == []


def test_a_dialect_that_never_names_the_conversation_keeps_its_transcript() -> None:
    talk = Talk()
    info = events.ResponseInfo("resp_1", "in_progress", out_of_band=True)

    talk(events.ResponseCreated(info), *opening("resp_1", "item_a", None, ["Hi", " you."])[1:])
    talk(events.ResponseDone(events.ResponseInfo("resp_1", "completed", out_of_band=True, tokens=TOKENS)))

    assert [(turn.text, turn.status) for turn in talk.turns] == [("Hi you.", "completed")]


def tool_item(status: str | None, arguments: str = "") -> events.Item:
    return events.Item("item_f", "function_call", None, status, (), "get_weather", "call_1", arguments)


def test_a_tool_call_is_one_turn_and_its_output_another() -> None:
    talk = Talk()

    talk(
        created("resp_1"),
        events.OutputItemAdded("resp_1", tool_item("in_progress")),
        events.ItemAdded(tool_item("in_progress"), None),
        events.ArgumentsDelta("resp_1", "item_f", "{"),
        events.ArgumentsDone("resp_1", "item_f", "call_1", None, "{}"),
        events.ItemDone(tool_item("completed", "{}"), None),
        done("resp_1", tool_item("completed", "{}")),
        events.ItemAdded(events.Item("item_o", "function_call_output", tool_call_id="call_1", output="Fog."), "item_f"),
    )

    call, output = talk.turns
    assert (call.kind, call.speaker, call.name, call.arguments) == ("tool_call", "agent", "get_weather", "{}")
    assert (call.status, call.tool_call_id, call.response_id) == ("completed", "call_1", "resp_1")
    assert (output.kind, output.speaker, output.output, output.name) == (
        "tool_output",
        "system",
        "Fog.",
        "get_weather",
    )
    assert output.status == "completed"


def test_a_tool_call_cut_short_is_incomplete() -> None:
    talk = Talk()

    talk(created("resp_1"), events.OutputItemAdded("resp_1", tool_item("in_progress")))
    talk(done("resp_1", tool_item("incomplete", '{"ci'), status="cancelled", reason="turn_detected"))

    assert talk.turn("item_f").status == "incomplete"
    assert talk.notes == []


def test_a_failed_mcp_call_is_incomplete_and_noted() -> None:
    talk = Talk()
    item = events.Item("item_m", "mcp_call", None, "in_progress", (), "search", None, "{}")

    talk(created("resp_1"), events.OutputItemAdded("resp_1", item), events.ToolProgressed("item_m", "failed"))

    assert talk.turn("item_m").kind == "tool_call"
    assert talk.turn("item_m").status == "incomplete"
    assert talk.notes == ["provider_error"]


def test_steps_count_from_the_start_of_the_turn() -> None:
    talk = Talk()
    talk(*opening("resp_1", "item_a", None, ["One", " two"]), events.PlaybackStarted("resp_1"))
    talk(events.OutputDelta("resp_1", "item_a", 0, " three."), *closing("resp_1", "item_a", "One two three."))

    assert talk.turn("item_a").steps == ((0, 7), (100, 14))


def test_an_open_turn_is_not_told_again_for_every_word() -> None:
    talk = Talk()

    talk(*opening("resp_1", "item_a", None, ["a "] * 50))

    told: list[Turn] = [change.turn for change in talk.of(TurnChanged)]
    assert len(told) <= 3
