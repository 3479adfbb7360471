"""Guessing passwords is slow, for one person from one network; everybody else signs in as ever."""

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from redis.exceptions import ConnectionError as RedisDown

from calls.web import attempts


@pytest.fixture(autouse=True)
def _no_counts():
    cache.clear()


def _from(address):
    return RequestFactory().post("/sign-in/", REMOTE_ADDR=address)


def test_the_sixth_try_in_a_quarter_of_an_hour_is_refused():
    tries = [attempts.allow(_from("203.0.113.7"), "sam@acme.example") for _ in range(6)]
    assert tries == [True] * 5 + [False]


def test_a_neighbour_counts_and_a_stranger_does_not():
    for _ in range(5):
        attempts.allow(_from("203.0.113.7"), "sam@acme.example")
    assert not attempts.allow(_from("203.0.113.200"), "SAM@acme.example ")
    assert attempts.allow(_from("198.51.100.7"), "sam@acme.example")
    assert attempts.allow(_from("203.0.113.7"), "ana@acme.example")


def test_a_success_starts_the_count_anew():
    for _ in range(5):
        attempts.allow(_from("::1"), "sam@acme.example")
    attempts.forget(_from("::1"), "sam@acme.example")
    assert attempts.allow(_from("::1"), "sam@acme.example")


def test_nobody_is_locked_out_while_redis_is_away(monkeypatch):
    def down(*_args, **_kwargs):
        raise RedisDown

    for name in ("add", "incr", "delete"):
        monkeypatch.setattr(cache, name, down, raising=False)
    assert attempts.allow(_from("::1"), "sam@acme.example")
    attempts.forget(_from("::1"), "sam@acme.example")
