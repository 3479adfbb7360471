"""The embedded PostgreSQL server of a rig, to be stopped and started in the middle."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock

from realtime_ops import env, services

STOP_LIMIT_S = 30.0
_THREADS = Lock()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Around what the library does: its own lock is not made for several threads, and as root it makes a system user,
    which another lane of the same tests may be making too."""
    shared = Path(os.environ.get("REALTIME_OPS_TESTS", tempfile.gettempdir()))
    with _THREADS, (shared / f"postgres-{os.geteuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def migrating() -> Iterator[None]:
    """Around migrations: roles belong to a whole server, which lanes share where one is given."""
    with one_at_a_time() if env.text("DATABASE_URL") else nullcontext():
        yield


class Postgres:
    """The server that services.start_postgres started in `directory`."""

    def __init__(self, directory: Path) -> None:
        with one_at_a_time(), warnings.catch_warnings(action="ignore"):  # platformdirs: XDG_RUNTIME_DIR is not set
            _, get_server = services._postgres_server(directory.parent)
            self._server = get_server(directory, cleanup_mode=None)
        self.directory = directory

    def stop(self, mode: str = "immediate") -> None:
        """End it as a crash does (`immediate`: no checkpoint, every connection cut), or `fast`."""
        command = [str(self._server.bin_path / "pg_ctl"), "-w", "-D", str(self._server.pgdata), "-m", mode, "stop"]
        subprocess.run(command, user=self._server.system_user, check=True, capture_output=True, timeout=STOP_LIMIT_S)

    def start(self) -> None:
        """Start it again, with its recovery; does nothing where it runs."""
        with one_at_a_time(), warnings.catch_warnings(action="ignore"):
            self._server.ensure_postgres_running()

    @property
    def running(self) -> bool:
        status = [str(self._server.bin_path / "pg_ctl"), "-D", str(self._server.pgdata), "status"]
        return subprocess.run(status, user=self._server.system_user, capture_output=True, check=False).returncode == 0
