"""The sound of the agent on its way to the caller: queued, played, cut.

Knows how long words take to say and nothing of how they were made; one voice is heard at a time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calls.simulator import voice, wire
from calls.simulator.conversation import Item

if TYPE_CHECKING:
    from calls.simulator.call import Call
    from calls.simulator.response import Response


@dataclass(slots=True)
class Sound:
    """One message, played or waiting to be."""

    response: Response
    item: Item
    began: float | None = None
    stop: asyncio.TimerHandle | None = None


class Playback:
    """What plays on one call. Text is generated faster than it is spoken, so this runs behind."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._playing: Sound | None = None
        self._queue: list[Sound] = []

    def silent(self) -> bool:
        return self._playing is None

    def add(self, response: Response, item: Item) -> None:
        """Play the message, after whatever still plays."""
        self._queue.append(Sound(response, item))
        self._next()

    def _next(self) -> None:
        if self._playing is None and self._queue:
            self._playing = self._queue.pop(0)
            self._playing.began = self._call.clock.elapsed()
            self._call.emit(wire.sound("started", self._playing.response.id))
            self.drain()

    def drain(self) -> None:
        """Schedule the end of the sound, once its response is over and it is known how much there is to say."""
        sound = self._playing
        if sound is None or sound.response.plan.hold_sound:
            return
        if sound.stop is None and sound.response.status != "in_progress":
            left = (sound.began or 0.0) + voice.seconds(sound.item.text) - self._call.clock.elapsed()
            sound.stop = self._call.clock.later(max(left, 0.05), self._stopped)

    def _stopped(self) -> None:
        if self._playing is not None:
            self._call.emit(wire.sound("stopped", self._playing.response.id))
            self._playing = None
            self._next()
            self._call.hush()

    def silence(self) -> list[Sound]:
        """Cut all sound now; tell afterwards with `truncated` how much was heard."""
        cut = ([self._playing] if self._playing else []) + self._queue
        self.stop()
        if cut:
            self._call.emit(wire.sound("cleared", cut[0].response.id))
        return cut

    def truncated(self, cut: list[Sound]) -> None:
        for sound in cut:
            played = 0.0 if sound.began is None else (self._call.clock.elapsed() - sound.began) * 1000
            # It was cut before its end, whatever the clock of a busy machine says.
            sound.item.heard_ms = min(int(played), max(0, voice.milliseconds(sound.item.text) - 1))
            sound.item.cut_off = True
            self._call.emit(wire.item_truncated(sound.item.id, sound.item.heard_ms))
        self._call.hush()

    def stop(self) -> None:
        """The line is dead or cut: nothing more will be played, and nothing said of it."""
        if self._playing is not None and self._playing.stop is not None:
            self._playing.stop.cancel()
        self._playing, self._queue = None, []
