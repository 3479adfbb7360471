"""A peer whose frames are too large: heard of, counted, and not dialled in a loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from calls.domain.changes import NoteAdded
from calls.sideband import attendance, backoff, connection
from tests.sideband.attending import Scene, Shell, briefed
from tests.sideband.desk import until
from tests.sideband.provider import provider


@pytest.mark.asyncio
async def test_after_the_third_the_next_dial_waits(monkeypatch):
    monkeypatch.setattr(connection, "FRAME_LIMIT", 1_000)
    monkeypatch.setattr(attendance, "OVERSIZED_REST_S", 3600)
    monkeypatch.setattr(backoff, "REDIAL_S", (0.0, 0.005))
    monkeypatch.setattr(backoff, "SETUP_S", (0.001,))
    async with provider() as provided:
        scene = Scene(provided, Shell(), briefed(provided.url), first_owner=True)
        for number in range(1, 4):
            await provided.dialled(number)
            await until(lambda: scene.shell.attachments[-1:] == ["attached"])
            with suppress(ConnectionError):
                await provided.say("response.done", text="x" * 2_000)
            await until(lambda number=number: scene.shell.frames.oversized == number)
        await asyncio.sleep(0.1)  # redials pause for a twentieth of this
        assert provided.count("dial") == 3
        notes = [note.body for note in scene.shell.of(NoteAdded)]
        assert notes == [{"kind": "too large", "type": "a frame of more than 4 MB"}]
        assert scene.shell.columns["oddities"] == 1
        scene.work.cancel()
        await asyncio.gather(scene.work, return_exceptions=True)
        await scene.control.aclose()
