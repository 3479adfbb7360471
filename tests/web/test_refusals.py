"""Refused deliveries are counted per account, for a day, and Redis may be away."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisAway

from calls.web import refusals
from tests import factories


@pytest.fixture
def account(acme):
    return factories.make_account(acme)


def test_each_account_has_its_own_count(acme, account):
    other = factories.make_account(acme)
    assert refusals.of(account) is None
    refusals.count(account, "no v1 signature")
    refusals.count(account, "signature")
    found = refusals.of(account)
    assert (found.count, found.reason) == (2, "signature")
    assert found.since <= found.last
    assert refusals.of(other) is None


def test_without_redis_nothing_is_counted_and_nothing_breaks(account, monkeypatch, caplog):
    asked = []

    class Away:
        def get(self, key):
            asked.append(key)
            raise RedisAway

    monkeypatch.setattr(refusals, "cache", Away())
    monkeypatch.setattr(refusals, "_away_until", 0.0)
    for _ in range(3):
        refusals.count(account, "signature")
    assert len(asked) == 1  # then it is left alone for a while
    assert refusals.of(account) is None
    assert "refused deliveries are not counted" in caplog.text
