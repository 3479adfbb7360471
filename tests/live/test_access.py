"""Who may open the feed. The rest of the doors are tried in test_consumers, over the socket."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from calls.live import access

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("live")]


def scope(person):
    return {"session": SessionStore(person.client.cookies[settings.SESSION_COOKIE_NAME].value)}


async def test_members_are_admitted_with_their_role(acme, sam, ana):
    for person in (sam, ana):
        member = await access.admit(await sync_to_async(scope)(person), "acme")
        assert (member.tenant_id, member.actor.role) == (acme.id, person.role)


async def test_a_session_that_ended_meanwhile_admits_nobody(acme, sam):
    """The scope of a socket lives for hours; what it read at the handshake must not."""
    mine = await sync_to_async(scope)(sam)
    await access.admit(mine, "acme")
    await sync_to_async(sam.client.logout)()
    with pytest.raises(access.Refused) as refusal:
        await access.admit(mine, "acme")
    assert refusal.value.code == access.SIGNED_OUT
