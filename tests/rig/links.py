"""Doors between the product and what it depends on: pass, go silent, cut. A network that can be broken without root.

Each process of the rig has doors of its own, so that one of them can be cut off while the others go on. A door that is
silent passes nothing and closes nothing, as a network does that swallows packets; after `dead_after` seconds the
product's end is reset, as its kernel would (`tcp_user_timeout`), while the server's end stays open and knows nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import psutil

from realtime_ops import services

RESET = struct.pack("ii", 1, 0)
BACKLOG_BYTES = 1 << 20
"""What may wait for a reader that does not read; then its writer is not read either."""
POLL_S = ROUNDS_S = 0.05
LINE_RATE = 1e9
"""Bytes a second of a line that is not slow: what a slow one still holds is brought in order"""
KERNEL_S = 6.0
"""The product's `tcp_user_timeout`."""

Target = str | tuple[str, int]
"""A unix socket's path, or host and port"""


class _End(asyncio.Protocol):
    """One side of a connection; what it receives goes to the other side."""

    def __init__(self, pair: _Pair) -> None:
        self.pair = pair
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self.early: list[bytes] = []
        self.due = 0.0
        """When the last byte of what is on its way arrives, on a slow line"""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=BACKLOG_BYTES)
        self.pair.made(self)

    def data_received(self, data: bytes) -> None:
        self.pair.passed += len(data)
        if self.other is None or self.other.transport is None:
            self.early.append(data)
        elif self.pair.link.bytes_per_s or self.due:
            self._send_slowly(data)
        else:
            self.other.transport.write(data)

    def _send_slowly(self, data: bytes) -> None:
        """In order, each part when a line of that speed would have brought it. What is on its way is read no further."""
        loop = asyncio.get_running_loop()
        link = self.pair.link
        self.due = max(self.due, loop.time()) + len(data) / (link.bytes_per_s or LINE_RATE)
        link.longest_s = max(link.longest_s, self.due - loop.time())
        self.read(False)
        loop.call_at(self.due, self._arrive, data)

    def _arrive(self, data: bytes) -> None:
        self.due = 0.0
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)
        if not self.pair.hushed:
            self.read(True)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if not self.pair.hushed and self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.pair.lost(self)

    def reset(self) -> None:
        if self.transport is not None:
            raw = self.transport.get_extra_info("socket")
            if raw is not None and raw.family != socket.AF_UNIX:
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()

    def read(self, yes: bool) -> None:
        if self.transport is not None and not self.transport.is_closing():
            (self.transport.resume_reading if yes else self.transport.pause_reading)()


