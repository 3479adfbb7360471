"""Questions that may take longer than a page may: they end as TooWide, and the request goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from calls.exceptions import TooWide


@contextmanager
def in_time(limit_ms: int | None = None) -> Iterator[None]:
    """A savepoint, so that a statement which ran out of its time leaves the request's transaction usable."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if limit_ms is not None:
                cursor.execute("select set_config('statement_timeout', %s, true)", [f"{limit_ms}ms"])
            yield
            if limit_ms is not None:
                cursor.execute("set local statement_timeout to default")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooWide("this took longer than a page may take") from error
        raise
