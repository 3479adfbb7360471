"""Builds the runner of a call from what is stored of it. Opens nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from calls.actions.ingest import CallRef
from calls.domain.changes import AttachmentChanged, CallStateChanged
from calls.domain.commands import Command, Verb
from calls.domain.session import Plan, SentCommand, Session
from calls.domain.states import Attachment, CallState, CommandState, EndReason
from calls.exceptions import InvalidInput
from calls.providers import session_body
from calls.providers.client import ControlClient
from calls.selectors.sideband import Briefing
from calls.sideband.runner import Runner, Shell


def begin(brief: Briefing, ref: CallRef, control: ControlClient, shell: Shell) -> Runner:
    """A runner whose session knows all that an earlier owner stored: turns, and commands that it left unsettled."""
    plan = _plan(brief)
    deadline = brief.deadline or (brief.answered_at + plan.max_duration if brief.answered_at else None)
    session = Session(
        plan,
        state=brief.state,
        attachment=brief.attachment,
        turns=brief.turns,
        sent=[
            SentCommand(
                Command(row.id, Verb(row.verb), row.text, row.settings),
                CommandState(row.state),
                row.sent_at or row.claimed_at,
            )
            for row in brief.commands
            if row.verb in set(Verb)  # another version's: `settle_overdue` tells the operator
        ],
        deadline=deadline,
        signs=brief.signs,
    )
    return Runner(ref, brief.call_id, session, control, shell)


def unattended(brief: Briefing, why: str) -> tuple[AttachmentChanged, CallStateChanged]:
    """The end of a call whose account has no key or no usable address: another try would find the same."""
    ringing = brief.state is CallState.RINGING
    state, reason = (
        (CallState.MISSED, EndReason.NOT_ACCEPTED) if ringing else (CallState.LOST, EndReason.PROVIDER_UNREACHABLE)
    )
    now = datetime.now(UTC)
    return AttachmentChanged(Attachment.CLOSED, now), CallStateChanged(state, now, reason, why)


def _plan(brief: Briefing) -> Plan:
    try:
        body = session_body.build(brief.model, brief.voice, brief.instructions, brief.settings)
    except InvalidInput:
        body = {}  # whoever accepts the call says what is wrong with it
    transcription = body.get("audio", {}).get("input", {}).get("transcription")
    return Plan(
        model=brief.model,
        transcription_model=transcription.get("model") if transcription else None,
        transcription_due=transcription is not None,
        greeting=brief.greeting or None,
        max_duration=timedelta(minutes=60),
    )
