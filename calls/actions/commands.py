"""Operators' commands: requested here; claimed by the owner of the call under its epoch; expired when nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from calls import feed
from calls.actions import audit
from calls.domain.actors import SYSTEM, Actor
from calls.domain.changes import CommandChanged
from calls.domain.commands import TEXT_LIMIT, TEXT_VERBS, Verb
from calls.domain.roles import Capability
from calls.domain.states import LIVE, CallState, CommandState
from calls.domain.views import Body, command_body
from calls.exceptions import CommandRejected, InvalidInput, NotFound
from calls.models import Call, Command, Turn
from calls.providers import session_update
from calls.providers.control import transfer_target
from calls.selectors.calls import command_row, published_session

EXPIRES_AFTER = timedelta(seconds=20)
"""A command that no owner claimed by then is not carried out any more: the moment has passed. With the round of five
seconds that settles it, or the ten that an owner waits for a proof, it is over within 30 s."""
PROOF_AFTER = timedelta(minutes=2)
"""Longer than any owner waits for a proof, late ones included."""
ENDED_GRACE = timedelta(seconds=5)
"""The owner's own last word about its commands is stored with the end of the call."""
SETTLE_AT_ONCE = 500
KEY_LIMIT = 64

_NEEDS = {
    Verb.INFORM: Capability.WHISPER,
    Verb.INSTRUCT: Capability.WHISPER,
    Verb.SAY: Capability.WHISPER,
    Verb.SESSION: Capability.ACT,
    Verb.PROBE: Capability.ACT,
    Verb.STOP_TALKING: Capability.ACT,
    Verb.TRANSFER: Capability.ACT,
    Verb.HANG_UP: Capability.ACT,
}

_FAILED = (CommandState.REFUSED, CommandState.NOT_CONFIRMED, CommandState.EXPIRED, CommandState.CANCELLED)
_ONCE: Mapping[Verb, tuple[CommandState, ...]] = {
    Verb.HANG_UP: _FAILED,
    Verb.PROBE: (*_FAILED, CommandState.CONFIRMED),
}
"""Verbs of which one at a time is enough → the states after which another may be asked for"""


def request(
    *, call: UUID, verb: str, text: str, key: str, by: Actor, settings: Mapping[str, Any] | None = None
) -> Body:
    """Ask for a command; idempotent on `key`. Returns the command as the feed shows it.

    `settings` are those of Session, flat as in calls.domain.effective; what is in force already is left out.

    Raises NotFound, NotAllowed, InvalidInput (naming the field) or CommandRejected (a sentence to show).
    """
    wanted = _verb(verb)
    by.require(_NEEDS[wanted])
    text = _text(wanted, text)
    if not 0 < len(key) <= KEY_LIMIT:
        raise InvalidInput(f"an idempotency key of 1 to {KEY_LIMIT} characters is needed", "key")

    with transaction.atomic():
        row = Call.objects.select_for_update().filter(code=call).first()
        if row is None:
            raise NotFound("no such call")
        same = Command.objects.select_related("by").filter(call=row).filter(key=key).first()
        same = same or _running(row, wanted)
        if same is not None:
            return command_row(same)
        _check_state(row, wanted)
        update = _update(row, settings or {}) if wanted is Verb.SESSION else {}
        text = session_update.sentence(update) if update else text
        try:
            with transaction.atomic():
                command = Command.objects.create(
                    call=row, verb=wanted.value, text=text, settings=update, key=key, by_id=by.user_id
                )
        except IntegrityError as error:
            raise CommandRejected("This command was already asked for.") from error
        # By the clock that claims are judged by: on a host whose own is behind, every command would be too old at once.
        Command.objects.filter(pk=command.pk).update(requested_at=Now())
        command.refresh_from_db(fields=["requested_at"])

        audit.record(
            "call.command_requested",
            by=by,
            kind="call",
            code=row.code,
            command_verb=wanted.value,
            command=str(command.id),
        )

        body = command_row(command)
        feed.append_to_call(row, [("command", body)])
        _wake_owner(row.pk)
    return body


