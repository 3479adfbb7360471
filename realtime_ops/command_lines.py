"""The command line of each process as it is deployed. Starts nothing.

Used by `make run` and `make demo`, the journeys of the tests and the benchmarks, so that all of them run the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

from realtime_ops import env

FRAME_LIMIT = str(4 * 2**20)
"""Bytes. Daphne's limits hold for what it sends too: the feed sends what is longer in pieces of 2 MB at most
(calls.live.protocol.PIECE_LIMIT). What browsers may send is held to 64 KB by the feed itself."""
DAPHNE = ["-v", "0", "--ping-interval", "10", "--ping-timeout", "15", "--websocket-max-message-size", FRAME_LIMIT]
DAPHNE += ["--websocket-max-frame-size", FRAME_LIMIT, "--application-close-timeout", "5", "--http-timeout", "30"]
CELERY = [sys.executable, "-m", "celery", "-A", "realtime_ops"]


def web(port: int) -> list[str]:
    """Only behind a proxy does Daphne believe X-Forwarded-For: elsewhere anybody could write it."""
    return [
        *(sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)),
        *DAPHNE,
        *(["--proxy-headers"] if env.flag("BEHIND_PROXY") else []),
        "realtime_ops.asgi:application",
    ]


def sideband_worker(number: int) -> list[str]:
    """docs/operating.md explains the options."""
    options = ["-P", "threads", "-c", "4", "--prefetch-multiplier", "1", "--without-gossip", "--without-mingle"]
    return [*CELERY, "worker", "-Q", "sideband", *options, "-n", f"sideband{number}@%h", "-l", "WARNING"]


def jobs_worker() -> list[str]:
    """Exports take two of its processes at most (calls.domain.exports.SLOTS)."""
    return [*CELERY, "worker", "-Q", "default", "-c", "3", "-n", "jobs@%h", "-l", "WARNING"]


def beat() -> list[str]:
    return [*CELERY, "beat", "-l", "WARNING"]


def simulator(port: int, accounts: Path) -> list[str]:
    """The simulated provider; what it is to play is added to these arguments."""
    return [sys.executable, "-m", "calls.simulator", "--port", str(port), "--accounts", str(accounts)]


def sample(*arguments: str) -> list[str]:
    """What the sample installation has beside its tenants; ends by itself."""
    return [sys.executable, "-m", "realtime_ops.sample", *arguments]


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(env.BASE_DIR / "manage.py"), *arguments]
