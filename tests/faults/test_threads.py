"""One thread of a process can be stopped while the others run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.rig import threads
from tests.rig.waiting import wait_until

LIMIT_S = 60.0
"""A busy machine may give neither of them a core for a while"""

TWO = """
import os, sys, threading, time
def note(place, what):
    open(place + ".new", "w").write(str(what))
    os.replace(place + ".new", place)
def count():
    n = 0
    while True:
        n += 1
        if n % 20_000 == 0:
            note(sys.argv[1], n)
            time.sleep(0.01)
threading.Thread(target=count, daemon=True).start()
while True:
    note(sys.argv[2], time.monotonic())
    time.sleep(0.02)
"""


def moves(place: Path) -> bool:
    before = place.read_text()
    time.sleep(0.4)
    return place.read_text() != before


def test_the_busiest_thread_stands_still_and_goes_on(tmp_path: Path) -> None:
    busy, main = tmp_path / "busy", tmp_path / "main"
    with subprocess.Popen([sys.executable, "-c", TWO, busy, main]) as process:
        try:
            wait_until(lambda: busy.exists() and main.exists(), LIMIT_S, "both threads to run")
            thread = threads.busiest_thread(process.pid)
            with threads.stopped(thread):
                assert not moves(busy)
            wait_until(lambda: moves(busy), LIMIT_S, "the stopped thread to go on")
            wait_until(lambda: moves(main), LIMIT_S, "the other thread to go on")
        finally:
            process.kill()
