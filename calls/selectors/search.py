"""Full-text search in transcripts: newest calls first, bounded, and the words in which something was found. Reads only.

Row-level security keeps PostgreSQL from using the index for `@@`, so there are two ways (docs/decisions/0006): the
newest calls are read under the policies; where they do not fill the page, the function `calls_search` asks the index
and answers with ids of calls of the tenant in scope, which are then read under the policies like all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from calls.domain.snippets import ENDS, STARTS, Piece, pieces
from calls.exceptions import InvalidInput, TooWide
from calls.models import Call

STEPS = (100, 300, 600)
"""Newest calls that are read first, in steps: of frequent words a few are enough"""
MOST = 50_000
"""Calls that the index may answer with; more are too many to be put into order"""
SNIPPETS = 2
"""Shown of each call: the best"""
_SEARCHED = 20_000
"""Characters of a turn that are searched, as in migration 0006"""
_EDGE = 12
"""Characters by which a snippet is compared with the ends of its turn"""

_NEEDLE = "select querytree(calls_needle(%s))"
_AMONG = """
select distinct call_id from calls_turn
where call_id = any(%s) and search @@ calls_needle(%s)
"""
_INDEXED = "select calls_search(%s, %s)"
_HITS = f"""
select calls.id, found.item_id, found.speaker, found.started_at, found.hits,
       ts_headline('simple', translate(left(found.text, {_SEARCHED}), %s, ''), needle.query, %s),
       left(ltrim(found.text), {_EDGE}), right(rtrim(found.text), {_EDGE})
from (select calls_needle(%s) as query) needle, unnest(%s::bigint[]) as calls(id)
cross join lateral (
    select item_id, speaker, text, started_at, count(*) over () as hits from calls_turn
    where call_id = calls.id and search @@ needle.query
    order by ts_rank(search, needle.query) desc, rank limit {SNIPPETS}
) found
"""  # noqa: S608  constants of our own
_HEADLINE = f'StartSel="{STARTS}", StopSel="{ENDS}", MaxWords=28, MinWords=16, ShortWord=0'


@dataclass(frozen=True, slots=True)
class Snippet:
    """Part of a turn in which something was found."""

    item_id: str
    speaker: str
    started_at: Any
    pieces: list[Piece]
    cut_before: bool
    cut_after: bool


@dataclass(slots=True)
class Hits:
    """What was found in one call."""

    turns: int = 0
    snippets: list[Snippet] = field(default_factory=list)


def check(needle: str) -> None:
    """Raises InvalidInput where there is nothing to look for: no word, or only words that must not occur."""
    if _rows(_NEEDLE, needle)[0][0] in {"", "T"}:
        raise InvalidInput("names no word to look for", "text")


def first(calls: QuerySet[Call], needle: str, count: int) -> list[int]:
    """Ids of the first `count` of these ordered calls in which one turn holds `needle`. Raises TooWide."""
    near = list(calls.values_list("pk", flat=True)[: sum(STEPS) + 1])
    found: list[int] = []
    read = 0
    for step in STEPS:
        some = near[read : read + step]
        read += step
        if some:
            hits = {row[0] for row in _rows(_AMONG, some, needle)}
            found += [pk for pk in some if pk in hits]
        if len(found) >= count or len(near) <= read:
            return found[:count]
    everywhere = [row[0] for row in _rows(_INDEXED, needle, MOST + 1)]
    if len(everywhere) > MOST:
        raise TooWide("too many calls hold these words")
    matching = calls.filter(pk__in=RawSQL("select unnest(%s::bigint[])", [everywhere]))
    return list(matching.values_list("pk", flat=True)[:count])


def hits(calls: Sequence[int], needle: str) -> dict[int, Hits]:
    """The best hits of each of these calls."""
    found: dict[int, Hits] = {}
    for call, item_id, speaker, started_at, turns, marked, begins, ends in _rows(
        _HITS, STARTS + ENDS, _HEADLINE, needle, list(calls)
    ):
        parts = pieces(marked)
        plain = "".join(part.text for part in parts).strip()
        one = found.setdefault(call, Hits(turns))
        one.snippets.append(
            Snippet(item_id, speaker, started_at, parts, not plain.startswith(begins), not plain.endswith(ends))
        )
    return found


def _rows(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
