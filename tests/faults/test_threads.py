"""One thread of a process can be stopped while the others run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.rig import threads

TWO = """
import sys, threading, time
def count():
    n = 0
    while True:
        n += 1
        if n % 20_000 == 0:
            open(sys.argv[1], "w").write(str(n))
            time.sleep(0.01)
threading.Thread(target=count, daemon=True).start()
while True:
    open(sys.argv[2], "w").write(str(time.monotonic()))
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
            thread = threads.busiest_thread(process.pid)
            assert thread != process.pid
            with threads.stopped(thread):
                assert not moves(busy)
            assert moves(busy)
            assert moves(main)
        finally:
            process.kill()
