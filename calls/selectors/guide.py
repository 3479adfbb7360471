"""What a newcomer has done already, from what is on record anyway: commands, versions, the audit log, visits."""

from __future__ import annotations

from calls.domain.commands import Verb
from calls.domain.guide import VISITS, Deed
from calls.domain.states import CommandState
from calls.models import AuditEntry, Call, Command, User

_HELP = (Verb.INFORM, Verb.INSTRUCT, Verb.SAY)
_STOP = (Verb.STOP_TALKING, Verb.HANG_UP)
_VERBS = {"agent.published": Deed.PUBLISHED, "member.added": Deed.INVITED, "member.invited": Deed.INVITED}
_EXPORTS = "export."


def deeds(user: User) -> set[Deed]:
    """What `user` has done in the tenant in scope. Three queries, each by an index."""
    found = {Deed(name) for name in user.guide if name in VISITS}
    confirmed = Command.objects.filter(by=user, state=CommandState.CONFIRMED).values_list("verb", flat=True)
    verbs = set(confirmed.distinct())
    if verbs & set(_HELP):
        found.add(Deed.HELPED)
    if verbs & set(_STOP):
        found.add(Deed.STOPPED)
    for verb in AuditEntry.objects.filter(actor=user).values_list("verb", flat=True).distinct():
        if verb in _VERBS:
            found.add(_VERBS[verb])
        elif verb.startswith(_EXPORTS):
            found.add(Deed.EXPORTED)
    if Deed.PUBLISHED in found and Call.objects.filter(instruction_version__author=user).exists():
        found.add(Deed.HEARD)
    return found
