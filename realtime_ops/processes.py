"""Runs the processes of one machine: starts, restarts, logs, and ends them all. For `make run` and `make demo`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

STOP_LIMIT_S = 15.0
KILL_LIMIT_S = 5.0
RESTART_PAUSE_S = 1.0
RESTARTS_PER_MINUTE = 5
"""A process that dies more often is broken: the launcher stops and says so."""


class ProcessFailed(RuntimeError):
    """A process keeps dying; the message names its log."""


@dataclass
class Process:
    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str]
    once: bool = False
    """Ends by itself when its work is done"""
    popen: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start in a process group of its own, so that children (prefork, Valkey) end with it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(
                self.command, stdout=out, stderr=out, env=dict(self.env), start_new_session=True
            )


class Group:
    """A set of processes with a file that remembers them, so that a start after a kill -9 can clear up."""

    def __init__(self, record: Path, logs: Path, env: Mapping[str, str]) -> None:
        self.record = record
        self.logs = logs
        self.env = env
        self.processes: list[Process] = []

    def clear_leftovers(self) -> int:
        """Kill what an earlier launcher left behind (same pid and same start time); return how many."""
        try:
            known = json.loads(self.record.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        found = []
        for pid, created in known:
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - created) < 1:
                    os.killpg(pid, signal.SIGKILL)
                    found.append(process)
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        psutil.wait_procs(found, KILL_LIMIT_S)  # until then they hold their ports
        self.record.unlink()
        return len(found)

    def add(self, name: str, command: Sequence[str], *, once: bool = False) -> None:
        process = Process(name, command, self.logs / f"{name}.log", self.env, once)
        process.start()
        self.processes.append(process)
        self._remember()

    def tend(self) -> list[str]:
        """Restart what died; return the names. Raises ProcessFailed for what dies again and again."""
        restarted = []
        for process in self.processes:
            if process.once or process.popen is None or process.popen.poll() is None:
                continue
            now = time.monotonic()
            process.deaths = [at for at in process.deaths if now - at < 60] + [now]
            if len(process.deaths) > RESTARTS_PER_MINUTE:
                raise ProcessFailed(f"{process.name} keeps dying; see {process.log}")
            time.sleep(RESTART_PAUSE_S)
            process.start()
            restarted.append(process.name)
        if restarted:
            self._remember()
        return restarted

    def given_up(self) -> list[Process]:
        """What was to end by itself and failed; told once."""
        failed = [p for p in self.processes if p.once and p.popen is not None and p.popen.poll() not in (None, 0)]
        self.processes = [process for process in self.processes if process not in failed]
        return failed

    def stop(self) -> None:
        """End all, newest first: SIGTERM, then SIGKILL after STOP_LIMIT_S."""
        running = [p.popen for p in reversed(self.processes) if p.popen is not None and p.popen.poll() is None]
        for popen in running:
            popen.terminate()
        deadline = time.monotonic() + STOP_LIMIT_S
        for popen in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                popen.wait(max(0.1, deadline - time.monotonic()))
            try:
                os.killpg(popen.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.processes.clear()
        self.record.unlink(missing_ok=True)

    def _remember(self) -> None:
        known = []
        for process in self.processes:
            if process.popen is not None:
                try:
                    known.append((process.popen.pid, psutil.Process(process.popen.pid).create_time()))
                except psutil.NoSuchProcess:
                    continue
        self.record.write_text(json.dumps(known))
