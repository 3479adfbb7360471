"""Migration operations of our own: tenant isolation, tables that only grow. Reversible."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db.migrations import RunSQL


def enable_tenant_isolation(table: str, *, own_rows: bool = False) -> RunSQL:
    """Row-level security, forced, on a table with a `tenant_id`.

    The application role sees the rows of the tenant in `app.tenant`; unset or empty, it sees none. The sideband
    role serves all tenants in one transaction and has a policy of its own. `nullif`: after a transaction that set
    it, a local setting reads as the empty string, which is no uuid. `own_rows` also shows a table's rows of the user
    in `app.user`: memberships are what a tenant is chosen from.
    """
    rule = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
    seen = f"{rule} or user_id = nullif(current_setting('app.user', true), '')::bigint" if own_rows else rule
    return RunSQL(
        sql=f"""
            alter table {table} enable row level security;
            alter table {table} force row level security;
            create policy tenant_isolation on {table} to {settings.APP_ROLE}
                using ({seen}) with check ({rule});
            create policy all_tenants_for_sideband on {table} to {settings.SIDEBAND_ROLE}
                using (true) with check (true);
        """,
        reverse_sql=f"""
            drop policy all_tenants_for_sideband on {table};
            drop policy tenant_isolation on {table};
            alter table {table} no force row level security;
            alter table {table} disable row level security;
        """,
    )


def create_roles() -> RunSQL:
    """The roles that processes take on after they logged in; both own nothing and cannot log in themselves."""
    create = "".join(_create_role(role) for role in (settings.APP_ROLE, settings.SIDEBAND_ROLE))
    return RunSQL(sql=create, reverse_sql=RunSQL.noop)


def create_role(role: str) -> RunSQL:
    """A role that nobody logs in as.

    Roles belong to the whole server, so another database may have made them already. They are left behind on the
    way back for the same reason.
    """
    return RunSQL(sql=_create_role(role), reverse_sql=RunSQL.noop)


def _create_role(role: str) -> str:
    # Who creates a role may grant it (PostgreSQL 16), which counts as membership but does not allow SET ROLE.
    may_set = "case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end"
    return f"""
        do $$ begin
            if not exists (select from pg_roles where rolname = '{role}') then
                create role {role} nologin noinherit nosuperuser nobypassrls;
            end if;
        exception when duplicate_object or unique_violation then null; end $$;
        do $$ begin
            if not pg_has_role(session_user, '{role}', {may_set}) then
                execute format('grant {role} to %I', session_user);
            end if;
        end $$;
    """


def refuse_changes(table: str) -> RunSQL:
    """A table that only grows: a trigger refuses update, delete and truncate, whoever asks."""
    return RunSQL(
        sql=f"""
            create function {table}_only_grows() returns trigger language plpgsql as $$
            begin raise exception '{table} only grows'; end $$;
            create trigger {table}_no_change before update or delete on {table}
                for each row execute function {table}_only_grows();
            create trigger {table}_no_truncate before truncate on {table}
                for each statement execute function {table}_only_grows();
        """,
        reverse_sql=f"drop function {table}_only_grows() cascade;",
    )


class RemoveIndexBeside(RemoveIndexConcurrently):
    """Removes an index beside those who use its table, where a plain drop has everybody queue behind itself. Needs
    `atomic = False`; where it failed half-way it may be run again, either way."""

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        # What a failed try left behind has the name, and serves nobody.
        self.database_forwards(app_label, schema_editor, to_state, from_state)
        super().database_backwards(app_label, schema_editor, from_state, to_state)


def leave_room(table: str, filled: int) -> RunSQL:
    """Fill the table's pages by so many per cent with new rows, so that a row that is written again and again finds
    room beside itself: then no index is written. Concerns pages that are filled from now on."""
    return RunSQL(
        sql=f"alter table {table} set (fillfactor = {filled})", reverse_sql=f"alter table {table} reset (fillfactor)"
    )
