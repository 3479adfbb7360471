"""A deployment that is under way: processes of two versions at once, on one database."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from realtime_ops import env
from tests.faults import checks
from tests.faults.fault import Skipped, Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene
from tests.rig.handles import Handle

BESIDE_S = 15.0
"""So long both versions hold calls"""


@fault(
    "F47",
    "a worker of the version before the last migration beside one of this, for 15 s and two hand-overs",
    "each reads the other's rows; calls go from one to the other and back",
    speed=1.0,
)
def two_versions(scene: Scene) -> Verdict:
    earlier = earlier_version(scene.rig.directory / "earlier")
    stays, worker = scene.rig.workers
    _roll(scene, worker, "env", "-C", str(earlier))
    _roll(scene, stays)  # its calls go to the earlier version
    scene.figures["of_the_earlier"] = len(scene.held(worker))
    arrived = scene.arrive(4)
    scene.hold(BESIDE_S)
    _roll(scene, worker)
    scene.expect(scene.figures["of_the_earlier"], "the earlier version held no call")

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.all_announced(histories, arrived)
        yield from checks.no_5xx(histories, arrived)

    return verdict


def _roll(scene: Scene, worker: Handle, *before: str) -> None:
    """Have it hand over and start anew, by these words before its own command."""
    scene.terminate(worker)
    scene.wait(lambda: not worker.alive, 25, "the worker to end")
    scene.wait_until_watched(15)
    worker.stop()
    worker.start(*before)
    scene.rig.wait_for_workers(2)


def earlier_version(place: Path) -> Path:
    """The tree of the commit before the newest migration, unpacked there. Raises Skipped without a history."""
    newest = max((env.BASE_DIR / "calls" / "migrations").glob("[0-9]*.py"))
    added = _git("log", "--format=%H", "--diff-filter=A", "--", str(newest))
    if not added:
        raise Skipped("there is no history to take an earlier version from")
    shutil.rmtree(place, ignore_errors=True)
    with tarfile.open(fileobj=BytesIO(_git("archive", f"{added.decode().split()[-1]}^"))) as tree:
        tree.extractall(place, filter="data")
    return place


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=env.BASE_DIR, capture_output=True, check=False)
    return b"" if done.returncode else done.stdout
