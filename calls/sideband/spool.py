"""A file for what neither PostgreSQL nor memory takes: groups of batches, first in, first out, each with its number.

One file per process, named by its owner and locked as long as the process lives, readable by the product's user only.
It is written with fsync and deleted when the last group was stored. What is said to block is called from one thread.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from calls.actions.ingest import Batch, CallRef, change_time
from calls.domain.changes import GapRecorded
from calls.sideband import records
from calls.sideband.shedding import NOT_STORED

logger = logging.getLogger(__name__)

SUFFIX = ".spool"
_DIGITS = 20
"""Of a group's number, at the beginning of its line"""
_OWNER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Group = list[Batch]
"""What one transaction stores: one number, each call once"""


@dataclass(slots=True)
class _Entry:
    flush: int | None
    offset: int
    length: int
    changes: int
    gaps: list[tuple[CallRef, GapRecorded]]
    """What to say of its calls where it cannot be read any more"""


@dataclass(slots=True)
class Written:
    """Groups that are in the file and do not count yet."""

    groups: Sequence[Group]
    entries: list[_Entry] = field(default_factory=list)
    dropped: int = 0
    """Changes that are no text, which nothing can store"""


class Spool:
    """Of one living process. All but `accept` block."""

    def __init__(self, directory: Path, owner: UUID, limit: int) -> None:
        self.changes = 0
        """Waiting in the file"""
        self.bytes = 0
        """Of the file, `limit` at most"""
        self.limit = limit
        self._path = directory / f"{owner}{SUFFIX}"
        self._file: int | None = None
        self._entries: deque[_Entry] = deque()
        self._refs: dict[tuple[int, int], CallRef] = {}
        """The calls' own references: what the hot path notes on them holds for what comes back from the file"""

    def __bool__(self) -> bool:
        """Something waits here, if only columns."""
        return bool(self._entries)

    def write(self, groups: Sequence[Group]) -> Written:
        """Write them all, or none. They count once they are accepted: whoever stopped waiting just does not.

        Raises OSError: the disk is full or gone, or the limit is reached.
        """
        written = Written(groups)
        lines = []
        end = self.bytes
        for group in groups:
            line, kept = _line(group)
            changes = sum(len(batch.changes) for batch in kept)
            written.dropped += sum(len(batch.changes) for batch in group) - changes
            if not kept:
                continue
            written.entries.append(_Entry(kept[0].flush, end, len(line), changes, _gaps(kept)))
            lines.append(line)
            end += len(line)
        if end > self.limit:
            raise OSError(errno.ENOSPC, "the spool is full")
        file = self._open()
        os.ftruncate(file, self.bytes)
        os.lseek(file, self.bytes, os.SEEK_SET)
        try:
            for line in lines:
                _write(file, line)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, self.bytes)
            raise
        return written

    def accept(self, written: Written) -> None:
        """From now on they wait here."""
        self._refs |= {(batch.ref.id, batch.ref.epoch): batch.ref for group in written.groups for batch in group}
        self._entries += written.entries
        self.changes += sum(entry.changes for entry in written.entries)
        self.bytes += sum(entry.length for entry in written.entries)

    def first(self) -> tuple[Group, int]:
        """The oldest group; where it cannot be read the gaps in its place, and how many changes are lost."""
        entry = self._entries[0]
        try:
            if self._file is None:
                raise OSError(errno.EBADF, "no file")
            group = records.load(os.pread(self._file, entry.length, entry.offset)[_DIGITS:])
        except (OSError, ValueError, TypeError, KeyError):
            logger.exception("a part of the spool cannot be read", extra={"changes": entry.changes})
            return [Batch(ref, [gap], {"usage_incomplete": True}) for ref, gap in entry.gaps], entry.changes
        for batch in group:
            batch.ref = self._refs.get((batch.ref.id, batch.ref.epoch), batch.ref)
        return group, 0

    def begins_with(self, group: Group) -> bool:
        return bool(self._entries) and self._entries[0].flush == group[0].flush

    def forget_first(self) -> None:
        """It is stored. With the last one the file goes."""
        self.changes -= self._entries.popleft().changes
        if not self._entries:
            self._refs.clear()
            self.bytes = 0
            self.close()

    def close(self) -> None:
        """The file stays where something waits in it: another process will offer it."""
        if self._file is not None:
            if not self._entries:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Locked before it has the name by which others look for what the dead left.
            unnamed = self._path.with_suffix(".new")
            file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(self._path)
            self._file = file
        return self._file


class Leftover:
    """The spool of a process that died."""

    def __init__(self, path: Path, file: int) -> None:
        self.owner = UUID(path.stem)
        self._path = path
        self._file = file

    @classmethod
    def find(cls, directory: Path) -> Iterator[Leftover]:
        """Those that no living process has. Whoever gets one is the only one until it is let go of."""
        for path in sorted(directory.glob(f"*{SUFFIX}")):
            if not _OWNER.fullmatch(path.stem):
                continue  # not ours
            try:
                file = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file).st_nlink:
                    yield cls(path, file)
                    continue
            except BlockingIOError:
                pass  # its owner lives
            os.close(file)

    def groups(self) -> Iterator[Group]:
        """In the order in which they were to be stored. A line that was cut short by the death is left out.

        Raises ValueError where the file, or one of them, cannot be read: if what follows were stored, nobody would
        know that something is missing before it.
        """
        places = []
        offset = 0
        try:
            with open(self._file, "rb", closefd=False) as file:
                for line in file:
                    if line.endswith(b"\n"):
                        places.append((int(line[:_DIGITS]), offset, len(line)))
                    offset += len(line)
        except OSError as error:
            raise ValueError("the file cannot be read") from error
        for _, offset, length in sorted(places):
            try:
                yield records.load(os.pread(self._file, length, offset)[_DIGITS:])
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise ValueError(f"{length} bytes of it cannot be read") from error

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def set_aside(self) -> None:
        """For a person to look at: nobody offers it again."""
        try:
            self._path.rename(self._path.with_suffix(".unreadable"))
        finally:
            os.close(self._file)

    def leave(self) -> None:
        """For the next one who looks."""
        os.close(self._file)


def _line(group: Group) -> tuple[bytes, Group]:
    """A group as a line of the file, its number first; and what of the group is in it."""
    number = b"%0*d" % (_DIGITS, group[0].flush or 0)
    try:
        return number + records.dump(group) + b"\n", group
    except (TypeError, ValueError):
        kept = [batch for batch in group if _is_writable(batch)]
        return number + records.dump(kept) + b"\n", kept


def _is_writable(batch: Batch) -> bool:
    try:
        records.dump([batch])
    except (TypeError, ValueError):
        logger.exception(
            "changes of a call cannot be written and are dropped",
            extra={"call": str(batch.ref.code), "changes": len(batch.changes)},
        )
        return False
    return True


def _gaps(group: Group) -> list[tuple[CallRef, GapRecorded]]:
    times = [(batch.ref, [change_time(change) for change in batch.changes]) for batch in group if batch.changes]
    return [(ref, GapRecorded(min(at), max(at), NOT_STORED)) for ref, at in times]


def _write(file: int, line: bytes) -> None:
    view = memoryview(line)
    while view:
        view = view[os.write(file, view) :]
