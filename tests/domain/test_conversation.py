"""What the caller's side, the items and the session's own reports become."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from calls.domain import events
from calls.domain.changes import NoteAdded, PartialText, RateLimitsChanged, SessionChanged, UsageRecorded
from tests.domain.talk import (
    PLAN,
    Talk,
    agent_item,
    audio_item,
    created,
    done,
    opening,
    reply,
    utterance,
    words,
)


def test_an_utterance_is_a_turn_from_its_first_sound_to_its_words() -> None:
    talk = Talk()

    talk(events.SpeechStarted("item_u", 0))
    started = talk.at
    assert [(turn.status, turn.transcription) for turn in talk.turns] == [("open", "pending")]
    talk(events.SpeechStopped("item_u", 900))
    stopped = talk.at
    talk(*utterance("item_u", None)[2:], *words("item_u", "Good morning."))

    [turn] = talk.turns
    assert (turn.speaker, turn.status, turn.text) == ("caller", "completed", "Good morning.")
    assert (turn.started_at, turn.ended_at, turn.transcription) == (started, stopped, "completed")


def test_partial_words_are_hints_with_their_offset() -> None:
    talk = Talk()

    talk(events.TranscriptionDelta("item_u", 0, "Good"), events.TranscriptionDelta("item_u", 0, " day"))

    assert [(hint.offset, hint.text, hint.speaker) for hint in talk.of(PartialText)] == [
        (0, "Good", "caller"),
        (4, " day", "caller"),
    ]


def test_noise_stays_an_empty_turn() -> None:
    talk = Talk()

    talk(*utterance("item_u", None), events.TranscriptionCompleted("item_u", 0, ""))

    [turn] = talk.turns
    assert (turn.text, turn.status, turn.transcription) == ("", "completed", "completed")


def test_a_failed_transcription_is_noted_once_and_may_still_be_made_up_for() -> None:
    talk = Talk()
    failed = events.TranscriptionFailed("item_u", 0, events.ProviderFaultInfo(code="DeploymentNotFound"))

    talk(*utterance("item_u", None), failed, failed)
    assert talk.turn("item_u").transcription == "failed"
    assert talk.of(NoteAdded)[0].body == {"item_id": "item_u", "code": "DeploymentNotFound"}
    assert talk.notes == ["transcription_failed"]
    talk(*words("item_u", "Here."))

    assert talk.turn("item_u").transcription == "completed"


def test_typed_words_need_no_transcription() -> None:
    talk = Talk()
    item = events.Item("item_u", "message", "user", "completed", (events.Content("text", "Say hello."),))

    talk(events.ItemAdded(item, None))

    [turn] = talk.turns
    assert (turn.text, turn.transcription, turn.status) == ("Say hello.", None, "completed")


def test_a_message_of_the_application_is_the_systems() -> None:
    talk = Talk()
    item = events.Item("item_s", "message", "system", "completed", (events.Content("text", "Be nice."),))

    talk(events.ItemAdded(item, None))

    assert talk.turn("item_s").speaker == "system"


def test_the_reported_session_says_whether_words_are_due_and_who_writes_them() -> None:
    talk = Talk()
    reported = {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}

    talk(events.SessionReported(reported, updated=True, expires_at=1_800_000_000))
    talk(*words("item_u", "Hi."))
    talk(events.SessionReported({"input_audio_transcription": None}, updated=True))
    talk(events.SpeechStarted("item_v", 0))

    assert talk.of(UsageRecorded)[0].model == "whisper-1"
    assert talk.of(SessionChanged)[0].expires_at == datetime.fromtimestamp(1_800_000_000, UTC)
    assert talk.turn("item_v").transcription is None


def test_a_deleted_item_stays_as_a_deleted_turn() -> None:
    talk = Talk()

    talk(*reply("resp_1", "item_a", None, "Oops."), events.ItemDeleted("item_a"), events.ItemDeleted("item_a"))

    assert talk.turn("item_a").status == "deleted"
    assert talk.notes == ["item_deleted"]


def test_items_that_are_no_turns_only_hold_their_place() -> None:
    talk = Talk()

    talk(
        events.ItemAdded(events.Item("item_l", "mcp_list_tools"), None),
        events.ItemDone(events.Item("item_l", "mcp_list_tools"), None),
        events.ItemAdded(audio_item("item_u"), "item_l"),
    )

    assert talk.order == ["item_u"]
    assert not talk.session.oddities


def test_keys_silence_and_limits_are_told() -> None:
    talk = Talk()

    talk(
        events.KeypadPressed("5"),
        events.SilenceTimedOut("item_u"),
        events.RateLimitsReported((events.RateLimit("tokens", 100, 50, 1.5),)),
    )

    assert [(note.kind, note.body) for note in talk.of(NoteAdded)] == [
        ("keypad", {"key": "5"}),
        ("silence_timeout", {"item_id": "item_u"}),
    ]
    assert talk.of(RateLimitsChanged)[0].limits == {"tokens": {"limit": 100, "remaining": 50, "reset_seconds": 1.5}}


def test_oddities_are_noted_once_and_counted() -> None:
    talk = Talk()

    talk(*[events.Unrecognised("ping")] * 3, events.Malformed("not JSON"), events.Unrecognised("pong"))

    assert talk.notes == ["oddity"] * 3
    assert talk.session.oddities["unrecognised: ping"] == 3


def test_an_inventive_peer_does_not_fill_the_notes() -> None:
    talk = Talk()

    talk(*(events.Unrecognised(f"type_{number}") for number in range(200)))

    assert len(talk.notes) == 51
    assert talk.session.oddities.total() == 200


def test_the_floor_is_told_when_it_changes() -> None:
    talk = Talk()
    talk.changes.clear()

    talk(*utterance("item_u", None), *words("item_u", "Hello?"), created("resp_1"))
    talk(*opening("resp_1", "item_a", "item_u", ["Hi."])[1:], events.PlaybackStarted("resp_1"))
    talk(done("resp_1", agent_item("item_a", "Hi.", "completed")), events.PlaybackStopped("resp_1"))

    assert talk.floors == ["thinking", "speaking", "listening"]


def test_a_caller_who_interrupts_has_the_floor() -> None:
    talk = Talk()
    talk(*opening("resp_1", "item_a", None, ["Well"]), events.PlaybackStarted("resp_1"))

    talk(events.SpeechStarted("item_u", 0))

    assert talk.floors[-1] == "listening"


def test_reply_time_runs_from_the_end_of_speech_to_the_first_sound() -> None:
    talk = Talk()
    talk(*utterance("item_u", None)[:2])
    stopped = talk.at
    talk(*opening("resp_1", "item_a", "item_u", ["Hi."]))
    worded = talk.at

    talk(events.PlaybackStarted("resp_1"))
    heard = talk.at
    turn = talk.turn("item_a")

    assert turn.started_at == heard > worded
    assert turn.reply_ms == (heard - stopped) // timedelta(milliseconds=1)


def test_without_playback_events_the_first_words_count() -> None:
    talk = Talk()

    talk(*utterance("item_u", None), *reply("resp_1", "item_a", "item_u", "Hi.", " You."))

    turn = talk.turn("item_a")
    assert turn.reply_ms == 700
    assert turn.status == "completed"


def test_a_plan_without_transcription_awaits_no_words() -> None:
    talk = Talk(PLAN.__class__("m", None, transcription_due=False, greeting=None))

    talk(*utterance("item_u", None))

    assert talk.turn("item_u").transcription is None
