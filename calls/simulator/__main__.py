"""Command line: `python -m calls.simulator --port 9100 --accounts accounts.json --calls 40 --loop`.

Serves until told to stop; ends every call and writes its books before it goes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

import aiohttp
import orjson
import uvloop
from aiohttp import web

from calls.simulator import scenarios, server
from calls.simulator.callers import Callers, Crowd
from calls.simulator.ledger import Ledger
from calls.simulator.provider import Order, Provider
from calls.simulator.webhooks import Account, Courier

log = logging.getLogger("calls.simulator")
WEBHOOKS_AT_ONCE = 100
LEAST_PATIENCE_S = 15.0
LEAST_GREETING_S = 4.0
"""A talk may be sped up; whoever answers it takes its time all the same."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(prog="python -m calls.simulator", description=__doc__)
    parse.add_argument("--port", type=int, required=True)
    parse.add_argument("--host", default="127.0.0.1", choices=LOOPBACK)
    parse.add_argument("--accounts", required=True, metavar="FILE|-", help="JSON list of accounts, - reads stdin")
    parse.add_argument("--calls", type=int, default=0, metavar="N", help="how many people call")
    parse.add_argument("--loop", action="store_true", help="each ended call is followed by another")
    parse.add_argument("--speed", type=float, default=1.0)
    parse.add_argument("--seed", type=int)
    parse.add_argument("--scenario", default=scenarios.MIX, choices=[scenarios.MIX, *scenarios.BY_NAME])
    parse.add_argument("--arrivals-per-second", type=float, metavar="R")
    parse.add_argument("--spread", type=float, metavar="S", help="the first calls come within so many seconds")
    parse.add_argument("--troubled", type=int, default=0, metavar="N", help="of the calls, always about a trouble")
    parse.add_argument("--ledger", type=Path, metavar="PATH.jsonl")
    parse.add_argument("--ledger-frames", choices=("full", "types"), default="full")
    parse.add_argument("--duration", type=float, metavar="S", help="stop after so many seconds")
    return parse


def accounts(text: bytes) -> list[Account]:
    return [
        Account(
            webhook_url=one["webhook_url"],
            webhook_secret=one["webhook_secret"],
            api_key=one["api_key"],
            numbers=tuple(one["numbers"]),
            trades=one.get("trades", {}),
            weight=one.get("weight", 1),
        )
        for one in orjson.loads(text)
    ]


async def serve(options: argparse.Namespace, known: list[Account]) -> None:
    ledger = Ledger(options.ledger, options.ledger_frames)
    connector = aiohttp.TCPConnector(limit=WEBHOOKS_AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as http:
        provider = Provider(known, Courier(http, ledger), ledger, speed=options.speed)
        provider.least_patience_s, provider.least_greeting_s = LEAST_PATIENCE_S, LEAST_GREETING_S
        runner = web.AppRunner(server.application(provider), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, options.host, options.port, backlog=1024).start()
        flushing = asyncio.create_task(ledger.keep_flushing())
        log.info("base URL http://%s:%s/v1, %s accounts", options.host, options.port, len(known))
        try:
            await _until_told(options, provider)
        finally:
            await provider.stop("simulator_stopped")
            await runner.cleanup()
            flushing.cancel()
            await ledger.close()


async def _until_told(options: argparse.Namespace, provider: Provider) -> None:
    """Let people call until a signal, the end of the duration, or the end of the last call."""
    told = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, told.set)
    crowd = Crowd(
        calls=options.calls,
        loop=options.loop,
        order=Order(scenario=options.scenario),
        arrivals_per_second=options.arrivals_per_second,
        seed=options.seed,
        troubled=min(options.troubled, options.calls),
        spread=options.spread,
    )
    if options.calls:
        provider.keep(Callers(provider, crowd).run())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(options.duration):
            await told.wait()


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    text = sys.stdin.buffer.read() if options.accounts == "-" else Path(options.accounts).read_bytes()
    uvloop.run(serve(options, accounts(text)))


if __name__ == "__main__":
    main()
