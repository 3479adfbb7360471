"""Who wrote and who took, recorded by PostgreSQL itself: triggers of the rig, for nothing in a process can be trusted
to say that it wrote what it should not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.rig.machine import Rig

INSTALL = """
create schema rig;
create table rig.written (at timestamptz default clock_timestamp(), app text, call_id bigint, epoch bigint, n int);
create table rig.taken (
    n bigint generated always as identity, at timestamptz default clock_timestamp(), app text, call_id bigint,
    before bigint, after bigint);
create function rig.note_written() returns trigger language plpgsql security definer as $$
begin
    insert into rig.written (app, call_id, epoch, n)
    select current_setting('application_name'), c.id, c.epoch, count(*)
    from fresh f join public.calls_call c on c.id = f.call_id group by c.id, c.epoch;
    return null;
end $$;
create function rig.note_taken() returns trigger language plpgsql security definer as $$
begin
    insert into rig.taken (app, call_id, before, after)
    values (current_setting('application_name'), new.id, old.epoch, new.epoch);
    return null;
end $$;
create trigger rig_written after insert on calls_callevent referencing new table as fresh
    for each statement execute function rig.note_written();
create trigger rig_taken after update of epoch on calls_call for each row
    when (old.epoch is distinct from new.epoch) execute function rig.note_taken();
create table rig.slow (seconds float8);
create function rig.take_time() returns trigger language plpgsql security definer as $$
begin
    perform pg_sleep(seconds) from rig.slow;
    return new;
end $$;
create trigger rig_slow before update of state on calls_command for each row
    when (new.state = 'sent') execute function rig.take_time();
"""


def install(rig: Rig) -> None:
    rig.execute(INSTALL)


@contextmanager
def slow_notes(rig: Rig, seconds: float) -> Iterator[None]:
    """The note that a command was sent takes so long: time in which to kill whoever writes it."""
    rig.rows("insert into rig.slow values (%s) returning 1", seconds)
    try:
        yield
    finally:
        rig.rows("delete from rig.slow returning 1")
