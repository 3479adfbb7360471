"""Verdicts of single faults can fail: what they judge as plain values is broken here on purpose."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.faults import browsers, checks, crowd, webhooks
from tests.faults.histories import Histories, Ledger, Stored
from tests.faults.matrix import FAULTS
from tests.faults.scene import Scene
from tests.rig.handles import Forgiven, is_forgiven
from tests.rig.machine import Rig

CUT = {"deaf": True, "slow": True, "hung": browsers.TOO_SLOW}


def told() -> list[dict[str, Any]]:
    """What a reader is told that never acknowledges: a snapshot, hints up to the bound, then entries alone."""
    hints = [{"type": "hint", "stream": "tenant", "hints": []} for _ in range(browsers.UNACKED_HINTS)]
    entries = [{"type": "events", "stream": "tenant", "entries": [{"seq": seq}]} for seq in range(5, 10)]
    return [{"type": "snapshot", "stream": "tenant", "seq": 4}, *hints, {"type": "heartbeat"}, *entries]


def test_a_reader_that_is_shed_as_promised():
    assert list(browsers.shed_wrongly(CUT, told(), 3)) == []


@pytest.mark.parametrize(
    ("breaks", "left_out", "words"),
    [
        (lambda shed, frames: shed.update(deaf=False), 3, "deaf was never cut"),
        (lambda shed, frames: shed.update(slow=False), 3, "slow was never cut"),
        (lambda shed, frames: shed.update(hung=None), 3, "acknowledges nothing"),
        (lambda shed, frames: shed.update(hung=1006), 3, "acknowledges nothing"),
        (lambda shed, frames: frames.append(frames[1]), 3, "hints came after"),
        (lambda shed, frames: frames.pop(-2), 3, "an entry was left out"),
        (lambda shed, frames: None, 0, "none is counted"),
        (lambda shed, frames: frames.__delitem__(slice(1, 50)), 3, "nothing was proven"),
    ],
)
def test_each_way_of_shedding_wrongly_is_found(breaks: Callable[..., object], left_out: int, words: str):
    shed, frames = dict(CUT), told()
    breaks(shed, frames)
    assert words in " ".join(browsers.shed_wrongly(shed, frames, left_out))


def test_secrets_pass_while_they_overlap_and_only_then():
    right = [
        ("before", "own", 200),
        ("before", "other", 400),
        ("another secret is new", "own", 200),
        ("another secret is new", "other", 200),
        ("it is the old one", "other", 200),
        ("it is ended", "own", 200),
        ("it is ended", "other", 400),
    ]
    assert list(webhooks.rotated_wrongly(right)) == []
    for n, (when, name, status) in enumerate(right):
        wrong = [*right[:n], (when, name, 600 - status), *right[n + 1 :]]
        assert len(list(webhooks.rotated_wrongly(wrong))) == 1


def test_a_crowd_that_resumes():
    well = [crowd.Resumed(1.0, replayed=True) for _ in range(20)]
    assert list(browsers.resumed_wrongly(well)) == []
    for one, words in (
        (crowd.Resumed(crowd.LIMIT_S), "were told nothing"),
        (crowd.Resumed(1.0, holes=1), "with holes"),
    ):
        [wrong] = browsers.resumed_wrongly([*well, one])
        assert words in wrong
    assert "95th" in next(browsers.resumed_wrongly([crowd.Resumed(16.0, replayed=True)]))
    assert "nothing was proven" in next(browsers.resumed_wrongly([crowd.Resumed(1.0)]))


@pytest.mark.parametrize(("numbers", "holes"), [([5, 6], 0), ([6, 7], 1), ([5, 7], 1)])
def test_entries_that_do_not_follow_the_position_are_a_hole(numbers: list[int], holes: int):
    found, position = crowd.Resumed(), {"stream": "tenant", "epoch": "e", "seq": 4}
    assert not crowd.take(found, {"type": "heartbeat"}, position)
    frame = {"type": "events", "stream": "tenant", "entries": [{"seq": number} for number in numbers]}
    assert crowd.take(found, frame, position)
    assert (found.holes, found.replayed) == (holes, True)


def test_a_flood_that_did_not_come_proves_nothing():
    histories = Histories(
        [], {}, {}, Ledger(truths={"a": {"call_id": "a", "turns": [{"text": "x" * 9}]}}), Stored(), [], []
    )
    assert list(checks.were_flooded(histories, ["a"], 9)) == []
    assert len(list(checks.were_flooded(histories, ["a"], 10))) == 1
    assert len(list(checks.were_flooded(histories, ["a", "b"], 9))) == 1


def scene_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *memory: dict[str, int]) -> Scene:
    """A scene in which the processes have these sizes in MB, one look after the other."""
    rig = SimpleNamespace(provider=SimpleNamespace(ledger=tmp_path / "none"))
    scene = Scene(cast(Rig, rig), FAULTS["F1"], 0, 1)
    looks = iter(memory)
    monkeypatch.setattr(scene, "memory", lambda: {name: size << 20 for name, size in next(looks).items()})
    return scene


@pytest.mark.parametrize(
    ("name", "before", "after", "words"),
    [
        ("web", {"web": 100, "sideband-1": 100}, {"web": 110, "sideband-1": 900}, ""),
        ("", {"web": 100, "sideband-1": 100}, {"web": 110, "sideband-1": 900}, "grew by 800 MB"),
        ("web", {"web": 100}, {"web": 111}, "grew by 11 MB"),
        ("webb", {"web": 100}, {"web": 100}, "no process is called webb"),
        ("web", {}, {"web": 100}, "no process is called web"),
    ],
)
def test_memory_that_nobody_looked_at_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    before: dict[str, int],
    after: dict[str, int],
    words: str,
):
    scene = scene_of(monkeypatch, tmp_path, before, after)
    with scene.grows_at_most(10, name):
        pass
    assert words in " ".join(scene.broken)
    assert bool(scene.broken) == bool(words)


def test_a_socket_that_comes_back_late_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    marks = [
        {"call_id": call, "at": at, "state": state, "sockets": 0}
        for call, back in (("a", 12.0), ("b", 21.0))
        for at, state in ((1.0, "attached"), (10.0, "detached"), (back, "attached"))
    ]
    histories = Histories([], {}, {}, Ledger(marks=marks), Stored(), [], [])
    assert list(checks.back_within(11, scene_of(monkeypatch, tmp_path), histories)) == []
    [late] = checks.back_within(10, scene_of(monkeypatch, tmp_path), histories)
    assert "1 of 2" in late


def line(at: str, words: str) -> str:
    return json.dumps({"at": at, "level": "error", "message": words})


def test_what_a_fault_causes_is_forgiven_while_it_lasts():
    forgiven = [Forgiven("away", 1_795_000_000, 1_795_000_010)]
    during, after = "2026-11-18T11:06:45+00:00", "2026-11-18T11:06:51+00:00"
    assert is_forgiven(line(during, "PostgreSQL is away"), forgiven)
    assert not is_forgiven(line(after, "PostgreSQL is away"), forgiven)
    assert not is_forgiven(line(during, "another matter"), forgiven)
    assert is_forgiven("Traceback: away", forgiven)
    assert is_forgiven(line(after, "away"), [Forgiven("away")])
    assert Forgiven("x").until == math.inf
