"""Full-text search in transcripts: a generated column, its index, and the one door to it (docs/decisions/0006)."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations

from calls.migrations._operations import create_role

SEARCHED = 20_000
"""Characters of a turn that are searched. PostgreSQL refuses a vector over 1 MB, and with it the turn."""

COLUMN = f"""
alter table calls_turn add column search tsvector generated always as (
    case when text <> '' then
        to_tsvector('simple'::regconfig, left(text, {SEARCHED})) || array_to_tsvector(array['@' || tenant_id::text])
    end
) stored;
create index turn_search on calls_turn using gin (search) with (gin_pending_list_limit = 256)
    where search is not null;
"""
# A short list of what waits for its place in the index: merging 4 MB of it held one batch of writes up for 150 ms.
# The parser takes `@` for no part of a word, so nobody's words make another tenant's lexeme.

NEEDLE = r"""
create function calls_needle(words text) returns tsquery language sql immutable strict set search_path = pg_catalog
as $$
    select regexp_replace(
        regexp_replace(websearch_to_tsquery('simple', words)::text, $r$('(?:[^']|'')+')$r$, $r$\1:*$r$, 'g'),
        $r$('(?:[^']|''){1,2}'):\*$r$, $r$\1$r$, 'g'
    )::tsquery
$$;
"""
# A word of three letters or more also finds the longer ones that begin with it: no stemmer, in any language.

DOOR = f"""
grant select (tenant_id, call_id, search) on calls_turn to {settings.SEARCH_ROLE};
create policy all_tenants_for_search on calls_turn for select to {settings.SEARCH_ROLE} using (true);

create function calls_search(needle text, most integer) returns setof bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
    with found as materialized (
        select call_id from public.calls_turn
        where tenant_id = nullif(current_setting('app.tenant', true), '')::uuid
          and search @@ (
              public.calls_needle(needle)
              && quote_literal('@' || nullif(current_setting('app.tenant', true), ''))::tsquery
          )
    )
    select distinct call_id from found order by call_id desc limit most
$$;
revoke all on function calls_search(text, integer) from public;
grant execute on function calls_search(text, integer) to {settings.APP_ROLE};
grant usage, create on schema public to {settings.SEARCH_ROLE};
alter function calls_search(text, integer) owner to {settings.SEARCH_ROLE};
revoke create on schema public from {settings.SEARCH_ROLE};
"""

CLOSE = f"""
drop function calls_search(text, integer);
drop policy all_tenants_for_search on calls_turn;
revoke all on calls_turn from {settings.SEARCH_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("calls", "0005_attention")]

    operations = [
        create_role(settings.SEARCH_ROLE),
        migrations.RunSQL(COLUMN, "alter table calls_turn drop column search"),
        migrations.RunSQL(NEEDLE, "drop function calls_needle(text)"),
        migrations.RunSQL(DOOR, CLOSE),
    ]
