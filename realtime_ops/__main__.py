"""`python -m realtime_ops run|demo`: the whole product on one machine, embedded services included."""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from realtime_ops import command_lines, demo, env
from realtime_ops.processes import Group, ProcessFailed
from realtime_ops.services import ServiceFailed, free_port, redis_command, start_postgres, wait_for_redis

READY_LIMIT_S = 90.0
TROUBLED = 3
"""Of the demo's callers: somebody always needs help"""
SPREAD_S = 12
"""The demo's first calls come within so many seconds: the wall moves at once"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="realtime_ops", description=__doc__)
    parser.add_argument("mode", choices=["run", "demo"])
    parser.add_argument("--port", type=int, default=env.number("PORT", 8000, least=1))
    parser.add_argument("--sideband-workers", type=int, default=2)
    parser.add_argument("--calls", type=int, default=46, help="demo: simulated calls at once, of both tenants")
    args = parser.parse_args()
    # Also where a shell started this in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Machine(args) as machine:
            machine.start()
            return machine.watch()
    except (ServiceFailed, ProcessFailed, CannotStart) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


class CannotStart(RuntimeError):
    """Something on this machine is in the way; the message says what to do."""


class Machine:
    """Everything that one launcher started, and how to end it."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.directory: Path = env.STATE_DIR / args.mode
        self.services: Path = env.STATE_DIR / "services.json"
        self.stop_postgres: Callable[[], None] = lambda: None
        self.environment = (
            {"PRIVATE_PROVIDERS": "1", "SPOOL_DIR": str(self.directory / "spool")}
            | dict(os.environ)
            | {"PYTHONUNBUFFERED": "1", "DEMO": str(int(args.mode == "demo"))}
        )
        self.group = Group(self.directory / "processes.json", self.directory / "logs", self.environment)

    def __enter__(self) -> Machine:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._refuse_second_launcher()
        self._refuse_taken_port()
        return self

    def __exit__(self, *_: object) -> None:
        print("\nStopping …", flush=True)
        self.group.stop()
        self.stop_postgres()
        self.services.unlink(missing_ok=True)

    def start(self) -> None:
        self.group.clear_leftovers()
        # Needs no service, and takes as long as all of them.
        static = self._begin(command_lines.manage("collectstatic", "--noinput", "--verbosity", "0"))
        known = self._start_services()
        if self.args.mode == "demo" and env.text("DATABASE_URL"):
            _refuse_strangers(known["database_url"])
        self.services.touch(mode=0o600)
        self.services.write_text(json.dumps(known))
        self._manage("migrate", "--verbosity", "0")
        say("the database is ready")
        # Before the workers: calls that an earlier demo left behind are asked about where the new simulator will be.
        simulator = self._prepare_demo() if self.args.mode == "demo" else None
        self._finish(static)
        self.group.add("web", command_lines.web(self.args.port))
        for number in range(1, self.args.sideband_workers + 1):
            self.group.add(f"sideband-{number}", command_lines.sideband_worker(number))
        self.group.add("jobs", command_lines.jobs_worker())
        self.group.add("beat", command_lines.beat())
        lines = self._log_ins(known["public_url"])
        self._wait_until_ready()
        if simulator:
            self.group.add("simulator", simulator)
            self.group.add("sample", command_lines.sample("past"), once=True)
        say(*lines)

    def watch(self) -> int:
        while True:
            time.sleep(0.5)
            for name in self.group.tend():
                say(f"{name} had died and was started again")
            for process in self.group.given_up():
                say(f"{process.name} stopped before its work was done; its log is {process.log}")

    def _start_services(self) -> dict[str, Any]:
        known: dict[str, Any] = self._secrets() | {
            "launcher": os.getpid(),
            "public_url": env.text("PUBLIC_URL", f"http://localhost:{self.args.port}").rstrip("/"),
        }
        if url := env.text("DATABASE_URL"):
            known["database_url"] = url
            self.environment.setdefault("SECRET_KEY", known["secret_key"])
            self.environment.setdefault("SEALING_KEY", known["sealing_key"])
            self.environment.setdefault("PUBLIC_URL", known["public_url"])
        else:
            known["database_url"], self.stop_postgres = start_postgres(self.directory / "postgres")
        if url := env.text("REDIS_URL"):
            known["redis_url"] = url
        else:
            port = free_port()
            known["redis_url"] = f"redis://127.0.0.1:{port}/0"
            self.group.add("redis", redis_command(port, self.directory / "redis"))
            wait_for_redis(known["redis_url"])
            self.environment["REDIS_URL"] = known["redis_url"]
        say("PostgreSQL and Redis are up")
        return known

    def _secrets(self) -> dict[str, str]:
        """Keys of this installation, made once: what is sealed with them must be readable after a restart."""
        path = self.directory / "secrets.json"
        if not path.exists():
            path.touch(mode=0o600)
            made = {
                "secret_key": secrets.token_urlsafe(50),
                "sealing_key": base64.b64encode(secrets.token_bytes(32)).decode(),
            }
            path.write_text(json.dumps(made))
        found: dict[str, str] = json.loads(path.read_text())
        given = {name: env.secret(name.upper()) for name in found}
        return found | {name: value for name, value in given.items() if value}

    def _manage(self, *command: str, stdin: str | None = None) -> str:
        return self._finish(self._begin(command_lines.manage(*command)), stdin)

    def _begin(self, command: list[str]) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment, text=True)

    def _finish(self, begun: subprocess.Popen[str], stdin: str | None = None) -> str:
        said, complaints = begun.communicate(stdin)
        if begun.returncode:
            raise CannotStart(f"{begun.args!s} failed:\n{complaints[-3000:]}")
        return said

    def _prepare_demo(self) -> list[str]:
        """Provision the sample tenants; returns the command of the simulator that will call them."""
        port = free_port()
        answer = json.loads(self._manage("provision", "-", stdin=json.dumps(demo.document(port))))
        accounts = self.directory / "simulator.json"
        accounts.touch(mode=0o600)
        accounts.write_text(json.dumps(demo.simulator_accounts(answer)))
        crowd = ["--loop", "--calls", str(self.args.calls), "--troubled", str(TROUBLED), "--spread", str(SPREAD_S)]
        return [*command_lines.simulator(port, accounts), *crowd]

    def _log_ins(self, address: str) -> list[str]:
        """What to open; while the other processes start, since it takes a process of its own."""
        if self.args.mode != "demo":
            hint = "describe your tenant with `.venv/bin/python manage.py provision FILE` (see README.md)"
            return [f"open {address}/", hint]
        staff = loopback(address)
        links = self._finish(self._begin(command_lines.sample("people", *(["--staff"] if staff else [])))).split()
        return demo.welcome(address, links, staff=staff)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_LIMIT_S
        reason = "no answer"
        while time.monotonic() < deadline:
            self.group.tend()
            try:
                # The address is our own loopback port.
                with urllib.request.urlopen(f"http://127.0.0.1:{self.args.port}/readyz", timeout=5):
                    return
            except urllib.error.HTTPError as error:
                reason = error.read(500).decode(errors="replace")
            except OSError as error:
                reason = str(error)
            time.sleep(0.2)
        raise CannotStart(f"not ready after {READY_LIMIT_S:.0f} s: {reason}; logs: {self.group.logs}")

    def _refuse_second_launcher(self) -> None:
        known = env.local_services()
        pid = known.get("launcher")
        if pid and psutil.pid_exists(pid) and "realtime_ops" in " ".join(psutil.Process(pid).cmdline()):
            raise CannotStart(f"already running at {known.get('public_url')} (process {pid}): stop it first")

    def _refuse_taken_port(self) -> None:
        self.group.clear_leftovers()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.args.port))
            except OSError as error:
                raise CannotStart(f"port {self.args.port} is taken; choose another: PORT=8001 make …") from error


def _refuse_strangers(database_url: str) -> None:
    """The sample's passwords are known to everybody: they come into no database that somebody works with."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        if connection.execute("select to_regclass('calls_tenant')").fetchone() == (None,):
            return
        query = "select slug from calls_tenant where not slug = any(%s) limit 1"
        found = connection.execute(query, [list(demo.TRADES)]).fetchone()
    if found:
        raise CannotStart(f"this database holds {found[0]}, no tenant of the sample: give the demo one of its own")


def loopback(address: str) -> bool:
    """Whether nobody but this machine's own users comes this way: passwords that everybody knows are for them."""
    return urlsplit(address).hostname in {"localhost", "127.0.0.1", "::1"}


def say(*lines: str) -> None:
    for line in lines:
        print(f"  {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
