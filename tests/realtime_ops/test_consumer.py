"""A worker whose broker goes away while it has a message that it has not acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from celery.worker.consumer import Consumer
from kombu import Connection, Queue

from realtime_ops import services
from realtime_ops.celery import app
from realtime_ops.consumer import EnduringConsumer


@pytest.fixture
def lost(tmp_path) -> Connection:
    """A connection that waits for messages, has one that nobody acknowledged, and whose broker is gone."""
    port = services.free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = services.redis_command(port, tmp_path)
    broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        services.wait_for_redis(url)
        connection = Connection(url)
        with connection.SimpleQueue("nudges") as queue:
            queue.put("a nudge")
        taken: list[object] = []
        connection.Consumer([Queue("nudges")], callbacks=[lambda body, message: taken.append(message)]).consume()
        # As the channel on which a worker is asked for its state.
        connection.Consumer([Queue("other")], channel=connection.channel(), callbacks=[print]).consume()
        connection.drain_events(timeout=5)
        assert taken
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)
    finally:
        os.killpg(broker.pid, signal.SIGKILL)
        broker.wait(10)
    return connection


def lose(kind: type[Consumer], connection: Connection | Stubborn) -> Consumer:
    """What a worker does about it."""
    consumer = object.__new__(kind)
    vars(consumer).update(connection=connection, app=app)
    consumer.on_connection_error_after_connected(ConnectionError("gone"))
    return consumer


def test_the_stock_consumer_would_end_its_worker(lost):
    """When this fails, the reason for ours is gone."""
    with pytest.raises(AttributeError, match="hostname"):
        lose(Consumer, lost)


def test_ours_closes_the_connection_and_goes_on(lost, caplog):
    assert lose(EnduringConsumer, lost).connection is None
    assert "the lost connection to the broker did not close" in caplog.messages
    assert lost._closed


class Stubborn:
    """A connection that cannot be closed, however often that is tried."""

    connection_errors = channel_errors = ()

    def __init__(self) -> None:
        self.tried = 0

    def collect(self, socket_timeout: float) -> None:
        pass

    def close(self) -> None:
        self.tried += 1
        raise AttributeError("hostname")


def test_ours_goes_on_without_a_connection_that_does_not_close_at_all():
    stubborn = Stubborn()
    assert lose(EnduringConsumer, stubborn).connection is None
    assert stubborn.tried == 2


def test_every_worker_has_it():
    assert app.conf.worker_consumer == f"{EnduringConsumer.__module__}:{EnduringConsumer.__qualname__}"
