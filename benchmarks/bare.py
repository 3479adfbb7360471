"""The floor: the same frames at the same times, received by a loop that does nothing but receive.

`python -m benchmarks.bare send PORT CONNECTIONS FILE [CERTIFICATE KEY]` waits for its connections and replays; `…
receive PORT CONNECTIONS [CERTIFICATE]` opens them, counts whole frames, and prints what that cost. Frames travel as
WebSocket frames, without the handshake.
"""

from __future__ import annotations

import asyncio
import json
import math
import resource
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.certificate import Certificate
from benchmarks.sent import Frame
from benchmarks.source import exact
from benchmarks.source.exact import ExactLoop
from calls.simulator.sideband import framed
from realtime_ops.services import free_port

_RECORD = struct.Struct("!dII")
START_LIMIT_S = 30.0
SETTLE_S = 1.0
"""Between the last handshake and the first frame"""


def cost(frames: Iterable[Frame], certificate: Certificate | None = None) -> float:
    """Microseconds of CPU per frame of a bare loop that receives these frames; over TLS with a certificate."""
    with tempfile.TemporaryDirectory(prefix="ro-bench-") as directory:
        port, recording = free_port(), Path(directory) / "replay.bin"
        connections = _record(frames, recording)
        command = [sys.executable, "-m", "benchmarks.bare"]
        files = list(map(str, certificate.files)) if certificate else []
        sender = subprocess.Popen([*command, "send", str(port), str(connections), str(recording), *files])
        try:
            receive = [*command, "receive", str(port), str(connections), *files[:1]]
            done = subprocess.run(receive, capture_output=True, text=True, check=True)
            sender.wait(START_LIMIT_S)
        finally:
            sender.kill()
    answer = json.loads(done.stdout)
    return float(answer["cpu_s"] / answer["frames"] * 1e6)


def _record(frames: Iterable[Frame], path: Path) -> int:
    calls: dict[int, int] = {}
    begun = 0.0
    with path.open("wb") as out:
        for frame in frames:
            begun = begun or frame.at
            number = calls.setdefault(frame.call, len(calls))
            out.write(_RECORD.pack(frame.at - begun, number, len(frame.raw)) + frame.raw)
    return len(calls)


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


async def receive(port: int, connections: int, trusted: str | None = None) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    tls = ssl.create_default_context(cafile=trusted) if trusted else None
    deadline = time.monotonic() + START_LIMIT_S
    for _ in range(connections):
        while True:
            try:
                name = Certificate.HOST if tls else None
                await loop.create_connection(lambda: Receiver(over), "127.0.0.1", port, ssl=tls, server_hostname=name)
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
    await asyncio.sleep(SETTLE_S / 2)
    before = _cpu()
    await over.wait()
    sys.stdout.write(json.dumps({"cpu_s": _cpu() - before, "frames": Receiver.frames}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def send(port: int, connections: int, raw: bytes, *certificate: str) -> None:
    transports: list[asyncio.Transport] = []
    full = asyncio.Event()

    class Sender(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transports.append(cast(asyncio.Transport, transport))
            if len(transports) == connections:
                full.set()

    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate)
    server = await asyncio.get_running_loop().create_server(Sender, "127.0.0.1", port, backlog=1024, ssl=tls)
    await asyncio.wait_for(full.wait(), START_LIMIT_S)
    await asyncio.sleep(SETTLE_S)
    begun, place, over = time.monotonic(), 0, asyncio.Event()

    def due(now: float) -> float:
        nonlocal place
        while place < len(raw):
            at, number, size = _RECORD.unpack_from(raw, place)
            if begun + at > now:
                return float(begun + at)
            place += _RECORD.size
            transports[number].write(framed(raw[place : place + size]))
            place += size
        over.set()
        return math.inf

    exact.here().do(due)
    await over.wait()
    for transport in transports:
        transport.close()
    server.close()


def main() -> None:
    what, port, connections, *rest = sys.argv[1:]
    if what == "send":
        with asyncio.Runner(loop_factory=ExactLoop) as runner:
            runner.run(send(int(port), int(connections), Path(rest[0]).read_bytes(), *rest[1:]))
    else:
        uvloop.run(receive(int(port), int(connections), *rest))


if __name__ == "__main__":
    main()
