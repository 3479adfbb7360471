"""What the screens call things: states, commands, causes, notes; the browser gets the same tables. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from calls.domain import attention, phrases
from calls.domain.attention import FAULTS, Severity
from calls.domain.commands import Verb
from calls.domain.filters import Mark, Outcome
from calls.domain.roles import CAPABILITIES, Capability
from calls.domain.states import CallState, CommandState, EndReason
from calls.web import session_panel


@dataclass(frozen=True, slots=True)
class Face:
    """How one state looks: always a word and an icon, the colour follows from `key` in the style sheet."""

    key: str
    word: str
    icon: str


FACES = {
    face.key: face
    for face in (
        Face("ringing", "Ringing", "phone-incoming"),
        Face("listening", "Listening", "ear"),
        Face("speaking", "Speaking", "audio-lines"),
        Face("thinking", "Thinking", "loader"),
        Face("transferring", "Transferring", "phone-forwarded"),
        Face("failed", "Failed", "triangle-alert"),
        Face("ended", "Ended", "circle-check"),
        Face("refused", "Refused", "phone-off"),
        Face("missed", "Missed", "phone-missed"),
    )
}

SEVERITIES = {
    face.key: face
    for face in (
        Face(Severity.ACT, "Act now", "octagon-alert"),
        Face(Severity.WARN, "Warning", "circle-alert"),
        Face(Severity.NOTE, "", "circle-dashed"),
    )
}

REASONS: Mapping[str, str] = {
    EndReason.REMOTE_HANG_UP: "The caller hung up, or the provider ended the call",
    EndReason.HUNG_UP: "Hung up from here",
    EndReason.TRANSFERRED: "Transferred",
    EndReason.MAX_DURATION: "The provider's 60 minutes were over",
    EndReason.NOT_ACCEPTED: "The provider did not let us answer",
    EndReason.TOO_OLD: "Announced too late to answer",
    EndReason.NO_ROUTE: "No route for the dialled number",
    EndReason.BUSY: "Too many calls at once",
    EndReason.PROVIDER_UNREACHABLE: "The provider could not be reached",
    EndReason.UNATTENDED: "Ended while nobody was attached",
}

WHY: Mapping[str, str] = {
    EndReason.REMOTE_HANG_UP: "Remote hang-up",
    EndReason.HUNG_UP: "Hung up from here",
    EndReason.TRANSFERRED: "Transferred",
    EndReason.MAX_DURATION: "Time limit reached",
    EndReason.NOT_ACCEPTED: "Not accepted",
    EndReason.TOO_OLD: "Announced too late",
    EndReason.NO_ROUTE: "No route",
    EndReason.BUSY: "Busy",
    EndReason.PROVIDER_UNREACHABLE: "Provider unreachable",
    EndReason.UNATTENDED: "Ended unattended",
}
"""The same in two or three words, for lists"""

OUTCOMES: Mapping[str, str] = {
    Outcome.LIVE: "Live",
    Outcome.ENDED: "Ended",
    Outcome.FAILED: "Failed",
    Outcome.REFUSED: "Refused",
    Outcome.MISSED: "Missed",
}
MARKS: Mapping[str, str] = {
    Mark.INTERRUPTED: "The caller cut a reply off",
    Mark.TOOL_FAILED: "Its last tool call failed",
    Mark.ASKED: "Asked for a person",
    Mark.GAP: "Not watched for a while",
    Mark.INCOMPLETE: "Usage incomplete",
}

COMMAND_STATES = {
    face.key: face
    for face in (
        Face(CommandState.REQUESTED, "requested", "clock"),
        Face(CommandState.CLAIMED, "picked up", "clock"),
        Face(CommandState.SENT, "sent", "send"),
        Face(CommandState.CONFIRMED, "confirmed", "check"),
        Face(CommandState.REFUSED, "refused", "ban"),
        Face(CommandState.NOT_CONFIRMED, "not confirmed", "circle-question-mark"),
        Face(CommandState.EXPIRED, "expired", "timer-off"),
        Face(CommandState.CANCELLED, "cancelled", "x"),
    )
}

VERBS: Mapping[str, str] = {
    Verb.INFORM: "Inform",
    Verb.INSTRUCT: "Instruct",
    Verb.SAY: "Say",
    Verb.SESSION: "Session",
    Verb.PROBE: "Probe",
    Verb.STOP_TALKING: "Stop talking",
    Verb.TRANSFER: "Transfer",
    Verb.HANG_UP: "Hang up",
}

SPEAKERS: Mapping[str, str] = {"caller": "Caller", "agent": "Agent", "operator": "Operator", "system": "System"}

CAUSES: Mapping[str, str] = {
    "socket_closed": "the connection to the provider was cut",
    "owner_lost": "the worker that watched it was lost",
    "accepted_unheard": "the call was answered before the answer was known here",
    "ended_unattended": "the call ended while nobody was attached",
    "not_stored": "the database was away for longer than there was room to keep it",
}

NOTES: Mapping[str, str] = {
    "provider_error": "The provider reported an error",
    "response_failed": "The reply failed",
    "response_incomplete": "The reply was not finished",
    "transcription_failed": "These words could not be transcribed",
    "keypad": "Keypad",
    "silence_timeout": "Nobody spoke",
    "interrupted": "Interrupted",
    "item_deleted": "An item was removed from the conversation",
    "oddity": "Something unexpected came from the provider",
}
NOTE_WORDS = ("message", "by", "detail", "reason", "digits", "digit", "key", "type", "code")
"""Keys of a note's body that may follow its sentence; the first one that is filled is shown"""

