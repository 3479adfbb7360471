"""Starts the product as it is deployed: own database and Redis, Daphne, workers, the simulated provider.

Everything lives in one directory and in processes that this module started; nothing else is ever signalled.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg.rows import dict_row

from realtime_ops import command_lines, demo, env, services
from tests.rig.browser import Browser
from tests.rig.handles import Forgiven, Handle
from tests.rig.links import Switchboard
from tests.rig.postgres import migrating, one_at_a_time
from tests.rig.provider import Provider
from tests.rig.waiting import LIMIT_S, wait_until
from tests.rig.watcher import Watcher

READY_LIMIT_S = 120.0
MANAGE_LIMIT_S = 120.0
STARTING = ("Service Unavailable: /readyz",)
"""Django logs every 5xx as an error, and the rig asks until the product is ready"""


@dataclass(frozen=True)
class Plan:
    """What a rig is made of."""

    workers: int = 2
    jobs: bool = False
    """The jobs worker and beat too"""
    speed: float = 1.0
    """Of the simulated calls, unless a call has its own"""
    tenants: tuple[str, ...] = ("acme", "globex")
    """Whose accounts the simulator has, in the order of their numbers there"""
    ledger_frames: str = "full"
    durable: bool = False
    """PostgreSQL waits for its disk, as it does in production"""
    links: bool = False
    """Each process reaches PostgreSQL and Redis through doors of its own (tests.rig.links), which can be shut"""
    environment: dict[str, str] = field(default_factory=dict)


class Rig:
    """A running product. Use `rig(...)`."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        self.port = services.free_port()
        self.handles: dict[str, Handle] = {}
        self.provider = Provider(services.free_port(), directory / "ledger.jsonl")
        self.database_url = self.redis_url = ""
        self.environment: dict[str, str] = {}
        self.forgiven = [Forgiven(word) for word in STARTING]
        """Log lines that are expected now"""
        self.links = Switchboard()
        self._people: dict[str, Browser] = {}

    # -- processes

    @property
    def web(self) -> Handle:
        return self.handles["web"]

    @property
    def redis(self) -> Handle:
        return self.handles["redis"]

    @property
    def workers(self) -> list[Handle]:
        return [handle for name, handle in self.handles.items() if name.startswith("sideband")]

    def add(self, name: str, command: Sequence[str]) -> Handle:
        """Start another process, with its own log."""
        environment = self.environment | (self._doors(name) if self.plan.links else {})
        handle = self.handles[name] = Handle(name, command, self.directory / "logs" / f"{name}.log", environment)
        handle.start()
        return handle

    def _doors(self, name: str) -> dict[str, str]:
        """Where a process finds its services, and its name at PostgreSQL."""
        database, redis = urlsplit(self.database_url), urlsplit(self.redis_url)
        query = dict(parse_qsl(database.query))
        socket_directory = query.pop("host", "")
        port = database.port or 5432
        target = f"{socket_directory}/.s.PGSQL.{port}" if socket_directory else (database.hostname or "localhost", port)
        door = self.links.link(f"database {name}", target)
        login = database.netloc.rpartition("@")[0]
        query |= {"application_name": name}
        netloc = f"{login}@127.0.0.1:{door.port}"
        to_redis = self.links.link(f"redis {name}", (redis.hostname or "localhost", redis.port or 6379))
        return {
            "DATABASE_URL": urlunsplit(database._replace(netloc=netloc, query=urlencode(query))),
            "REDIS_URL": urlunsplit(redis._replace(netloc=f"127.0.0.1:{to_redis.port}")),
        }

    def manage(self, *arguments: str, stdin: str | None = None, may_fail: bool = False) -> str:
        """Run a management command; returns its standard output."""
        done = subprocess.run(
            command_lines.manage(*arguments),
            input=stdin, env=self.environment, capture_output=True, text=True, check=False, timeout=MANAGE_LIMIT_S,
        )  # fmt: skip
        assert may_fail or not done.returncode, f"manage.py {arguments[0]}:\n{done.stderr[-3000:]}"
        return done.stdout

    def ready(self) -> bool:
        """What a load balancer would be told."""
        try:
            # Our own loopback port.
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return True
        except (urllib.error.HTTPError, OSError):
            return False

    def wait_for_workers(self, count: int, limit: float = LIMIT_S) -> None:
        """Return when so many of the workers that run have written their row."""
        pids = {worker.pid for worker in self.workers if worker.alive}
        wait_until(
            lambda: len(pids & {pid for (pid,) in self.rows("select pid from calls_worker")}) >= count,
            limit,
            f"{count} sideband workers",
        )

    def forgive(self, *words: str | Forgiven) -> None:
        """Until the next question, lines with one of these words are no problem."""
        self.forgiven += [Forgiven(word) if isinstance(word, str) else word for word in words]

    def problems(self) -> list[str]:
        """What any process logged since the last question and should not have."""
        forgiven, self.forgiven = self.forgiven, []
        return [line for handle in self.handles.values() for line in handle.problems(forgiven)]

    # -- people

    def person(self, role: str, tenant: str = "acme") -> Browser:
        """A browser in which that member is signed in; the same one each time."""
        email = f"{role}@{tenant}.example"
        if email not in self._people:
            self._people[email] = Browser(self.port).sign_in(email, demo.PASSWORD)
        return self._people[email]

    def watcher(self, *streams: str, role: str = "supervisor", tenant: str = "acme", at: str = "") -> Watcher:
        """A screen of a member of `tenant`, at the feed of its own tenant or of another one (`at`)."""
        return Watcher(self.person(role, tenant), at or tenant, streams or ("tenant",))

    # -- what is stored

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows as the owner of the schema sees them: of all tenants."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def dicts(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """The same, by the names of the columns."""
        with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def execute(self, statements: str) -> None:
        """Run statements as the owner of the schema."""
        _run(self.database_url, statements)

    def code(self, call_id: str, limit: float = LIMIT_S) -> str:
        """The code that addresses a call in the product; waits for its webhook."""
        query = "select code from calls_call where call_id = %s order by id limit 1"
        return str(wait_until(lambda: self.rows(query, call_id), limit, f"the row of {call_id}")[0][0])

    def state(self, call_id: str) -> str:
        found = self.rows("select state from calls_call where call_id = %s", call_id)
        return str(found[0][0]) if found else ""

    def wait_for_state(self, call_id: str, *states: str, limit: float = LIMIT_S) -> str:
        return wait_until(
            lambda: found if (found := self.state(call_id)) in states else "", limit, f"{call_id} to be {states}"
        )

    def wait_until_attached(self, *call_ids: str, limit: float = LIMIT_S) -> None:
        query = "select count(*) from calls_call where call_id = any(%s) and attachment = 'attached'"
        wanted = list(call_ids)
        wait_until(lambda: self.rows(query, wanted)[0][0] == len(wanted), limit, f"{len(wanted)} calls to be watched")

    def settle(self, *call_ids: str, limit: float = LIMIT_S) -> None:
        """Wait until these calls are over, at the provider and in the database."""
        self.provider.wait_for_end(*call_ids, limit=limit)
        query = "select call_id from calls_call where call_id = any(%s) and ended_at is null"
        wait_until(lambda: not self.rows(query, list(call_ids)), limit, "every call to end in the database")

    def differences(self, *call_ids: str) -> list[dict[str, Any]]:
        """Where ledger and database differ about these calls, by `manage.py check_ledger`."""
        self.provider.truths()
        tenants = [part for slug in self.plan.tenants for part in ("--tenant", slug)]
        report = json.loads(self.manage("check_ledger", str(self.provider.ledger), *tenants, may_fail=True))
        assert report["compared"].get("turns"), f"nothing was compared: {report}"
        return [one for one in report["details"] if one["call_id"] in call_ids]

    def exported(self, kind: str, file_format: str, tenant: str = "acme") -> str:
        return self.manage("export", kind, "--tenant", tenant, "--format", file_format)


@contextmanager
def rig(directory: Path, plan: Plan | None = None) -> Iterator[Rig]:
    """A product of its own in `directory`, ready; everything is ended on the way out, newest first."""
    made = Rig(plan or Plan(), directory)
    with ExitStack() as stack:
        stack.enter_context(made.links)
        made.database_url, drop = _database(directory, durable=made.plan.durable)
        stack.callback(drop)
        stack.callback(_stop, made)
        redis_port = services.free_port()
        made.redis_url = f"redis://127.0.0.1:{redis_port}/0"
        made.environment = _environment(made)
        made.add("redis", services.redis_command(redis_port, directory / "redis"))
        _prepare(made)
        _start(made)
        yield made


def _start(made: Rig) -> None:
    made.add("web", command_lines.web(made.port))
    for number in range(1, made.plan.workers + 1):
        made.add(f"sideband-{number}", command_lines.sideband_worker(number))
    if made.plan.jobs:
        made.add("jobs", command_lines.jobs_worker())
        made.add("beat", command_lines.beat())
    wait_until(made.ready, READY_LIMIT_S, f"readiness; logs in {made.directory / 'logs'}")
    made.wait_for_workers(made.plan.workers)


def _prepare(made: Rig) -> None:
    """Schema, static files, two tenants, and the simulated provider that they are customers of."""
    with migrating():
        made.manage("migrate", "--verbosity", "0")
    made.manage("collectstatic", "--noinput", "--verbosity", "0")
    provider = (
        made.links.link("provider", ("127.0.0.1", made.provider.port)).port if made.plan.links else made.provider.port
    )
    document = demo.document(provider)
    answer = json.loads(made.manage("provision", "-", stdin=json.dumps(document)))
    # Nobody is new here: the first steps have a test of their own.
    made.rows('update calls_user set guide = \'{"dismissed": "2026-11-20T12:00:00+00:00"}\' returning id')
    services.wait_for_redis(made.redis_url)
    by_slug = dict(zip((one["slug"] for one in answer["tenants"]), demo.simulator_accounts(answer), strict=True))
    accounts = made.directory / "accounts.json"
    accounts.write_text(json.dumps([by_slug[slug] for slug in made.plan.tenants]))
    simulator = command_lines.simulator(made.provider.port, accounts)
    simulator += ["--ledger", str(made.provider.ledger), "--ledger-frames", made.plan.ledger_frames]
    made.add("simulator", [*simulator, "--speed", str(made.plan.speed)])
    wait_until(made.provider.healthy, LIMIT_S, "the simulator")


def _stop(made: Rig) -> None:
    handles = list(reversed(made.handles.values()))
    for handle in handles:
        if handle.alive:
            handle.terminate()
    for handle in handles:
        handle.stop()


def _environment(made: Rig) -> dict[str, str]:
    """Nothing of the caller's settings comes through: the processes run as an installation's would."""
    ours = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR", "TZ"}}
    return ours | {
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "realtime_ops.settings",
        "STATE_DIR": str(made.directory / "state"),
        "DATABASE_URL": made.database_url,
        "REDIS_URL": made.redis_url,
        "PUBLIC_URL": f"http://127.0.0.1:{made.port}",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PRIVATE_PROVIDERS": "1",  # the simulator is on this machine
        "SEALING_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        **made.plan.environment,
    }


def _database(directory: Path, *, durable: bool) -> tuple[str, Callable[[], None]]:
    """A fresh database on DATABASE_URL, or an embedded server of its own; and how to be rid of it."""
    if server := env.text("DATABASE_URL"):
        name = f"rig_{os.getpid()}_{secrets.token_hex(3)}"
        _run(server, f'create database "{name}"')
        url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        return url, lambda: _run(server, f'drop database if exists "{name}" with (force)')
    with one_at_a_time(), warnings.catch_warnings(action="ignore"):  # platformdirs: XDG_RUNTIME_DIR is not set
        url, stop = services.start_postgres(directory / "pg")
    if not durable:
        settings = ("fsync", "synchronous_commit", "full_page_writes")
        _run(url, *(f"alter system set {setting} = off" for setting in settings), "select pg_reload_conf()")

    def end() -> None:
        with one_at_a_time():
            stop()
        shutil.rmtree(directory / "pg", ignore_errors=True)

    return url, end


def _run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
