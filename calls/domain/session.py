"""One call from its announcement to its end: inputs in, changes and orders out. No clock, no socket, no
storage.

`Session.advance` is the only door. A new owner rebuilds a session from the stored turns and unsettled
commands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from calls.domain import client_events, events, inputs
from calls.domain.changes import AttachmentChanged, CallStateChanged, GapRecorded, PartialText, Signs, Turn
from calls.domain.commands import Verb
from calls.domain.conversation import Conversation
from calls.domain.inputs import Input
from calls.domain.notebook import Notebook, words_of
from calls.domain.outgoing import SendEvent
from calls.domain.plan import Plan, SentCommand, Step
from calls.domain.signs import NO_SIGNS, Lookout
from calls.domain.states import (
    ATTACHMENT,
    CALL,
    LIVE,
    Attachment,
    CallState,
    EndReason,
    move,
)
from calls.domain.steering import RETRY, Steering
from calls.exceptions import InvalidTransition

__all__ = ["Plan", "SentCommand", "Session", "Step"]

RETRIEVE_LIMIT = 32
"""Items asked for after a gap, the latest first; enough for minutes of talk."""

_ANSWERED = frozenset({CallState.ACTIVE, CallState.TRANSFERRING})
_SPEAKERS = frozenset({"caller", "agent"})
_OWNER_LOST = "owner_lost"
_UNHEARD = "accepted_unheard"
_EXPIRED = "session_expired"
_TOO_BIG = 1009
"""The close code for a frame beyond the bound"""
_EXPIRED_WORDS = "maximum duration"
_NOTHING = Step()


class Session:
    """`state`, `attachment` and `deadline` are for reading. `oddities` counts what should not have been."""

    def __init__(
        self,
        plan: Plan,
        *,
        state: CallState = CallState.RINGING,
        attachment: Attachment = Attachment.DETACHED,
        turns: Iterable[Turn] = (),
        sent: Iterable[SentCommand] = (),
        deadline: datetime | None = None,
        signs: Signs = NO_SIGNS,
    ) -> None:
        self.state = state
        self.attachment = attachment
        self.deadline = deadline
        """When the provider will end the call by itself; None before it was answered"""
        self._plan = plan
        self._book = Notebook(plan.model, plan.transcription_model or "", turns)
        self._talk = Conversation(self._book, transcription_due=plan.transcription_due)
        self._steering = Steering(plan, self._book, self._talk.agent, sent)
        self._lookout = Lookout(signs)
        self._expired = False
        self._unwatched: tuple[datetime, str] | None = None
        """Since when nobody watches, and why; read by `_lapse`"""
        self._gapped = False
        self._greeting = client_events.greeting(plan.greeting) if plan.greeting and state not in _ANSWERED else None
        """Due until it went out; a former owner that answered the call greeted, too"""
        self._greet_at: datetime | None = None
        if state is CallState.TRANSFERRING:
            self._steering.resume_transfer()

    @property
    def oddities(self) -> Counter[str]:
        return self._book.oddities

    def growing(self) -> list[PartialText]:
        """The words of open turns so far, each from its beginning: for somebody who looks on from now."""
        return [
            PartialText(draft.item_id, draft.rank, draft.speaker, 0, draft.text)
            for draft in self._book.transcript.growing()
        ]

    def advance(self, input: Input, at: datetime) -> Step:
        """Take one input; `at` is when it happened, with a time zone.

        Never raises for what the provider says. Raises InvalidTransition where our own code asks for what
        cannot be: attaching twice, detaching what is not attached, accepting or attaching after the end,
        claiming twice.
        """
        handler = _INPUTS.get(type(input))
        if handler is not None:
            handler(self, input, at)
        elif self.state in LIVE:
            self._hear(input, at)  # type: ignore[arg-type]  # the rest of Input is Event
        changes = self._book.told(at)
        # Words alone, which most events are, hold no sign; rows would come before them.
        if changes and type(changes[0]) is not PartialText and self.state in LIVE:
            seen = self._lookout.look(changes, at)
            changes = changes if seen is None else (seen, *changes)
        outgoing = tuple(self._steering.outgoing)
        self._steering.outgoing.clear()
        wake_at = self._wake_at()
        return Step(changes, outgoing, wake_at) if changes or outgoing or wake_at else _NOTHING

    def _wake_at(self) -> datetime | None:
        cap = self.deadline if self.attachment is Attachment.REATTACHING else None
        if cap is None and self._greet_at is None:
            return self._steering.wake_at
        return min((due for due in (self._steering.wake_at, self._greet_at, cap) if due is not None), default=None)

    # The provider's events

    def _hear(self, event: events.Event, at: datetime) -> None:
        if type(event) is events.ProviderFault:
            self._fault(event, at)
            return
        self._talk.hear(event, at)
        steering = self._steering
        match event:
            case events.ItemAdded() | events.ItemDone() | events.ItemRetrieved():
                steering.item_seen(event.item, at)
                if isinstance(event, events.ItemRetrieved):
                    steering.sign_of_life(event.item.id, at)
                self._ask_for_predecessor(event)
            case events.SessionReported():
                steering.session_seen(event, at)
            case events.ResponseCreated(response):
                steering.response_seen(response, at)
            case events.ResponseDone(response):
                steering.response_over(response, at)
            case events.PlaybackCleared():
                steering.silence_seen(at)
            case _:
                pass
        self._talk.look(at)

    def _ask_for_predecessor(self, event: events.Event) -> None:
        """After a gap the only trace of an item may be that another one follows it."""
        if not self._gapped or not isinstance(event, events.ItemAdded) or event.previous_item_id is None:
            return
        if self._book.transcript.unseen(event.previous_item_id):
            self._steering.outgoing.append(SendEvent(client_events.retrieve(event.previous_item_id)))

    def _fault(self, event: events.ProviderFault, at: datetime) -> None:
        if event.fault.code == _EXPIRED:
            self._expired = True
        if event.client_event_id is not None and event.client_event_id.startswith("get_"):
            self._book.oddity(at, "retrieve refused", event.fault.code)
            return
        command = self._steering.fault(event, at)
        if command is not None and command.verb is Verb.PROBE:
            return  # what it refuses does not matter: it answered
        named = {"command_id": str(command.id)} if command else {}
        self._book.note("provider_error", at, **words_of(event.fault), **named)
        self._sync_transfer(at)

    # The line

    def _accepted(self, input: inputs.Accepted, at: datetime) -> None:
        self._change_state(CallState.ACCEPTED, at)
        self._change_attachment(Attachment.ATTACHING, at)

    def _attached(self, input: inputs.Attached, at: datetime) -> None:
        self._alive("attached")
        if self.attachment is Attachment.DETACHED:
            self.attachment = move(ATTACHMENT, self.attachment, Attachment.ATTACHING)
        self._change_attachment(Attachment.ATTACHED, at)
        again = self.state in _ANSWERED
        if not again:
            self._change_state(CallState.ACTIVE, at)
            self.deadline = self.deadline or at + self._plan.max_duration
            self._unwatched = None if input.unheard_since is None else (input.unheard_since, _UNHEARD)
            self._gapped = self._unwatched is not None
        if self._unwatched is not None:
            since, cause = self._lapse(at)
            self._book.changes.append(GapRecorded(since, at, cause))
        if again:
            self._gapped = True
            for item_id in self._talk.unfinished()[-RETRIEVE_LIMIT:]:
                self._steering.outgoing.append(SendEvent(client_events.retrieve(item_id)))
        self._unwatched = None
        self._greet()
        self._steering.attach(at, again=again)
        self._sync_transfer(at)
        self._talk.look(at)

    def _greet(self) -> None:
        """Have the agent speak first, unless somebody spoke before."""
        self._greet_at = None
        spoken = any(draft.speaker in _SPEAKERS for draft in self._book.transcript.ordered())
        if self._greeting is not None and self.attachment is Attachment.ATTACHED and not spoken:
            self._steering.outgoing.append(SendEvent(self._greeting))
            self._greeting = None

    def _detached(self, input: inputs.Detached, at: datetime) -> None:
        if self.state not in LIVE:
            return  # the end was known before the socket closed
        detail = ": ".join(str(part) for part in (input.code, input.reason[:200]) if part)
        self._change_attachment(Attachment.REATTACHING, at, detail)
        if input.code == _TOO_BIG:
            self._book.oddity(at, "too large", "a frame of more than 4 MB")
        self._unwatched = at, "socket_closed"
        self._steering.detach()
        self._talk.detach()
        if self._expired or _EXPIRED_WORDS in input.reason or self._past(at):
            self._end(CallState.ENDED, EndReason.MAX_DURATION, at)

    def _resumed(self, input: inputs.Resumed, at: datetime) -> None:
        self._alive("resumed")
        if self.attachment is Attachment.ATTACHED:
            self._change_attachment(Attachment.REATTACHING, at)
        elif self.attachment is Attachment.DETACHED:
            self._change_attachment(Attachment.ATTACHING, at)
        if input.last_event_at is not None and self.state in _ANSWERED:
            self._unwatched = input.last_event_at, _OWNER_LOST
        self._talk.detach()
        self._steering.resume(at)

    def _gone(self, input: inputs.Gone, at: datetime) -> None:
        if self.state not in _ANSWERED:
            return  # over already, or a leg that never came up: the runner gives up on that
        since, cause = self._lapse(at)
        if cause == _OWNER_LOST:
            self._book.changes.append(GapRecorded(since, at, "ended_unattended"))
            self._end(CallState.ENDED, self._steering.end_reason(at) or EndReason.UNATTENDED, at)
            return
        expired = EndReason.MAX_DURATION if self._expired or self._past(since) else None
        reason = self._steering.end_reason(since) or expired or EndReason.REMOTE_HANG_UP
        self._end(CallState.ENDED, reason, since)

    def _gave_up(self, input: inputs.GaveUp, at: datetime) -> None:
        if self.state in LIVE:
            self._end(input.state, input.reason, at, input.detail)

    def _lapse(self, at: datetime) -> tuple[datetime, str]:
        """Since when nobody watches, and why. Never after `at`: the clock of a former owner may have been ahead, and
        our own may have been set back."""
        since, cause = self._unwatched or (at, "")
        return min(since, at), cause

    def _past(self, at: datetime) -> bool:
        return self.deadline is not None and at >= self.deadline

    # The operator

    def _claimed(self, input: inputs.CommandClaimed, at: datetime) -> None:
        self._steering.claim(input.command, at, live=self.state in _ANSWERED)

    def _sent(self, input: inputs.Sent, at: datetime) -> None:
        self._steering.sent(input.what, at)

    def _not_sent(self, input: inputs.NotSent, at: datetime) -> None:
        what = input.what
        if isinstance(what, SendEvent) and what.event.get("event_id") == client_events.GREETING_ID:
            if self.state in LIVE:
                self._greeting, self._greet_at = what.event, at + RETRY
        else:
            self._steering.not_sent(what, input.why, at)

    def _answered(self, input: inputs.ControlAnswered, at: datetime) -> None:
        if self._steering.answer(input, at):
            self._gone(inputs.Gone(), at)
        self._sync_transfer(at)

    def _tick(self, input: inputs.Tick, at: datetime) -> None:
        self._steering.tick(at)
        if self._greet_at is not None and at >= self._greet_at:
            self._greet()
        self._sync_transfer(at)
        if self.attachment is Attachment.REATTACHING and self._past(at):
            # The provider ends no later than this, so there is nothing left to attach to.
            since, cause = self._lapse(at)
            if cause == _OWNER_LOST:
                self._book.changes.append(GapRecorded(since, at, "ended_unattended"))
            self._end(CallState.ENDED, EndReason.MAX_DURATION, since)

    def _sync_transfer(self, at: datetime) -> None:
        """The call is transferring exactly while a transfer that was taken is open."""
        if self.state in _ANSWERED:
            state = CallState.TRANSFERRING if self._steering.transferring else CallState.ACTIVE
            if state is not self.state:
                self._change_state(state, at)

    # State

    def _alive(self, what: str) -> None:
        if self.state not in LIVE:
            raise InvalidTransition(f"{what} after the call was {self.state}")

    def _change_state(self, state: CallState, at: datetime, reason: EndReason | None = None, detail: str = "") -> None:
        self.state = move(CALL, self.state, state)
        self._book.changes.append(CallStateChanged(state, at, reason, detail))

    def _change_attachment(self, attachment: Attachment, at: datetime, detail: str = "") -> None:
        self.attachment = move(ATTACHMENT, self.attachment, attachment)
        self._book.changes.append(AttachmentChanged(attachment, at, detail))

    def _end(self, state: CallState, reason: EndReason, at: datetime, detail: str = "") -> None:
        """Close what is open, then the call."""
        move(CALL, self.state, state)
        self._talk.close(at)
        self._greet_at = None
        self._steering.over(at, state, reason)
        self._book.flush_turns(at)
        self._change_attachment(Attachment.CLOSED, at)
        self._change_state(state, at, reason, detail)


_INPUTS: Mapping[type, Callable[[Session, Any, datetime], None]] = {
    inputs.Accepted: Session._accepted,
    inputs.Attached: Session._attached,
    inputs.Detached: Session._detached,
    inputs.Gone: Session._gone,
    inputs.GaveUp: Session._gave_up,
    inputs.CommandClaimed: Session._claimed,
    inputs.Sent: Session._sent,
    inputs.NotSent: Session._not_sent,
    inputs.ControlAnswered: Session._answered,
    inputs.Tick: Session._tick,
    inputs.Resumed: Session._resumed,
}
