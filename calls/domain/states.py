"""The state tables: which moves are legal, as data. docs/architecture.md draws them; nothing else decides them.

Three tables, apart because they fail apart: a call may be active while its attachment is lost, and a command may wait
while both are well.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from calls.exceptions import InvalidTransition


class CallState(StrEnum):
    RINGING = "ringing"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    TRANSFERRING = "transferring"
    ENDED = "ended"
    REFUSED = "refused"
    """we turned it away"""
    MISSED = "missed"
    """nobody of ours answered in time"""
    LOST = "lost"
    """answered, but a fault on our side or the provider's ended our watch"""


class Attachment(StrEnum):
    DETACHED = "detached"
    ATTACHING = "attaching"
    ATTACHED = "attached"
    REATTACHING = "reattaching"
    CLOSED = "closed"


class CommandState(StrEnum):
    REQUESTED = "requested"
    CLAIMED = "claimed"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    NOT_CONFIRMED = "not_confirmed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class EndReason(StrEnum):
    """Why a call is over, as far as anyone can know: no provider event names it."""

    REMOTE_HANG_UP = "remote_hang_up"
    """the caller hung up, or the provider ended it for a reason of its own"""
    HUNG_UP = "hung_up"
    """an operator hung up"""
    TRANSFERRED = "transferred"
    MAX_DURATION = "max_duration"
    """the provider's 60-minute cap"""
    NOT_ACCEPTED = "not_accepted"
    """accept was refused, or the accepted leg never came up"""
    TOO_OLD = "too_old"
    """the webhook arrived when the caller had long gone"""
    NO_ROUTE = "no_route"
    BUSY = "busy"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    UNATTENDED = "unattended"
    """ended while nobody was attached"""


class Floor(StrEnum):
    """Who is at work in an active call, for the state badge."""

    LISTENING = "listening"
    SPEAKING = "speaking"
    THINKING = "thinking"


S = TypeVar("S", bound=StrEnum)

CALL: Mapping[CallState, frozenset[CallState]] = {
    CallState.RINGING: frozenset(
        {CallState.ACCEPTED, CallState.ACTIVE, CallState.REFUSED, CallState.MISSED, CallState.LOST}
    ),
    CallState.ACCEPTED: frozenset({CallState.ACTIVE, CallState.ENDED, CallState.MISSED, CallState.LOST}),
    CallState.ACTIVE: frozenset({CallState.TRANSFERRING, CallState.ENDED, CallState.LOST}),
    CallState.TRANSFERRING: frozenset({CallState.ACTIVE, CallState.ENDED, CallState.LOST}),
    CallState.ENDED: frozenset(),
    CallState.REFUSED: frozenset(),
    CallState.MISSED: frozenset(),
    CallState.LOST: frozenset(),
}

ATTACHMENT: Mapping[Attachment, frozenset[Attachment]] = {
    Attachment.DETACHED: frozenset({Attachment.ATTACHING, Attachment.CLOSED}),
    Attachment.ATTACHING: frozenset({Attachment.ATTACHED, Attachment.CLOSED, Attachment.DETACHED}),
    Attachment.ATTACHED: frozenset({Attachment.REATTACHING, Attachment.CLOSED, Attachment.DETACHED}),
    Attachment.REATTACHING: frozenset({Attachment.ATTACHED, Attachment.CLOSED, Attachment.DETACHED}),
    Attachment.CLOSED: frozenset(),
}

COMMAND: Mapping[CommandState, frozenset[CommandState]] = {
    CommandState.REQUESTED: frozenset({CommandState.CLAIMED, CommandState.EXPIRED, CommandState.CANCELLED}),
    CommandState.CLAIMED: frozenset(
        {CommandState.SENT, CommandState.REFUSED, CommandState.NOT_CONFIRMED, CommandState.CONFIRMED}
    ),
    CommandState.SENT: frozenset({CommandState.CONFIRMED, CommandState.REFUSED, CommandState.NOT_CONFIRMED}),
    CommandState.CONFIRMED: frozenset(),
    CommandState.REFUSED: frozenset(),
    CommandState.NOT_CONFIRMED: frozenset({CommandState.CONFIRMED}),
    CommandState.EXPIRED: frozenset(),
    CommandState.CANCELLED: frozenset(),
}

LIVE = frozenset({CallState.RINGING, CallState.ACCEPTED, CallState.ACTIVE, CallState.TRANSFERRING})
"""Calls that a worker must own."""


def move(table: Mapping[S, frozenset[S]], here: S, there: S) -> S:
    """Return `there`. Raises InvalidTransition when the table has no such move."""
    if there not in table[here]:
        raise InvalidTransition(f"{here} cannot become {there}")
    return there
