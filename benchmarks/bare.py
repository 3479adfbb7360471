"""The floor: the same frames at the same times, received by a loop that does nothing but receive.

`python -m benchmarks.bare send FILE PORT` waits for its connections and replays; `… receive PORT CONNECTIONS` opens
them, counts whole frames, and prints what that cost. Frames travel as WebSocket frames, without the handshake.
"""

from __future__ import annotations

import asyncio
import json
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.ledger import Frame
from realtime_ops.services import free_port

_RECORD = struct.Struct("!dII")
START_LIMIT_S = 30.0
TICK_S = 0.001


def cost(frames: Iterable[Frame], directory: Path) -> tuple[float, int]:
    """Microseconds of CPU per frame, and the number of connections, of a bare loop that receives these frames."""
    port, recording = free_port(), directory / "replay.bin"
    connections = _record(frames, recording)
    command = [sys.executable, "-m", "benchmarks.bare"]
    sender = subprocess.Popen([*command, "send", str(recording), str(port), str(connections)])
    try:
        done = subprocess.run(
            [*command, "receive", str(port), str(connections)], capture_output=True, text=True, check=True
        )
        sender.wait(START_LIMIT_S)
    finally:
        sender.kill()
        recording.unlink()
    answer = json.loads(done.stdout)
    return answer["cpu_s"] / answer["frames"] * 1e6, connections


def _record(frames: Iterable[Frame], path: Path) -> int:
    calls: dict[str, int] = {}
    begun = 0.0
    with path.open("wb") as out:
        for frame in frames:
            begun = begun or frame.at
            number = calls.setdefault(frame.call_id, len(calls))
            out.write(_RECORD.pack(frame.at - begun, number, len(frame.raw)) + frame.raw)
    return len(calls)


def _framed(payload: bytes) -> bytes:
    """A server's WebSocket text frame."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes([size]) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + struct.pack("!H", size) + payload
    return b"\x81\x7f" + struct.pack("!Q", size) + payload


class Receiver(asyncio.Protocol):
    """Finds the ends of frames, as any client must, and forgets them."""

    frames = 0
    open = 0

    def __init__(self, over: asyncio.Event) -> None:
        self._over = over
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Receiver.open += 1

    def data_received(self, data: bytes) -> None:
        if self._waiting:
            data = self._waiting + data
        start, size = 0, len(data)
        while size - start >= 2:
            length, head = data[start + 1], 2
            if length == 126:
                length, head = int.from_bytes(data[start + 2 : start + 4], "big"), 4
            elif length == 127:
                length, head = int.from_bytes(data[start + 2 : start + 10], "big"), 10
            if size - start < head + length:
                break
            start += head + length
            Receiver.frames += 1
        self._waiting = data[start:]

    def connection_lost(self, error: Exception | None) -> None:
        Receiver.open -= 1
        if not Receiver.open:
            self._over.set()


async def receive(port: int, connections: int) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    deadline = time.monotonic() + START_LIMIT_S
    for _ in range(connections):
        while True:
            try:
                await loop.create_connection(lambda: Receiver(over), "127.0.0.1", port)
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
    before = _cpu()
    await over.wait()
    sys.stdout.write(json.dumps({"cpu_s": _cpu() - before, "frames": Receiver.frames}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def send(raw: bytes, port: int, connections: int) -> None:
    transports: list[asyncio.Transport] = []
    full = asyncio.Event()

    class Sender(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            # uvloop's are of a class of their own.
            transports.append(cast(asyncio.Transport, transport))
            if len(transports) == connections:
                full.set()

    server = await asyncio.get_running_loop().create_server(Sender, "127.0.0.1", port, backlog=1024)
    await asyncio.wait_for(full.wait(), START_LIMIT_S)
    await asyncio.sleep(0.5)
    begun = time.monotonic()
    place = 0
    while place < len(raw):
        at, number, size = _RECORD.unpack_from(raw, place)
        place += _RECORD.size
        if (left := at - (time.monotonic() - begun)) > TICK_S:
            await asyncio.sleep(left)
        transports[number].write(_framed(raw[place : place + size]))
        place += size
    for transport in transports:
        transport.close()
    server.close()


def main() -> None:
    what, *rest = sys.argv[1:]
    if what == "send":
        uvloop.run(send(Path(rest[0]).read_bytes(), int(rest[1]), int(rest[2])))
    else:
        uvloop.run(receive(int(rest[0]), int(rest[1])))


if __name__ == "__main__":
    main()
