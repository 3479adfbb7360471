"""The figures that are asked for: whose they are, what they count, and how seldom they are read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from calls.selectors import figures as selectors
from calls.web import figures
from tests import factories


@pytest.fixture(autouse=True)
def _forgotten(acme):
    forget(acme)
    yield
    forget(acme)


def forget(tenant):
    cache.delete_many([f"figures:{tenant.id}", f"figures:{tenant.id}:turn"])


def asked(person, slug="acme"):
    return person.client.get(reverse("figures", args=[slug]))


def test_they_count_what_is_live_needs_somebody_and_failed(sam, acme):
    now = timezone.now()
    account = factories.make_account(acme)
    factories.make_call(acme, account=account, started_at=now, last_event_at=now)
    factories.make_call(acme, account=account, started_at=now, last_event_at=now, asked_for_person_at=now)
    for state, minutes in (("ended", 5), ("lost", 20), ("lost", 70)):
        ended = now - timedelta(minutes=minutes)
        factories.make_call(acme, account=account, state=state, started_at=ended, ended_at=ended)
    found = asked(sam).json()
    assert {key: found[key] for key in ("live", "need", "ended", "failed", "limit")} == {
        "live": 2, "need": 1, "ended": 2, "failed": 1, "limit": None,
    }  # fmt: skip


def test_spend_is_of_the_tenants_day(sam, acme):
    now = timezone.now()
    call = factories.make_call(acme, started_at=now)
    midnight = selectors.midnight(acme.timezone, now)
    factories.make_usage(call, model="gpt-realtime", at=midnight - timedelta(minutes=1))
    assert asked(sam).json()["spent"] == "0.00"
    forget(acme)
    factories.make_usage(call, model="gpt-realtime", at=now, input_audio=1_000_000, cached_audio=0)
    found = asked(sam).json()
    assert float(found["spent"]) > 1
    assert found["currency"] == "USD"


def test_a_day_begins_where_the_tenant_is():
    at = timezone.datetime.fromisoformat("2026-11-20T23:30:00+00:00")
    assert selectors.midnight("Europe/Berlin", at).isoformat() == "2026-11-21T00:00:00+01:00"
    assert selectors.midnight("UTC", at).isoformat() == "2026-11-20T00:00:00+00:00"


def test_usage_without_a_price_is_no_zero(sam, acme):
    factories.make_usage(factories.make_call(acme), model="never-heard-of", at=timezone.now())
    found = asked(sam).json()
    assert (found["spent"], found["spent_whole"]) == (None, False)


def test_they_are_read_once_for_all_who_look(sam, adam, acme, monkeypatch):
    first = asked(sam).json()
    monkeypatch.setattr(selectors, "figures", None)
    assert asked(adam).json() == first


def test_when_they_are_old_one_reads_and_the_others_get_what_is_kept(sam, adam, acme, monkeypatch):
    first = asked(sam).json()
    cache.delete(f"figures:{acme.id}:turn")
    real, reads = selectors.figures, []

    def read(*arguments):
        reads.append(asked(adam).json())  # meanwhile
        return real(*arguments)

    monkeypatch.setattr(selectors, "figures", read)
    again = asked(sam).json()
    assert reads == [first]
    assert again["at"] > first["at"]
    assert asked(adam).json() == again


def test_a_reading_that_failed_leaves_the_others_what_was_kept(sam, adam, acme, monkeypatch):
    first = asked(sam).json()
    cache.delete(f"figures:{acme.id}:turn")
    with monkeypatch.context() as broken:
        broken.setattr(selectors, "figures", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            asked(sam)
    assert asked(adam).json() == first


def test_a_redis_that_is_away_costs_a_read_and_nothing_else(sam, acme, monkeypatch):
    def away(*_args):
        raise RedisAway

    monkeypatch.setattr(figures.cache, "get", away)
    assert asked(sam).json()["live"] == 0


def test_strangers_and_rivals_see_nothing(sam, acme, globex, client):
    assert asked(sam, "globex").status_code == 404
    assert client.get(reverse("figures", args=["acme"])).status_code == 302


def test_an_analyst_may_look(ana, acme):
    assert asked(ana).status_code == 200


def test_the_work_does_not_grow_with_the_calls(acme, django_assert_max_num_queries):
    from calls.tenancy import tenant_scope

    account = factories.make_account(acme)
    for _ in range(5):
        factories.make_call(acme, account=account)
    with tenant_scope(acme.id), django_assert_max_num_queries(5):
        assert selectors.figures(acme.id, acme.timezone).live == 5
