"""A supervisor at work, and a call that it finds."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from django.utils import timezone

from calls.sideband.supervisor import Supervisor
from tests import factories
from tests.sideband.desk import fetch, until, within


@asynccontextmanager
async def working():
    one = Supervisor()
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        one.stop()
        await asyncio.wait_for(task, 30)


async def ringing(tenant, served, **fields):
    def make():
        agent = factories.make_agent(tenant)
        account = factories.make_account(tenant, base_url=served.url)
        given = {"state": "ringing", "started_at": timezone.now(), "agent": agent, **fields}
        return factories.make_call(tenant, account=account, **given)

    return await within(tenant, make)


async def call_row(hot, call):
    [row] = await fetch(hot, "select state, attachment, owner, epoch from calls_call where id = %s", call.pk)
    return row


async def attached(hot, call, owner=None):
    async def is_attached():
        state, attachment, holder, _ = await call_row(hot, call)
        return (state, attachment) == ("active", "attached") and (owner is None or holder == owner.owner)

    await until(is_attached)


async def says(served, text, item_id="item_1"):
    item = {"id": item_id, "type": "message", "role": "user", "status": "completed"}
    item["content"] = [{"type": "input_text", "text": text}]
    await served.say("conversation.item.done", item=item, previous_item_id=None)
