"""`python -m benchmarks.source PORT ACCOUNTS CONVERSATIONS DIRECTORY [CERTIFICATE KEY]`: serves until told to stop.

Writes into DIRECTORY ledger.jsonl, as the simulator's but without frames, and sent.bin, what was sent when.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from benchmarks.source import conversations, exact
from benchmarks.source.conversations import Conversation
from benchmarks.source.exact import ExactLoop
from benchmarks.source.line import Line
from benchmarks.source.playing import Playing
from benchmarks.source.provider import Source
from calls.simulator.__main__ import accounts
from calls.simulator.ledger import Ledger
from calls.simulator.webhooks import Account

WEBHOOKS_AT_ONCE = 500


async def serve(
    port: int, account: Account, played: Sequence[Conversation], directory: Path, tls: ssl.SSLContext | None
) -> None:
    told = asyncio.Event()
    loop = exact.here()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, told.set)
    ledger = Ledger(directory / "ledger.jsonl")
    playing = Playing(played, ledger, directory / "sent.bin")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=WEBHOOKS_AT_ONCE)) as http:
        source = Source(account, playing, http, ledger)
        await loop.create_server(lambda: Line(source), "127.0.0.1", port, backlog=1024, ssl=tls)
        loop.do(playing.send_due)
        beside = [asyncio.create_task(playing.keep_flushing()), asyncio.create_task(ledger.keep_flushing())]
        await told.wait()
        for task in beside:
            task.cancel()
        playing.flush()
        await ledger.close()


def _tls(certificate: Sequence[str]) -> ssl.SSLContext | None:
    if not certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


def main() -> None:
    port, known, played, directory, *certificate = sys.argv[1:]
    account = accounts(Path(known).read_bytes())[0]
    with asyncio.Runner(loop_factory=ExactLoop) as runner:
        runner.run(serve(int(port), account, conversations.load(Path(played)), Path(directory), _tls(certificate)))


if __name__ == "__main__":
    main()
