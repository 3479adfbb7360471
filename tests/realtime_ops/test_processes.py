"""The launcher's processes: restarted when they die, ended together, cleared up after a kill."""

import json
import sys
import time

import psutil
import pytest

from realtime_ops import processes
from realtime_ops.processes import Group, ProcessFailed

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
QUITTER = [sys.executable, "-c", "raise SystemExit(3)"]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)",
]


@pytest.fixture
def group(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "RESTART_PAUSE_S", 0.01)
    made = Group(tmp_path / "processes.json", tmp_path / "logs", {})
    yield made
    made.stop()


def _wait(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_what_dies_is_started_again(group):
    group.add("sleeper", SLEEPER)
    first = group.processes[0].popen
    first.kill()
    first.wait()
    assert group.tend() == ["sleeper"]
    assert group.processes[0].popen.pid != first.pid
    assert group.tend() == []


def test_what_keeps_dying_ends_the_launcher_with_the_name_of_its_log(group):
    group.add("quitter", QUITTER)

    def _tend_until_it_gives_up():
        while True:
            group.processes[0].popen.wait()
            group.tend()

    with pytest.raises(ProcessFailed, match=r"quitter keeps dying; see .*quitter\.log"):
        _tend_until_it_gives_up()


def test_stop_ends_children_of_children_too(group, tmp_path):
    group.add("parent", PARENT)
    log = tmp_path / "logs" / "parent.log"
    _wait(lambda: log.exists() and log.read_text().strip())
    child = psutil.Process(int(log.read_text()))
    group.stop()
    _wait(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert not (tmp_path / "processes.json").exists()


def test_leftovers_of_a_killed_launcher_are_cleared_and_strangers_are_not(group, tmp_path):
    group.add("sleeper", SLEEPER)
    popen = group.processes[0].popen
    stranger = psutil.Process()
    known = json.loads(group.record.read_text())
    group.record.write_text(json.dumps([*known, (stranger.pid, stranger.create_time() - 100)]))

    assert Group(group.record, tmp_path / "logs", {}).clear_leftovers() == 1
    assert not psutil.pid_exists(popen.pid), "it is gone, and its ports with it"
    assert stranger.is_running()
    assert not group.record.exists()


def test_what_ends_by_itself_is_not_started_again(group):
    group.add("done", [sys.executable, "-c", "pass"], once=True)
    group.add("failed", QUITTER, once=True)
    for process in group.processes:
        process.popen.wait()
    assert group.tend() == []
    assert [process.name for process in group.given_up()] == ["failed"]
    assert group.given_up() == []  # told once
