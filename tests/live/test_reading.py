"""What a feed reads: always in the member's tenant, and never a half of the past."""

from __future__ import annotations

import pytest

from calls.exceptions import FeedGone, NotFound
from calls.live import reading
from calls.live.protocol import Wanted
from calls.selectors.members import member_of
from tests.live.page import stream_of
from tests.sideband.desk import within

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("live")]


async def member(person):
    return await within(person.tenant, lambda: member_of(person.user.pk, person.tenant.slug))


async def test_heads_are_told_of_what_is_there(acme, globex, sam, rita, call):
    streams = [Wanted("tenant"), Wanted(stream_of(call))]
    assert await reading.heads(await member(sam), streams) == {"tenant": 0, stream_of(call): 0}
    assert await reading.heads(await member(rita), streams) == {"tenant": 0}


async def test_another_tenants_call_is_not_there(acme, rita, call):
    for read in (reading.snapshot, reading.entries_after):
        with pytest.raises(NotFound):
            await read(await member(rita), Wanted(stream_of(call), "e", 0))


async def test_a_position_without_a_number_needs_a_snapshot(acme, sam, call):
    reader = await member(sam)
    epoch = (await reading.snapshot(reader, Wanted("tenant"))).epoch
    assert await reading.entries_after(reader, Wanted("tenant", epoch, 0)) == []
    with pytest.raises(FeedGone):
        await reading.entries_after(reader, Wanted("tenant", epoch))
