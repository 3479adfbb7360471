"""The marks of usage: triggers that say which quarter hours were written to (models.usage)."""

from django.conf import settings

QUARTER = "date_bin('15 minutes', {at}, timestamptz '2000-01-01 00:00:00+00')"

_MARK = f"""
create function calls_mark_usage_{{name}}() returns trigger language plpgsql as $$
begin
    insert into calls_usagemark (tenant_id, start)
    select distinct tenant_id, {QUARTER.format(at="at")} from ({{rows}}) r order by 1, 2;
    return null;
end $$;
create trigger calls_tokenusage_{{name}} after {{name}} on calls_tokenusage
    referencing {{tables}} for each statement execute function calls_mark_usage_{{name}}();
"""

GRANT = f"""
grant select, insert, update, delete on calls_usagemark to {settings.APP_ROLE}, {settings.SIDEBAND_ROLE};
grant usage on all sequences in schema public to {settings.APP_ROLE}, {settings.SIDEBAND_ROLE};
"""
"""Before the triggers exist: processes go on writing usage until `migrate` has come to its own grants."""

CREATE = (
    GRANT
    + _MARK.format(name="insert", rows="select tenant_id, at from n", tables="new table as n")
    # A row can move in time: both quarters are marked.
    + _MARK.format(
        name="update",
        rows="select tenant_id, at from n union all select tenant_id, at from o",
        tables="new table as n old table as o",
    )
    + _MARK.format(name="delete", rows="select tenant_id, at from o", tables="old table as o")
    + f"""
create function calls_mark_usage_of_call() returns trigger language plpgsql as $$
begin
    insert into calls_usagemark (tenant_id, start)
    select distinct tenant_id, {QUARTER.format(at="at")} from calls_tokenusage where call_id = new.id order by 1, 2;
    return null;
end $$;
create trigger calls_call_regrouped after update of agent_id, instruction_version_id on calls_call
    for each row when (
        (old.agent_id, old.instruction_version_id) is distinct from (new.agent_id, new.instruction_version_id)
    ) execute function calls_mark_usage_of_call();
"""
)

DROP = """
drop function calls_mark_usage_insert() cascade;
drop function calls_mark_usage_update() cascade;
drop function calls_mark_usage_delete() cascade;
drop function calls_mark_usage_of_call() cascade;
"""

MARK_ALL = f"""
alter table calls_tokenusage no force row level security;
alter table calls_usagemark no force row level security;
insert into calls_usagemark (tenant_id, start)
    select distinct tenant_id, {QUARTER.format(at="at")} from calls_tokenusage order by 1, 2;
set constraints all immediate;
set constraints all deferred;
alter table calls_usagemark force row level security;
alter table calls_tokenusage force row level security;
"""
"""What an installation used before there were sums. Forced row-level security would hide it from the owner too."""
