"""What takes too long says so, and the transaction around it goes on."""

from __future__ import annotations

import pytest
from django.db import DataError, connection

from calls.exceptions import TooWide
from calls.selectors.limits import in_time

pytestmark = pytest.mark.django_db


def _ask(query: str):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_what_takes_too_long_is_too_wide_and_leaves_the_transaction_usable():
    with pytest.raises(TooWide), in_time(50):
        _ask("select pg_sleep(5)")
    assert _ask("select 1") == 1


def test_the_limit_ends_with_the_question():
    before = _ask("show statement_timeout")
    with in_time(1234):
        assert _ask("show statement_timeout") == "1234ms"
    assert _ask("show statement_timeout") == before


def test_other_errors_are_what_they_are():
    with pytest.raises(DataError), in_time():
        _ask("select 1 / 0")
    assert _ask("select 1") == 1
