"""The one address of the feed."""

from __future__ import annotations

import pytest
from channels.testing import WebsocketCommunicator

from tests.live.page import console


@pytest.mark.asyncio
@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("origin", [b"https://evil.example", None])
async def test_a_page_of_another_site_cannot_open_the_feed(origin):
    headers = [(b"origin", origin)] if origin else []
    socket = WebsocketCommunicator(console(), "/t/acme/feed/", headers=headers)
    connected, _ = await socket.connect(timeout=5)
    assert not connected
    await socket.disconnect()
