"""The doors do to a connection what their methods say, and to nothing else."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.rig.links import Link, Switchboard
from tests.rig.waiting import wait_until


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(ConnectionResetError):
            while data := self.request.recv(1024):
                self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Echo) as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def door(server: Server) -> Iterator[Link]:
    with Switchboard() as board:
        yield board.link("echo", server.server_address)


PATIENCE_S = 10.0
"""For what must arrive"""
SILENCE_S = 0.4
"""In which nothing may arrive"""


def opened(door: Link, patience: float = PATIENCE_S) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.port), timeout=patience)


def said(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(1024)


def assert_unheard(connection: socket.socket, text: bytes) -> None:
    """It is sent, and nothing comes back, not even an end."""
    connection.sendall(text)
    connection.settimeout(SILENCE_S)
    with pytest.raises(TimeoutError):
        connection.recv(1024)
    connection.settimeout(PATIENCE_S)


def test_an_open_door_passes_both_ways(door: Link) -> None:
    with opened(door) as connection:
        assert said(connection, b"hello") == b"hello"


def test_a_silent_door_passes_nothing_closes_nothing_and_keeps_what_was_said(door: Link) -> None:
    with opened(door) as before:
        assert said(before, b"one") == b"one"
        door.silence(dead_after=None)
        assert_unheard(before, b"two")
        with opened(door) as during:
            assert_unheard(during, b"three")
            door.heal()
            assert before.recv(1024) == b"two"
            assert during.recv(1024) == b"three"


def test_who_is_taken_in_the_moment_in_which_the_door_shuts_is_turned_away(door: Link) -> None:
    with socket.socket() as late:
        late.settimeout(PATIENCE_S)

        def at_once() -> None:
            late.connect(("127.0.0.1", door.port))
            door._take(door.listening)
            door._refuse()

        door.board.call(at_once)
        with pytest.raises(ConnectionResetError):
            late.recv(1024)
    assert not door.pairs


def test_the_kernel_gives_up_on_a_silent_door_and_the_server_hears_of_it_later(door: Link) -> None:
    with opened(door) as connection:
        assert said(connection, b"one") == b"one"
        door.silence(dead_after=0.1)
        with pytest.raises(ConnectionResetError):
            said(connection, b"two")
        wait_until(lambda: door.orphans, PATIENCE_S, "the server's end to be left alone")
        door.heal()
        assert not door.orphans
    with opened(door) as connection:
        assert said(connection, b"again") == b"again"


def test_a_connection_that_is_made_in_the_silence_is_not_reset_before_its_time(door: Link) -> None:
    """That would look like a server that hangs up at once."""
    with opened(door) as before:
        assert said(before, b"one") == b"one"
        door.silence(dead_after=3.0)
        time.sleep(2.5)
        with opened(door) as late:
            with pytest.raises(ConnectionResetError):
                said(before, b"two")
            assert_unheard(late, b"three")
            door.heal()
            assert late.recv(1024) == b"three"


def test_silence_for_one_process_leaves_the_others_alone(door: Link) -> None:
    with opened(door) as connection, subprocess.Popen(["sleep", "20"]) as other:
        door.silence(dead_after=None, only=other.pid)
        assert said(connection, b"one") == b"one"
        with opened(door) as later:
            assert said(later, b"two") == b"two"
            door.silence(dead_after=None, only=os.getpid())
            assert_unheard(later, b"three")
            with opened(door) as latest:
                assert_unheard(latest, b"four")
            door.heal()
            assert later.recv(1024) == b"three"
        other.kill()


def test_silence_for_one_process_leaves_alone_who_has_the_same_port_to_another_place(door: Link) -> None:
    elsewhere = socket.create_server(("127.0.0.1", 0))
    script = (
        "import socket, sys, time; one = socket.socket(); one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);"
        "one.bind(('127.0.0.1', 0)); one.connect(('127.0.0.1', int(sys.argv[1]))); time.sleep(20)"
    )
    with elsewhere, subprocess.Popen([sys.executable, "-c", script, str(elsewhere.getsockname()[1])]) as other:
        taken, (_, port) = elsewhere.accept()
        with taken, socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.settimeout(PATIENCE_S)
            connection.bind(("127.0.0.1", port))
            connection.connect(("127.0.0.1", door.port))
            door.silence(dead_after=None, only=other.pid)
            assert said(connection, b"one") == b"one"
        other.kill()


def test_a_slow_line_brings_all_in_order_and_no_faster_than_it_can(door: Link) -> None:
    with opened(door) as connection:
        connection.settimeout(PATIENCE_S)
        assert said(connection, b"one") == b"one"
        door.slow_down(20_000)
        begun = time.monotonic()
        connection.sendall(b"x" * 5_000)
        connection.sendall(b"yz")
        got = b""
        while len(got) < 5_002:
            got += connection.recv(1 << 16)
        assert got == b"x" * 5_000 + b"yz"
        assert time.monotonic() - begun > 0.45  # there and back
        door.heal()
        assert said(connection, b"quick") == b"quick"


def test_a_cut_resets_what_is_open_and_nothing_else(door: Link) -> None:
    with opened(door) as connection:
        assert said(connection, b"one") == b"one"
        door.cut()
        with pytest.raises(ConnectionResetError):
            said(connection, b"two")
    with opened(door) as connection:
        assert said(connection, b"again") == b"again"


def test_a_refusing_door_is_one_on_which_nobody_listens(door: Link) -> None:
    door.refuse()
    with pytest.raises(ConnectionRefusedError):
        opened(door)
    door.heal()
    wait_until(lambda: _answers(door), PATIENCE_S, "the door to be open")


def test_a_door_before_a_server_that_is_gone_refuses_until_it_is_back(server: Server, door: Link) -> None:
    server.shutdown()
    server.server_close()
    wait_until(lambda: _refuses(door), PATIENCE_S, "the door to refuse")
    with Server(server.server_address, Echo) as again:
        threading.Thread(target=again.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        wait_until(lambda: _answers(door), PATIENCE_S, "the door to be open")
        again.shutdown()


def _answers(door: Link) -> bool:
    try:
        with opened(door) as connection:
            return said(connection, b"there?") == b"there?"
    except OSError:
        return False


def _refuses(door: Link) -> bool:
    try:
        with opened(door, SILENCE_S) as connection:
            connection.recv(1)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
