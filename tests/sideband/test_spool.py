"""The spool file: all or nothing, first in, first out, and nobody takes it from one who lives."""

from __future__ import annotations

import os
import subprocess
import sys
from uuid import UUID, uuid4

import pytest

from calls.actions.ingest import Batch, CallRef
from calls.sideband import spool
from calls.sideband.spool import Leftover, Spool
from tests.sideband.desk import turn


def group(number, *texts, call=1):
    return [Batch(CallRef(call, UUID(int=call), UUID(int=9), "e", 1), [turn(text=text) for text in texts], {}, number)]


def texts(found):
    return [change.turn.text for batch in found for change in batch.changes]


@pytest.fixture
def one(tmp_path):
    one = Spool(tmp_path, uuid4(), 100_000)
    yield one
    one.close()


def keep(one, *groups):
    written = one.write(groups)
    one.accept(written)
    return written


def test_groups_come_back_in_order_and_the_file_goes_with_the_last(one, tmp_path):
    keep(one, group(1, "a", "b"), group(2, "c"))
    keep(one, group(3, "d"))
    assert (one.changes, one.bytes) == (4, (next(tmp_path.iterdir())).stat().st_size)
    for expected in (["a", "b"], ["c"], ["d"]):
        found, lost = one.first()
        assert (texts(found), lost) == (expected, 0)
        one.forget_first()
    assert (one.changes, one.bytes, list(tmp_path.iterdir())) == (0, 0, [])
    keep(one, group(4, "again"))
    assert texts(one.first()[0]) == ["again"]


def test_beyond_its_limit_it_takes_nothing_and_keeps_what_it_has(tmp_path):
    one = Spool(tmp_path, uuid4(), 2_500)
    keep(one, group(1, "a"))
    before = one.bytes
    with pytest.raises(OSError, match="full"):
        one.write([group(2, "x" * 2_500)])
    assert one.bytes == before
    keep(one, group(3, "b"))
    one.forget_first()
    assert texts(one.first()[0]) == ["b"]
    one.close()


def test_a_disk_that_fails_in_the_middle_leaves_the_file_as_it_was(one, tmp_path, monkeypatch):
    keep(one, group(1, "a"))

    def fail(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.os, "fsync", fail)
    with pytest.raises(OSError, match="space"):
        one.write([group(2, "b")])
    assert next(tmp_path.iterdir()).stat().st_size == one.bytes
    monkeypatch.undo()
    keep(one, group(3, "c"))
    one.forget_first()
    assert texts(one.first()[0]) == ["c"]


def test_what_was_written_and_not_accepted_does_not_count_and_is_written_over(one):
    one.write([group(1, "given up " * 100)])
    keep(one, group(2, "kept"))
    assert one.changes == 1
    assert texts(one.first()[0]) == ["kept"]
    left = Leftover(one._path, os.open(one._path, os.O_RDONLY))
    assert [texts(found) for found in left.groups()] == [["kept"]]
    left.leave()


def test_what_is_no_text_is_dropped_alone(one, caplog):
    bad = group(1, "\ud800", "also", call=2)
    written = keep(one, group(1, "fine") + bad)
    assert (written.dropped, one.changes) == (2, 1)
    assert texts(one.first()[0]) == ["fine"]
    assert "cannot be written" in caplog.text


def test_a_living_process_keeps_its_file_and_a_dead_ones_is_found(one, tmp_path):
    keep(one, group(1, "a"))
    assert list(Leftover.find(tmp_path)) == []
    owner = uuid4()
    script = (
        "import os, sys; from pathlib import Path; from uuid import UUID\n"
        "import django; django.setup()\n"
        "from tests.sideband.test_spool import Spool, group, keep\n"
        "dead = Spool(Path(sys.argv[1]), UUID(sys.argv[2]), 10**6)\n"
        "keep(dead, group(2, 'second'), group(1, 'first'))\n"
        "os.write(dead._file, b'00000000000000000003[{\"cut short')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path), str(owner)], env=environment, check=False)
    assert killed.returncode == -9
    [left] = Leftover.find(tmp_path)
    assert left.owner == owner
    assert list(Leftover.find(tmp_path)) == []  # one at a time
    assert [texts(found) for found in left.groups()] == [["first"], ["second"]]  # by their numbers
    left.leave()
    [left] = Leftover.find(tmp_path)
    left.remove()
    assert [path.stem for path in tmp_path.iterdir()] == [one._path.stem]