FLAGS: Mapping[str, str] = {
    "cut_off": "cut off",
    "incomplete": "not finished",
    "deleted": "removed from the conversation",
}
TRANSCRIPTION: Mapping[str, str] = {
    "failed": "These words could not be transcribed",
    "missing": "Not transcribed",
}

VERDICTS: Mapping[str, str] = {
    "ringing": "call taken",
    "missed": "call missed",
    "refused": "call refused",
    "duplicate_call": "call known already",
    "ignored": "nothing to do",
}

ROLE_NAMES: Mapping[str, str] = {role: role.value for role in CAPABILITIES}


def table() -> dict[str, Any]:
    """Everything above, for the page's data block."""
    return {
        "faces": {key: asdict(face) for key, face in FACES.items()},
        "faults": FAULTS,
        "attention": attention.table(),
        "severities": {key: asdict(face) for key, face in SEVERITIES.items()},
        "reasons": REASONS,
        "commands": {key: asdict(face) for key, face in COMMAND_STATES.items()},
        "verbs": VERBS,
        "speakers": SPEAKERS,
        "causes": CAUSES,
        "notes": NOTES,
        "noteWords": NOTE_WORDS,
        "flags": FLAGS,
        "transcription": TRANSCRIPTION,
        "toolFailed": [phrases.FAILED_JSON.pattern, "^" + phrases.FAILED_TEXT.pattern, phrases.HEAD],
        "session": session_panel.table(),
    }


def face(row: Mapping[str, Any]) -> Face:
    """The one state that a row of the feed shows. Mirrored by js/lib/faces.js."""
    state = row.get("state") or CallState.RINGING
    if state in {CallState.RINGING, CallState.ACCEPTED}:
        return FACES["ringing"]
    if state == CallState.ACTIVE:
        return FACES.get(row.get("floor") or "", FACES["listening"])
    if state == CallState.LOST or (state == CallState.ENDED and row.get("end_reason") in FAULTS):
        return FACES["failed"]
    return FACES[state]


def who_can(capability: Capability) -> str:
    """`owner, admin and supervisor`: the roles that have a capability."""
    names = [ROLE_NAMES[role] for role, granted in CAPABILITIES.items() if capability in granted]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
