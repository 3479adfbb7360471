"""What a dead worker could not store is stored if its calls are still its own, and refused if they are not."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio

from calls.actions import leases
from calls.actions.ingest import Batch
from calls.sideband import database, inheritance
from calls.sideband.inheritance import Inheritance
from calls.sideband.spool import Spool
from tests import factories
from tests.sideband.desk import fetch, hold, run_out, turn, until, within

pytestmark = pytest.mark.asyncio


class Told(list):
    def put(self, group, message):
        self.append(group)


@pytest_asyncio.fixture
async def pool(committed_db):
    async with database.pool("test", 2) as pool:
        yield pool


async def left_behind(directory, hot, acme, *groups, calls=1):
    """A worker that held calls, wrote these groups of (call, change) and died."""
    owner = uuid4()
    made = [await within(acme, lambda: factories.make_call(acme)) for _ in range(calls)]
    refs = [await hold(hot, call, owner) for call in made]
    spool = Spool(directory, owner, 10**6)
    for number, group in enumerate(groups, 1):
        spool.accept(spool.write([[Batch(refs[call], [change], {}, number) for call, change in group]]))
    spool.close()
    return owner, made


async def words(hot):
    return [text for (text,) in await fetch(hot, "select text from calls_turn order by 1")]


async def stored(hot, count):
    return len(await words(hot)) == count


async def test_what_was_left_is_stored_once_and_the_file_goes(tmp_path, hot, pool, acme, committed_db):
    await left_behind(tmp_path, hot, acme, [(0, turn("a", "One."))], [(0, turn("b", "Two."))])
    run_out(committed_db)  # nobody took it yet: the epoch still stands
    told = Told()
    await Inheritance(tmp_path, pool, told).offer()
    assert await words(hot) == ["One.", "Two."]
    assert len(told) == 2
    assert list(tmp_path.iterdir()) == []


async def test_what_was_stored_before_the_death_is_not_doubled(tmp_path, hot, pool, acme):
    await left_behind(tmp_path, hot, acme, [(0, turn("a", "One."))])
    copy = next(tmp_path.iterdir()).read_bytes()
    name = next(tmp_path.iterdir())
    await Inheritance(tmp_path, pool, Told()).offer()
    name.write_bytes(copy)
    await Inheritance(tmp_path, pool, Told()).offer()
    assert await fetch(hot, "select last_seq from calls_call") == [(1,)]


async def test_a_call_that_somebody_else_has_refuses_it(tmp_path, hot, pool, acme, committed_db, caplog):
    _, [mine, _] = await left_behind(
        tmp_path, hot, acme, [(0, turn("a", "Refused.")), (1, turn("b", "Kept."))], calls=2
    )
    run_out(committed_db)
    await leases.take(hot, uuid4(), limit=1, calls=[mine.pk])
    await Inheritance(tmp_path, pool, Told()).offer()
    assert await words(hot) == ["Kept."]
    [record] = [record for record in caplog.records if "spool was offered" in record.message]
    assert (record.stored, record.refused) == (1, 1)
    assert list(tmp_path.iterdir()) == []


async def test_a_row_that_cannot_be_stored_costs_the_others_nothing(tmp_path, hot, pool, acme):
    await left_behind(tmp_path, hot, acme, [(0, turn("i" * 300, "Too wide.")), (1, turn("b", "Kept."))], calls=2)
    await Inheritance(tmp_path, pool, Told()).offer()
    assert await words(hot) == ["Kept."]


async def test_a_database_that_is_away_keeps_the_file(tmp_path, hot, pool, acme, monkeypatch):
    await left_behind(tmp_path, hot, acme, [(0, turn("a", "One."))])
    real = inheritance.store

    async def away(*_):
        raise psycopg.OperationalError("away")

    monkeypatch.setattr(inheritance, "store", away)
    with pytest.raises(psycopg.OperationalError):
        await Inheritance(tmp_path, pool, Told()).offer()
    monkeypatch.setattr(inheritance, "store", real)
    await Inheritance(tmp_path, pool, Told()).offer()
    assert await words(hot) == ["One."]


async def test_who_comes_second_waits_until_the_first_has_offered_all(tmp_path, hot, pool, acme, monkeypatch):
    """It would take the calls, and what was left of them would be refused."""
    await left_behind(tmp_path, hot, acme, [(0, turn("a", "One."))])
    begun, go_on, store = asyncio.Event(), asyncio.Event(), inheritance.store

    async def slowly(*arguments):
        begun.set()
        await go_on.wait()
        return await store(*arguments)

    monkeypatch.setattr(inheritance, "store", slowly)
    first = asyncio.create_task(Inheritance(tmp_path, pool, Told()).offer())
    await begun.wait()
    second = asyncio.create_task(Inheritance(tmp_path, pool, Told()).offer())
    done, _ = await asyncio.wait([second], timeout=0.4)
    assert not done
    go_on.set()
    await asyncio.gather(first, second)
    assert await words(hot) == ["One."]


async def test_an_heir_that_stands_still_keeps_one_file_from_the_others(tmp_path, hot, pool, acme, monkeypatch):
    for item in ("a", "b", "c"):
        await left_behind(tmp_path, hot, acme, [(0, turn(item, f"{item}."))])
    begun, go_on, store = asyncio.Event(), asyncio.Event(), inheritance.store

    async def stands_still(*arguments):
        monkeypatch.setattr(inheritance, "store", store)
        begun.set()
        await go_on.wait()
        return await store(*arguments)

    monkeypatch.setattr(inheritance, "store", stands_still)
    first = asyncio.create_task(Inheritance(tmp_path, pool, Told()).offer())
    await begun.wait()
    others = [asyncio.create_task(Inheritance(tmp_path, pool, Told()).offer()) for _ in range(2)]
    await until(lambda: stored(hot, 2))
    await left_behind(tmp_path, hot, acme, [(0, turn("d", "d."))])
    await until(lambda: stored(hot, 3))
    done, _ = await asyncio.wait(others, timeout=0.4)
    assert not done, "they know that one is being offered"
    go_on.set()
    await asyncio.wait_for(asyncio.gather(first, *others), 30)
    assert await words(hot) == ["a.", "b.", "c.", "d."]
    assert list(tmp_path.iterdir()) == []


async def test_who_is_called_off_leaves_its_file_to_the_next(tmp_path, hot, pool, acme, monkeypatch):
    await left_behind(tmp_path, hot, acme, [(0, turn("a", "One."))])
    begun, store = asyncio.Event(), inheritance.store

    async def stands_still(*_):
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(inheritance, "store", stands_still)
    first = asyncio.create_task(Inheritance(tmp_path, pool, Told()).offer())
    await begun.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    monkeypatch.setattr(inheritance, "store", store)
    await asyncio.wait_for(Inheritance(tmp_path, pool, Told()).offer(), 30)
    assert await words(hot) == ["One."]


async def test_a_directory_that_is_not_there_is_nothing_to_inherit(tmp_path, pool):
    await Inheritance(tmp_path / "none", pool, Told()).offer()


async def test_a_file_that_cannot_be_read_is_set_aside_and_the_next_is_offered(
    tmp_path, hot, pool, acme, monkeypatch, caplog
):
    await left_behind(tmp_path, hot, acme, [(0, turn("a", "One."))])
    await left_behind(tmp_path, hot, acme, [(0, turn("b", "Two."))])
    first = min(tmp_path.iterdir())
    groups = inheritance.Leftover.groups

    def broken(leftover):
        if leftover._path == first:
            raise ValueError("the file cannot be read")
        return groups(leftover)

    monkeypatch.setattr(inheritance.Leftover, "groups", broken)
    await Inheritance(tmp_path, pool, Told()).offer()
    assert len(await words(hot)) == 1
    assert list(tmp_path.iterdir()) == [first.with_suffix(".unreadable")]
    assert "is set aside" in caplog.text


@pytest.mark.parametrize(
    ("damage", "kept"),
    [(lambda line: line.replace(b"{", b"["), ["a."]), (lambda line: bytes(len(line) - 1) + b"\n", [])],
    ids=["a record", "nothing but zeros"],
)
async def test_nothing_is_stored_that_comes_after_a_part_that_cannot_be_read(tmp_path, hot, pool, acme, damage, kept):
    """A call would be heard until then, and nobody would know that something is missing before it."""
    groups = [[(0, turn(name, f"{name}."))] for name in ("a", "b", "c")]
    await left_behind(tmp_path, hot, acme, *groups)
    [path] = tmp_path.iterdir()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + damage(lines[1]) + lines[2])
    await Inheritance(tmp_path, pool, Told()).offer()
    assert await words(hot) == kept
    assert list(tmp_path.iterdir()) == [path.with_suffix(".unreadable")]
