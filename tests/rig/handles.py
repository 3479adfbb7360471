"""One process of the rig: start, stop, kill, start again, and what it logged. Signals go to its own pid or group only."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from realtime_ops.processes import Process

STOP_LIMIT_S = 30.0
BAD_LEVELS = {"error", "critical"}
PLAIN_MARKS = ("Traceback (most recent call last)", "Exception ignored", "Fatal Python error", "CRITICAL", "ERROR")
SHOWN = 600


@dataclass(frozen=True)
class Forgiven:
    """Lines with this word in them are no problem if they were written between `since` and `until` (Unix seconds). One
    that bears no time is judged by its words alone."""

    word: str
    since: float = -math.inf
    until: float = math.inf


class Handle:
    """A process that can be hurt; `name` is also the name of its log."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self._environment = dict(environment)
        self._command = list(command)
        self._process = Process(name, command, log, environment)
        self._read = 0
        self._over = True
        """Nothing of it runs: not started, or stopped or killed with its whole group"""

    @property
    def pid(self) -> int:
        assert self._process.popen is not None, f"{self.name} was never started"
        return self._process.popen.pid

    @property
    def alive(self) -> bool:
        return self._process.popen is not None and self._process.popen.poll() is None

    def start(self, *before: str, **environment: str) -> None:
        """Start it, with these variables beside its own environment, and by these words before its own command (those of
        `env -C`), this one time."""
        assert not self.alive, f"{self.name} runs already"
        self._process.env = self._environment | environment
        self._process.command = [*before, *self._command]
        self._process.start()
        self._over = False

    def kill(self) -> None:
        """kill -9, the whole group: Valkey and prefork children are children of what was started."""
        os.killpg(self.pid, signal.SIGKILL)
        self._over = True
        self._wait()

    def pause(self) -> None:
        """SIGSTOP, the whole group: nothing of it runs, its sockets stay open."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT; does no harm to what was not paused."""
        os.killpg(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM without waiting."""
        os.kill(self.pid, signal.SIGTERM)

    def stop(self) -> None:
        """SIGTERM, and kill -9 for what is left after STOP_LIMIT_S. Does nothing to what was stopped or killed before."""
        if self._over:
            return
        if self.alive:
            self.terminate()
        try:
            self._wait()
        finally:
            # What it started itself is in its group: Valkey outlives its launcher.
            self._over = True
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def logged(self, words: str, since: float) -> int:
        """How many lines with these words it has written since then (Unix seconds), of any level."""
        if not self.log.exists():
            return 0
        lines = self.log.read_text(errors="replace").splitlines()
        return sum(words in line and (_written_at(line) or 0.0) >= since for line in lines)

    def problems(self, forgiven: Sequence[Forgiven] = ()) -> list[str]:
        """What was logged since the last question and should not have been: errors, and tracebacks of no log line."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        lines = new.decode(errors="replace").splitlines()
        return [f"{self.name}: {line[:SHOWN]}" for line in lines if _bad(line) and not is_forgiven(line, forgiven)]

    def _wait(self) -> None:
        assert self._process.popen is not None
        try:
            self._process.popen.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.name} did not end within {STOP_LIMIT_S:g} s") from error


def _bad(line: str) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return any(mark in line for mark in PLAIN_MARKS)
    return isinstance(found, dict) and found.get("level") in BAD_LEVELS


def is_forgiven(line: str, forgiven: Sequence[Forgiven]) -> bool:
    at = _written_at(line)
    return any(one.word in line and (at is None or one.since <= at <= one.until) for one in forgiven)


def _written_at(line: str) -> float | None:
    try:
        return datetime.fromisoformat(json.loads(line)["at"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return None
