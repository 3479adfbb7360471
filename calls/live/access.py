"""Who may open the feed, and whether they still may. Asked at the handshake, at each change that is announced, and
every minute in case an announcement was lost."""

from __future__ import annotations

import inspect
from typing import Any

from channels.auth import get_user

from calls.domain.roles import Capability
from calls.live.database import asks_together
from calls.selectors.members import Member, member_of

BAD_FRAME, SIGNED_OUT, ROLE_REMOVED, NO_TENANT, TOO_SLOW, TOO_MANY = 4400, 4401, 4403, 4404, 4408, 4429
"""Close codes; docs/feed-protocol.md gives their meaning."""
DATABASE_AWAY = 4503
"""Come back later. The only one without an error frame: any frame tells the browser that all is well again, so
its tries would not slow down"""

_user_of = inspect.unwrap(get_user)
"""Channels' own, without the thread that all sockets share"""


class Refused(Exception):
    """The feed is closed to this person; `code` is the close code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@asks_together(lambda scope, slug: (scope["session"].session_key, slug))
def admit(scope: dict[str, Any], slug: str) -> Member:
    """The member behind a socket. Raises Refused; a tenant that is not theirs and one that is not are the same."""
    # The session as it is now: the scope's own was read once, at the handshake.
    user = _user_of(scope | {"session": scope["session"].__class__(scope["session"].session_key)})
    if not user.is_authenticated:
        raise Refused(SIGNED_OUT, "You are signed out.")
    member = member_of(user.pk, slug)
    if member is None:
        raise Refused(NO_TENANT, "There is no such tenant.")
    if not member.actor.may(Capability.SEE):
        raise Refused(ROLE_REMOVED, "Your role does not include watching calls.")
    return member


async def admit_again(scope: dict[str, Any], slug: str) -> Member:
    """The same for somebody who was admitted before: then a tenant that is not theirs is one that was."""
    try:
        return await admit(scope, slug)
    except Refused as refusal:
        if refusal.code == NO_TENANT:
            raise Refused(ROLE_REMOVED, "Your role here was removed.") from refusal
        raise
