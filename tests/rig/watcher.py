"""A headless browser on the feed, in a thread of its own: follows streams, keeps a picture, comes back after a cut."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.rig.browser import Browser
from tests.rig.picture import Picture
from tests.rig.waiting import LIMIT_S, wait_until

ACK_S = 5.0
SILENCE_S = 25.0
RECONNECT_S = 0.25
TURNED_AWAY = {4400, 4401, 4403, 4404}
"""Close codes after which a browser does not come back by itself"""


class Watcher:
    """Use as a context manager. `picture` is what the screen shows; `raw` is every frame as it came."""

    def __init__(self, browser: Browser, slug: str, streams: Sequence[str] = ("tenant",)) -> None:
        self.picture = Picture()
        self.raw: list[str] = []
        self.closed_with: int | None = None
        self.connections = 0
        self.listed_at = 0.0
        """When the whole list of the tenant's calls came last, in Unix seconds"""
        self._url = f"ws://127.0.0.1:{browser.port}/t/{slug}/feed/"
        self._headers = {"Cookie": browser.cookie_header, "Origin": f"http://127.0.0.1:{browser.port}"}
        self._streams = list(streams)
        self._socket: ClientConnection | None = None
        self._over = threading.Event()
        self._awake = threading.Event()
        self._awake.set()
        self._thread = threading.Thread(target=self._run, name=f"watcher-{slug}", daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join(10)

    def sleep(self) -> None:
        """The lid is closed: its socket breaks, and it does not come back until it is woken."""
        self._awake.clear()
        if self._socket is not None:
            self._socket.close()

    def wake(self) -> None:
        self._awake.set()

    def follow(self, *streams: str, limit: float = LIMIT_S) -> Watcher:
        """Follow these streams instead; returns when each has been answered."""
        self._streams = list(streams)
        self._hello()
        known = self.picture
        wait_until(lambda: all(s in known.streams or s in known.gone for s in streams), limit, f"answers for {streams}")
        return self

    def wait(self, limit: float = LIMIT_S) -> Watcher:
        """Return when the picture of every stream is there."""
        wait_until(lambda: set(self._streams) <= self.picture.streams.keys(), limit, f"snapshots of {self._streams}")
        return self

    def _hello(self) -> None:
        known = {each["stream"]: each for each in self.picture.positions()}
        streams = [known.get(stream, {"stream": stream}) for stream in self._streams]
        if self._socket is not None:
            self._socket.send(json.dumps({"type": "hello", "streams": streams}))

    def _run(self) -> None:
        while not self._over.is_set():
            if not self._awake.wait(RECONNECT_S):
                continue
            try:
                self._watch()
            except ConnectionClosed as closed:
                self.closed_with = closed.rcvd.code if closed.rcvd else None
                if self.closed_with in TURNED_AWAY:
                    return
            except (OSError, WebSocketException):
                pass
            self._over.wait(RECONNECT_S)

    def _watch(self) -> None:
        with connect(
            self._url, additional_headers=self._headers, open_timeout=10, close_timeout=1, proxy=None
        ) as socket:
            self._socket = socket
            self.connections += 1
            self._hello()
            acked_at = time.monotonic()
            pieces: list[str] = []
            while not self._over.is_set():
                text = str(socket.recv(timeout=SILENCE_S))
                self.raw.append(text)
                frame = json.loads(text)
                if frame["type"] == "piece":
                    pieces.append(frame["text"])
                    if frame["left"]:
                        continue
                    frame = json.loads("".join(pieces))
                    pieces.clear()
                self._take(frame)
                if time.monotonic() - acked_at > ACK_S:
                    socket.send('{"type":"ack"}')
                    acked_at = time.monotonic()

    def _take(self, frame: dict[str, Any]) -> None:
        self.picture.take(frame)
        if frame["type"] == "snapshot" and frame["stream"] == "tenant":
            self.listed_at = time.time()
        if self.picture.wants_hello:
            self.picture.wants_hello = False
            self._hello()
