"""What a process knows of its own descriptors and memory."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys

from calls import resources


def printed(script):
    """The words that a process of its own says."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()


def test_an_open_socket_is_counted():
    before = resources.descriptors()
    with socket.socket():
        assert resources.descriptors() == before + 1


def test_the_limit_is_raised_to_what_is_allowed():
    script = (
        "import resource; from calls import resources\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))\n"
        "print(resources.descriptor_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
        "held = [open('/dev/null') for _ in range(60)]\n"
        "few = resources.descriptors_left()\n"
        "held += [open('/dev/null') for _ in range(60)]\n"
        "print(0 < few <= 128 - 60 - resources.KEPT_FREE, resources.descriptors_left())\n"
    )
    assert printed(script) == ["128", "128", "True", "0"]


def test_memory_is_some_of_what_there_ever_was():
    assert 10 * 2**20 < resources.memory() <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 2**20


def test_a_settled_process_looks_for_the_new_garbage_only_and_still_finds_it():
    script = (
        "import gc, weakref; from calls import resources\n"
        "class Ring: pass\n"
        "def ring():\n"
        "    one = Ring(); one.itself = one\n"
        "    return weakref.ref(one)\n"
        "before = ring(); resources.settle()\n"
        "print(before() is None, gc.get_freeze_count() > 1_000)\n"
        "after = ring(); held = [[] for _ in range(19_000)]\n"
        "print(after() is None)\n"
        "held += [[] for _ in range(2_000)]\n"
        "print(after() is None)\n"
    )
    assert printed(script) == ["True", "True", "False", "True"]
