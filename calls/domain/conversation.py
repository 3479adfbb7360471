"""What the provider's events make of a call: turns, bills, notes, the floor. Sends nothing and ends
nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from calls.domain import events
from calls.domain.changes import FloorChanged, QuietChanged, RateLimitsChanged, SessionChanged
from calls.domain.drafts import Draft
from calls.domain.notebook import Notebook, words_of
from calls.domain.speaking import SPEAKING, Speaking
from calls.domain.states import Floor

_LATEST = 2**35
"""Unix seconds of the year 3058: what a date can surely hold."""


class Conversation:
    def __init__(self, book: Notebook, *, transcription_due: bool) -> None:
        self.agent = Speaking(book)
        self._book = book
        self._turns = book.transcript
        self._turns.transcription_due = transcription_due
        self._caller_speaks = False
        self._floor: Floor | None = None
        self._quiet: bool | None = None

    def hear(self, event: events.Event, at: datetime) -> None:
        """Take one event of the provider; never raises for what it says."""
        kind = type(event)
        speaking = SPEAKING.get(kind)
        if speaking is not None:
            speaking(self.agent, event, at)
        elif (listening := _LISTENING.get(kind)) is not None:
            listening(self, event, at)

    def look(self, at: datetime) -> None:
        """Tell who is at work, where that changed."""
        running = self.agent.running
        if self._caller_speaks:
            floor = Floor.LISTENING
        elif self.agent.playing is not None:
            floor = Floor.SPEAKING
        elif running is not None:
            # Gateways tell nothing of playback: there, words are the sign.
            floor = Floor.SPEAKING if running.worded else Floor.THINKING
        else:
            floor = Floor.LISTENING
        if floor is not self._floor:
            self._floor = floor
            self._book.hints.append(FloorChanged(floor, at))
        # A model at work is silence to the caller, too.
        quiet = not self._caller_speaks and floor is not Floor.SPEAKING
        if quiet is not self._quiet:
            self._quiet = quiet
            self._book.hints.append(QuietChanged(at if quiet else None))

    def detach(self) -> None:
        """The sideband dropped."""
        self._caller_speaks = False
        self._turns.seam()
        self.agent.detach()

    def unfinished(self) -> list[str]:
        """Return the ids of items that a gap may have left without their end, in order."""
        return [
            draft.item_id
            for draft in self._turns.ordered()
            if not draft.hidden and not draft.deleted
            if draft.status == "open" or draft.transcription == "pending"
        ]

    def close(self, at: datetime) -> None:
        """The call is over: nothing more will be told of what is open."""
        for draft in self._turns.ordered():
            if draft.transcription == "pending":
                draft.transcription = "missing"
                self._turns.touch(draft)
            if draft.status == "open":
                draft.incomplete = True
                draft.close(at)
                self._turns.touch(draft)
        self.agent.close(at)

    # Events

    def _session_reported(self, event: events.SessionReported, at: datetime) -> None:
        session = event.session
        audio = _mapping(_mapping(session.get("audio")).get("input"))
        transcription = audio.get("transcription", session.get("input_audio_transcription", False))
        if transcription is not False:
            self._turns.transcription_due = bool(transcription)
            model = _mapping(transcription).get("model")
            if isinstance(model, str):
                self._book.transcription_model = model
        expires = None
        if event.expires_at is not None and 0 < event.expires_at < _LATEST:
            expires = datetime.fromtimestamp(event.expires_at, UTC)
        self._book.changes.append(SessionChanged(session, at, expires))

    def _item_added(self, event: events.ItemAdded | events.ItemDone, at: datetime) -> None:
        item = event.item
        if (reply := self.agent.aside.pop(item.id, None)) is not None:
            # It stands in the conversation after all: a dialect that leaves conversation_id null everywhere.
            reply.out_of_band = False
        draft = self._turns.describe(item, at)
        if not self._turns.place(draft, event.previous_item_id):
            self._book.oddity(at, "unseen predecessor")

    def _item_done(self, event: events.ItemDone, at: datetime) -> None:
        self._item_added(event, at)
        self._turns.finish(self._turns.drafts[event.item.id], event.item, at)

    def _item_retrieved(self, event: events.ItemRetrieved, at: datetime) -> None:
        if self._turns.expects(event.item.id):
            self._turns.describe(event.item, at)
        else:
            self._book.oddity(at, "unknown item", "retrieved")

    def _item_truncated(self, event: events.ItemTruncated, at: datetime) -> None:
        draft = self._turns.drafts.get(event.item_id)
        if draft is None:
            self._book.oddity(at, "unknown item", "truncated")
            return
        self.agent.truncate(draft, event.audio_end_ms, at)

    def _item_deleted(self, event: events.ItemDeleted, at: datetime) -> None:
        draft = self._turns.drafts.get(event.item_id)
        if draft is None:
            self._book.oddity(at, "unknown item", "deleted")
        elif not draft.deleted:
            draft.deleted = True
            draft.close(at)
            self._turns.touch(draft)
            self._book.note("item_deleted", at, item_id=event.item_id)

    def _transcription_delta(self, event: events.TranscriptionDelta, at: datetime) -> None:
        draft = self._caller(event.item_id, at, late=True)
        self._book.grow(draft, event.content_index, event.delta, at)

    def _transcription_completed(self, event: events.TranscriptionCompleted, at: datetime) -> None:
        draft = self._caller(event.item_id, at, late=True)
        draft.finish(event.content_index, event.text)
        draft.transcription = "completed"
        draft.close(at)
        self._turns.touch(draft)
        self._book.bill("transcription", event.item_id, at, event.tokens, event.seconds)

    def _transcription_failed(self, event: events.TranscriptionFailed, at: datetime) -> None:
        draft = self._caller(event.item_id, at, late=True)
        if draft.transcription in ("failed", "completed"):
            return
        draft.transcription = "failed"
        draft.close(at)
        self._turns.touch(draft)
        self._book.note("transcription_failed", at, item_id=event.item_id, **words_of(event.fault))

    def _speech_started(self, event: events.SpeechStarted, at: datetime) -> None:
        draft = self._caller(event.item_id, at)
        if not draft.done:
            self._caller_speaks = True
            self.agent.speech_ended = None

    def _speech_stopped(self, event: events.SpeechStopped, at: datetime) -> None:
        draft = self._caller(event.item_id, at)
        self._caller_speaks = False
        if draft.ended_at is None:
            self.agent.speech_ended = at
        draft.close(at)
        self._turns.touch(draft)

    def _committed(self, event: events.AudioCommitted, at: datetime) -> None:
        draft = self._caller(event.item_id, at)
        draft.close(at)
        self._turns.touch(draft)
        if not self._turns.place(draft, event.previous_item_id):
            self._book.oddity(at, "unseen predecessor")

    def _silence(self, event: events.SilenceTimedOut, at: datetime) -> None:
        self._book.note("silence_timeout", at, item_id=event.item_id)

    def _keypad(self, event: events.KeypadPressed, at: datetime) -> None:
        self._book.note("keypad", at, key=event.key)

    def _tool_progressed(self, event: events.ToolProgressed, at: datetime) -> None:
        if event.status != "failed":
            return
        draft = self._turns.drafts.get(event.item_id)
        if draft is not None and not draft.hidden:
            draft.incomplete = True
            draft.close(at)
            self._turns.touch(draft)
        self._book.note("provider_error", at, type="tool_failed", item_id=event.item_id)

    def _rate_limits(self, event: events.RateLimitsReported, at: datetime) -> None:
        limits = {
            one.name: {"limit": one.limit, "remaining": one.remaining, "reset_seconds": one.reset_seconds}
            for one in event.limits
        }
        self._book.changes.append(RateLimitsChanged(limits, at))

    def _unrecognised(self, event: events.Unrecognised, at: datetime) -> None:
        self._book.oddity(at, "unrecognised", event.type)

    def _malformed(self, event: events.Malformed, at: datetime) -> None:
        self._book.oddity(at, f"malformed: {event.reason}", event.type)

    def _caller(self, item_id: str, at: datetime, *, late: bool = False) -> Draft:
        """Return the draft of a caller's audio; its words are awaited where the session transcribes.

        `late` says that the event comes after the utterance has got its place.
        """
        turns = self._turns
        draft = turns.open_late(item_id, at) if late else turns.open(item_id, at, "message", "caller")
        if draft.transcription is None and self._turns.transcription_due:
            draft.transcription = "pending"
            self._turns.touch(draft)
        return draft


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_LISTENING: Mapping[type, Callable[[Conversation, Any, datetime], None]] = {
    events.SessionReported: Conversation._session_reported,
    events.ItemAdded: Conversation._item_added,
    events.ItemDone: Conversation._item_done,
    events.ItemRetrieved: Conversation._item_retrieved,
    events.ItemTruncated: Conversation._item_truncated,
    events.ItemDeleted: Conversation._item_deleted,
    events.TranscriptionDelta: Conversation._transcription_delta,
    events.TranscriptionCompleted: Conversation._transcription_completed,
    events.TranscriptionFailed: Conversation._transcription_failed,
    events.SpeechStarted: Conversation._speech_started,
    events.SpeechStopped: Conversation._speech_stopped,
    events.AudioCommitted: Conversation._committed,
    events.SilenceTimedOut: Conversation._silence,
    events.KeypadPressed: Conversation._keypad,
    events.ToolProgressed: Conversation._tool_progressed,
    events.RateLimitsReported: Conversation._rate_limits,
    events.Unrecognised: Conversation._unrecognised,
    events.Malformed: Conversation._malformed,
}