class _Pair:
    """A connection of the product and the one to the server that belongs to it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.near, self.far = _End(self), _End(self)
        self.passed = 0
        self.dialled = False
        self.hushed = False
        """Nothing passes, and nobody is told"""

    def made(self, end: _End) -> None:
        if end is self.near:
            if self.link.refusing:
                end.reset()  # taken in the moment before
                return
            self.link.pairs.add(self)
            self.hushed = self.link.hushes(self)
            if not self.hushed:
                self.dial()
            else:
                end.read(False)
                self.link.doom(self)
            return
        if self.near.transport is None or self.near.transport.is_closing():
            end.reset()  # who asked for it left meanwhile
            return
        self.near.other, self.far.other = self.far, self.near
        for data in self.near.early:
            self.far.transport.write(data)  # type: ignore[union-attr]
        self.near.early.clear()
        if self.hushed:
            end.read(False)

    def dial(self) -> None:
        if not self.dialled:
            self.dialled = True
            self.link.board.task(self._dial())

    async def _dial(self) -> None:
        loop, target = asyncio.get_running_loop(), self.link.target
        try:
            if isinstance(target, str):
                await loop.create_unix_connection(lambda: self.far, target)
            else:
                await loop.create_connection(lambda: self.far, *target)
        except OSError:
            self.near.reset()
            self.link.server_is_gone()

    def lost(self, end: _End) -> None:
        other = self.far if end is self.near else self.near
        hushed = self.hushed and self.link.silent
        if not hushed and other.transport is not None:
            other.transport.close()
        # In silence nobody is told: the other end finds out when the door opens.
        if self.near.transport is None or self.near.transport.is_closing():
            self.link.pairs.discard(self)
            if hushed and self.far.transport is not None:
                self.link.orphans.append(self.far)


class Link:
    """One door. Its methods may be called from any thread."""

    def __init__(self, board: Switchboard, name: str, target: Target) -> None:
        self.board, self.name, self.target = board, name, target
        self.silent = False
        self.only: int | None = None
        """Silent for this process alone"""
        self.refusing = False
        self.bytes_per_s = 0.0
        """Of each connection, each way; 0: as fast as it goes"""
        self.longest_s = 0.0
        """For so long something was on its way, since the line is slow"""
        self.pairs: set[_Pair] = set()
        self.orphans: list[_End] = []
        self.port = 0
        self.listening: socket.socket | None = None
        self._dead_after: float | None = None
        self._deaths: list[asyncio.TimerHandle] = []

    def silence(self, *, dead_after: float | None = KERNEL_S, only: int | None = None) -> None:
        """Pass nothing and close nothing from now on; new connections are taken and hear nothing. `only`: those of the
        process with this id."""
        self.board.call(self._silence, dead_after, only)

    def slow_down(self, bytes_per_s: float) -> None:
        """From now on each connection passes so much each way, until the door is healed."""
        self.bytes_per_s, self.longest_s = bytes_per_s, 0.0

    def cut(self) -> None:
        """Reset every connection of the moment; new ones are passed."""
        self.board.call(self._cut)

    def refuse(self) -> None:
        """Reset every connection, and refuse new ones, as a machine does on which nothing listens."""
        self.board.call(self._refuse)

    def heal(self) -> None:
        """Pass again. What lost its other end meanwhile is closed."""
        self.board.call(self._heal)

    def _silence(self, dead_after: float | None, only: int | None) -> None:
        self.silent, self._dead_after, self.only = True, dead_after, only
        for pair in self.pairs:
            pair.hushed = self.hushes(pair)
            if pair.hushed:
                pair.near.read(False)
                pair.far.read(False)
                self.doom(pair)

    def hushes(self, pair: _Pair) -> bool:
        """Whether the silence concerns this connection."""
        if not self.silent or self.only is None or pair.near.transport is None:
            return self.silent
        # Both ends: the system gives one port to several connections that lead to different places.
        ends = (pair.near.transport.get_extra_info("peername")[1], self.port)
        opened = psutil.Process(self.only).net_connections("tcp")
        return any((each.laddr.port, each.raddr.port) == ends for each in opened if each.raddr)

    def doom(self, pair: _Pair) -> None:
        """Each connection by its own clock: one that is made in the silence dies as much later."""
        if self._dead_after is not None:
            self._deaths.append(asyncio.get_running_loop().call_later(self._dead_after, pair.near.reset))

    def _cut(self) -> None:
        for pair in list(self.pairs):
            pair.near.reset()
            pair.far.reset()

    def drop_all(self) -> None:
        """On the loop only: for good, with what nobody was told of."""
        self._refuse()
        for end in self.orphans:
            end.reset()

    def _refuse(self) -> None:
        self.refusing = True
        self.close()
        self._cut()

    def server_is_gone(self) -> None:
        """Nothing listens behind the door: from now on nothing listens here either, until something does."""
        if self.listening is not None:
            self.close()
            self.board.task(self._until_server_is_back())

    async def _until_server_is_back(self) -> None:
        while not self.refusing:
            try:
                _, writer = await self._reach()
            except OSError:
                await asyncio.sleep(POLL_S)
                continue
            writer.close()
            await self.listen()
            return

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, str):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    async def listen(self) -> None:
        """On the same port each time. Takes connections by itself: an asyncio server that is closed in the round in which
        it took one leaves that one open."""
        if self.listening is None:
            self.port = self.port or services.free_port()  # one that nobody is given while the door is shut
            self.listening = socket.create_server(("127.0.0.1", self.port), backlog=512)
            self.listening.setblocking(False)
            asyncio.get_running_loop().add_reader(self.listening, self._take, self.listening)

    def _take(self, listening: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):  # who asked left meanwhile
            taken, _ = listening.accept()
            loop = asyncio.get_running_loop()
            self.board.task(loop.connect_accepted_socket(lambda: _Pair(self).near, taken))

    def close(self) -> None:
        """On the loop only."""
        if self.listening is not None:
            asyncio.get_running_loop().remove_reader(self.listening)
            self.listening.close()
            self.listening = None

    def _heal(self) -> None:
        if self.refusing:
            self.refusing = False
            self.board.task(self.listen())
        self.silent, self.only, self.bytes_per_s = False, None, 0.0
        for death in self._deaths:
            death.cancel()
        self._deaths.clear()
        for end in self.orphans:
            end.reset()
        self.orphans.clear()
        for pair in list(self.pairs):
            pair.hushed = False
            pair.near.read(True)
            pair.far.read(True)
            pair.dial()


class Switchboard:
    """All doors of a rig, on one event loop in a thread of its own. Use as a context manager."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._tasks: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> Switchboard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def link(self, name: str, target: Target) -> Link:
        """The door of this name; made when it is first asked for."""
        if name not in self.links:
            made = self.links[name] = Link(self, name, target)
            asyncio.run_coroutine_threadsafe(made.listen(), self._loop).result(5)
        return self.links[name]

    async def _end(self) -> None:
        for link in self.links.values():
            link.drop_all()
        await asyncio.sleep(ROUNDS_S)  # what was taken in the last moment is let go
        for task in self._tasks:
            task.cancel()
        await asyncio.sleep(ROUNDS_S)  # connections that were cut are closed in the loop's next rounds

    def heal(self) -> None:
        for link in self.links.values():
            link.heal()

    def call(self, act: Callable[..., None], *arguments: Any) -> None:
        """Run it on the loop and wait for it; raises what it raises."""

        async def run() -> None:
            act(*arguments)

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(5)

    def task(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