def settle_overdue() -> int:
    """Settle commands of the tenant in scope that no owner will settle any more; returns how many.

    Not claimed in time: expired. Claimed or sent when the call ended, or longer ago than any owner waits for a proof:
    not confirmed. All by the database's clock, by which they were asked for and claimed.
    """
    now = Now()
    taken = Q(state__in=[CommandState.CLAIMED, CommandState.SENT])
    over = Q(call__ended_at__lt=now - ENDED_GRACE) | Q(claimed_at__lt=now - PROOF_AFTER)
    unclaimed = Q(state=CommandState.REQUESTED, requested_at__lt=now - EXPIRES_AFTER)
    overdue = Command.objects.filter(unclaimed | (taken & over)).values_list("pk", "call_id", "state")
    return sum(_settle(pk, call, CommandState(state)) for pk, call, state in overdue[:SETTLE_AT_ONCE])


def _settle(pk: UUID, call_pk: int, state: CommandState) -> int:
    now = timezone.now()
    if state is CommandState.REQUESTED:
        change = CommandChanged(pk, CommandState.EXPIRED, now, "No worker was watching the call in time.")
    else:
        change = CommandChanged(pk, CommandState.NOT_CONFIRMED, now, "The call ended, or its worker did.")
    with transaction.atomic():
        call = Call.objects.select_for_update(no_key=True).get(pk=call_pk)
        changed = Command.objects.filter(pk=pk, state=state).update(
            state=change.state.value, settled_at=now, detail=change.detail
        )
        if changed:
            verb = f"call.command_{change.state.value}"
            audit.record(verb, by=SYSTEM, kind="call", code=call.code, command=str(pk))
            feed.append_to_call(call, [("command", command_body(change))])
    return changed


def _verb(verb: str) -> Verb:
    try:
        return Verb(verb)
    except ValueError as error:
        raise InvalidInput(f"must be one of {', '.join(v.value for v in Verb)}", "verb") from error


def _text(verb: Verb, text: str) -> str:
    text = text.replace("\x00", "").strip()
    if verb is Verb.TRANSFER:
        try:
            return transfer_target(text)
        except InvalidInput as error:
            raise InvalidInput(error.args[0].removeprefix(f"{error.field}: "), "text") from error
    if verb not in TEXT_VERBS:
        return ""
    if not text:
        raise InvalidInput("write what the agent is to be told", "text")
    if len(text) > TEXT_LIMIT:
        raise InvalidInput(f"at most {TEXT_LIMIT} characters; this has {len(text)}", "text")
    return text


def _running(call: Call, verb: Verb) -> Command | None:
    """The second click on Hang up or on Probe gets the first one's command."""
    if verb not in _ONCE:
        return None
    return (
        Command.objects.select_related("by").filter(call=call, verb=verb.value).exclude(state__in=_ONCE[verb]).first()
    )


def _update(call: Call, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the session body that this changes. Raises InvalidInput."""
    published = published_session(call)
    update = session_update.change(settings, call.session or published, published.get("tool_choice"))
    if not update:
        raise InvalidInput("nothing would change: all of this is in force already", "session")
    voice = update.get("audio", {}).get("output", {}).get("voice")
    if voice and Turn.objects.filter(call=call, kind="message", speaker="agent").exists():
        raise InvalidInput("the voice is fixed once the agent has spoken", "voice")
    return update


def _check_state(call: Call, verb: Verb) -> None:
    state = CallState(call.state)
    if state not in LIVE:
        raise CommandRejected("The call is over.")
    if state in {CallState.RINGING, CallState.ACCEPTED}:
        raise CommandRejected("The call is not answered yet. Try again in a moment.")
    if state is CallState.TRANSFERRING and verb is Verb.TRANSFER:
        raise CommandRejected("A transfer is already under way.")


def _wake_owner(call_pk: int) -> None:
    """Told at the commit, by PostgreSQL itself: a stalled Redis cannot hold a command up."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify('sideband_commands', %s)", [str(call_pk)])
