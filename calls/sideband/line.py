"""The protocol of one socket. Finds whole frames of text by itself, which nearly all are; all else is the library's.

For a frame of a few hundred bytes the library takes as long as decoding and understanding it together.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event, State

QUEUE_LIMIT = 64
"""Frames that wait unread; beyond it TCP holds the provider back."""
PARTS_LIMIT = 1_000
"""Of one message; the socket of a peer that sends more is dropped and dialled again"""
TURN_LIMIT = 128
"""Frames in one go; the others of a read wait for the next round of the loop, and nothing is read meanwhile. A read has
room for 130,000 empty ones, which would hold the loop, and every other call, for seconds"""
_ALL = sys.maxsize
"""Bytes: more than ever come"""
_TEXT = 0x81
"""First byte of a message of text that comes in one frame"""
_MASKED = 0x80
"""Bit of the second byte; no provider may set it"""
_END = b"\r\n\r\n"
"""Of the answer to the handshake"""

OnFrame = Callable[[bytes], bool]
"""Takes a frame; says whether it takes more. It runs inside the loop's own reading: waking a task for each frame would
cost as much as understanding it"""


class Line(ClientConnection):
    """Hands messages over as they arrive."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._on_frame: OnFrame | None = None
        self._waiting: list[bytes] = []
        """Messages that nobody takes yet: at most QUEUE_LIMIT and TURN_LIMIT, and all that was read before the end"""
        self._begun: list[bytes] = []
        """A message that comes in parts"""
        self._over = asyncio.Event()
        """Nobody listens any more: the socket closed, or the listener has enough"""
        self._fault: Exception | None = None
        self._answer = b""
        """The last bytes of an answer to the handshake that is not complete"""
        self._rest = bytearray()
        """A frame that is not complete, or the frames that were put off"""
        self._wanted = 0
        """Bytes of it that must be there before anything can be done; _ALL where it was put off"""
        self._turn: asyncio.Handle | None = None
        """When it goes on with them; never where they were put off until somebody listens"""
        self._lost: tuple[Exception | None] | None = None
        """The socket is gone, and with what: told once nothing is put off any more"""

    def forget_handshake(self) -> None:
        """Nobody asks for its headers again: some KB of each call, and the account's key."""
        for told in (self.request, self.response):
            if told is not None:
                told.headers.clear()

    async def listen(self, on_frame: OnFrame) -> None:
        while self._waiting:
            for taken, message in enumerate(self._waiting[:TURN_LIMIT], 1):
                if not on_frame(message):
                    del self._waiting[:taken]
                    return
            del self._waiting[:TURN_LIMIT]
            if self._waiting:
                await asyncio.sleep(0)
        self._on_frame, self._fault = on_frame, None
        self._over.clear()
        if self._wanted == _ALL:
            self._turn = self._turn or self.loop.call_soon(self._go_on)
        elif self.transport.is_closing():
            self._over.set()
        else:
            self.transport.resume_reading()
        try:
            await self._over.wait()
        finally:
            closed, self._on_frame = self._on_frame is not None, None
        if self._fault is not None:
            raise self._fault
        if closed:
            await self.recv(decode=False)  # raises what it was closed with

    def data_received(self, data: bytes) -> None:
        """The library is always given whole frames, so that it stands at the beginning of one whenever we look; but for
        those beyond the bound, of which the first bytes are enough, and what comes after the last frame.

        Handles TURN_LIMIT frames of any kind at most and puts off the others.
        """
        if self.response is None:
            data = self._shake(data)
        elif self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return
            data = bytes(self._rest)
            self._rest.clear()
        start, size, frames = 0, len(data), 0
        while start < size:
            if frames == TURN_LIMIT:
                self._put_off(data[start:])
                return
            if self.protocol.state is not State.OPEN:
                super().data_received(data[start:])
                return
            begin, end = _frame(data, start)
            if end - begin > (self.protocol.max_message_size or end):
                super().data_received(data[start:])
                return
            if end > size:
                self._rest += data[start:]
                self._wanted = end - start
                return
            if data[start] == _TEXT and data[start + 1] < _MASKED and self.protocol.current_size is None:
                self._take(data[begin:end])
            else:
                super().data_received(data[start:end])
            start = end
            frames += 1

    def _put_off(self, data: bytes) -> None:
        self._rest += data
        self._wanted = _ALL
        self._hold_back()
        self._turn = self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """With what was put off. Where nobody listens and enough waits already, `listen` will; but the end of the
        socket waits for nobody."""
        self._turn = None
        if self._is_full() and self._lost is None:
            return
        self._wanted = 0
        self.data_received(b"")
        if self._turn is not None:
            return
        if self._lost is not None:
            self._end(*self._lost)
        elif not self._is_full() and not self.transport.is_closing():
            self.transport.resume_reading()

    def _is_full(self) -> bool:
        return self._on_frame is None and len(self._waiting) >= QUEUE_LIMIT

    def _hold_back(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _shake(self, data: bytes) -> bytes:
        """Give the library the answer to the handshake; return what follows it."""
        known, answer = len(self._answer), self._answer + data
        end = answer.find(_END)
        cut = len(data) if end < 0 else end + len(_END) - known
        self._answer = answer[1 - len(_END) :]
        super().data_received(data[:cut])
        return data[cut:]

    def process_event(self, event: Event) -> None:
        if self.response is None or not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
        elif event.fin and not self._begun:
            self._take(bytes(event.data))
        else:
            self._begun.append(bytes(event.data))
            if len(self._begun) > PARTS_LIMIT:
                self.abort()
            elif event.fin:
                whole, self._begun = b"".join(self._begun), []
                self._take(whole)

    def _take(self, message: bytes) -> None:
        if self._on_frame is None:
            self._waiting.append(message)
            if len(self._waiting) == QUEUE_LIMIT:
                self._hold_back()
            return
        try:
            more = self._on_frame(message)
        except Exception as fault:  # noqa: BLE001  it is raised where somebody waits for it
            more, self._fault = False, fault
        if not more:
            self._on_frame = None
            self._over.set()

    def abort(self) -> None:
        """Drop the socket, and what was put off, at once."""
        self._rest.clear()
        self._wanted = 0
        self.transport.abort()

    def eof_received(self) -> None:
        """The transport closes itself after it; where frames are put off that is soon enough."""
        if self._wanted != _ALL:
            super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._wanted == _ALL:
            self._lost = (exc,)
            self._turn = self._turn or self.loop.call_soon(self._go_on)
        else:
            self._end(exc)

    def _end(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._over.set()


def _frame(data: bytes, start: int) -> tuple[int, int]:
    """Where the payload of the frame at `start` begins and ends; beyond the data where there is not enough of it to
    tell. Where there is a mask the library needs only the first bytes to refuse it."""
    size = len(data) - start
    if size < 2:
        return start, start + 2
    length = data[start + 1] & ~_MASKED
    if length < 126:
        return start + 2, start + 2 + length
    begin = start + (4 if length == 126 else 10)
    if begin > len(data):
        return start, begin
    return begin, begin + int.from_bytes(data[start + 2 : begin], "big")
