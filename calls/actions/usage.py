"""Makes the sums of usage anew where they are marked as no longer right. Changes no figure: only where it is read from.

Marks are removed and sums made in one transaction, the marks first: usage that is committed in between is either in
the sums or has a mark that stays, or both. The quarter hour that still runs is left to be read from its rows.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection

from calls.models.base import current_tenant
from calls.selectors.usage import QUARTER, ROW_COLUMNS, SUM_COLUMNS

QUARTERS_AT_ONCE = 96
"""A day's: the time of one transaction stays far below the limit of a statement"""

QUARTER_HOUR = timedelta(minutes=15)

_ALONE = "select pg_try_advisory_xact_lock(hashtextextended('calls_usagesum ' || %(tenant)s, 0))"
_UNMARK = f"""
delete from calls_usagemark where tenant_id = %(tenant)s and start in (
    select distinct start from calls_usagemark
    where tenant_id = %(tenant)s and start < {QUARTER.format(at="now()")} order by start limit %(limit)s)
returning start
"""  # noqa: S608  columns of our own
_FORGET = "delete from calls_usagesum where tenant_id = %(tenant)s and start = any(%(starts)s)"
_SUM = f"""
insert into calls_usagesum
    (tenant_id, start, model, agent, version, complete, split_known, bills, {", ".join(SUM_COLUMNS)})
select u.tenant_id, m.start, u.model, c.agent_id, c.instruction_version_id, u.complete, u.split_known, count(*),
    {", ".join(f"sum({column})" for column in ROW_COLUMNS)}
from unnest(%(starts)s::timestamptz[], %(stops)s::timestamptz[]) m (start, stop)
join calls_tokenusage u on u.tenant_id = %(tenant)s and u.at >= m.start and u.at < m.stop
join calls_call c on c.id = u.call_id
group by 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608  columns of our own


def sum_up(limit: int = QUARTERS_AT_ONCE) -> int:
    """Make the sums of the tenant in scope for so many marked quarters; returns how many there were.

    0 also while another worker is at it: two would not see each other's sums.
    """
    values: dict[str, Any] = {"tenant": current_tenant.get(), "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, {"tenant": str(values["tenant"])})
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute(_UNMARK, values)
        starts = values["starts"] = sorted({start for (start,) in cursor.fetchall()})
        values["stops"] = [start + QUARTER_HOUR for start in starts]
        if starts:
            cursor.execute(_FORGET, values)
            cursor.execute(_SUM, values)
    return len(starts)
