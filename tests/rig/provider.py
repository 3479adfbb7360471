"""The simulated provider's control port and its ledger, as a journey uses them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.rig.waiting import wait_until

Line = dict[str, Any]


class Provider:
    """A running simulator."""

    def __init__(self, port: int, ledger: Path) -> None:
        self.port = port
        self.ledger = ledger

    def place(self, scenario: str, **order: Any) -> str:
        """Have somebody call; returns the call_id. `faults`, `speed`, `account` and more as the control port has them."""
        return str(self._ask("POST", "/calls", {"scenario": scenario} | order)["call_id"])

    def fault(self, name: str, **options: Any) -> None:
        self._ask("POST", "/faults", {"name": name} | options)

    def no_faults(self) -> None:
        self._ask("DELETE", "/faults", {})

    def hang_up(self, call_id: str) -> None:
        self._ask("POST", f"/calls/{call_id}/hang_up", {})

    def call(self, call_id: str) -> Line:
        return dict(self._ask("GET", f"/calls/{call_id}"))

    def scenarios(self) -> list[str]:
        return [one["name"] for one in self._ask("GET", "/scenarios")]

    def live(self) -> list[Line]:
        return list(self._ask("GET", "/calls")["calls"])

    def sent(self) -> int:
        """Frames sent so far."""
        return int(self._ask("GET", "/ledger?kind=none")["counts"].get("frame", 0))

    def healthy(self) -> bool:
        try:
            return bool(self._ask("GET", "/healthz")["ok"])
        except OSError:
            return False

    def wait_for_end(self, *call_ids: str, limit: float) -> None:
        wanted = set(call_ids)
        wait_until(lambda: not wanted & {one["call_id"] for one in self.live()}, limit, "every call to end")

    def lines(self, kind: str, call_id: str) -> list[Line]:
        """Lines of a kind of one call, from the file, flushed up to now: frames are nowhere else."""
        self._ask("GET", "/ledger?kind=none")
        return list(self._lines(lambda raw: call_id.encode() in raw, kind))

    def frames(self, call_id: str, type_: str = "") -> list[Line]:
        """What the provider sent on the call's sidebands."""
        found = (line["event"] for line in self.lines("frame", call_id))
        return [event for event in found if type_ in ("", event["type"])]

    def requests(self, call_id: str, verb: str) -> list[Line]:
        """What was asked of the call over HTTP, with the status of the answer."""
        return [line for line in self.lines("http", call_id) if line["verb"] == verb]

    def truths(self) -> dict[str, Line]:
        """What really happened, of every call that is over."""
        self._ask("GET", "/ledger?kind=none")
        return {line["call_id"]: line for line in self._lines(lambda raw: b'"truth"' in raw, "truth")}

    def _lines(self, interesting: Callable[[bytes], bool], kind: str) -> Iterator[Line]:
        with self.ledger.open("rb") as ledger:
            for raw in ledger:
                if interesting(raw) and raw.endswith(b"\n"):
                    line = json.loads(raw)
                    if line["kind"] == kind:
                        yield line

    def _ask(self, method: str, path: str, body: Line | None = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, f"/_simulator{path}", json.dumps(body) if body is not None else None)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        assert response.status < 400, f"{method} {path}: {response.status} {raw[:300]!r}"
        return json.loads(raw)
