"""Guessing passwords is slow, for one person from one network; everybody else signs in as ever."""

import time
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.core.cache.backends import base, locmem
from django.core.cache.backends.redis import RedisCache
from django.test import RequestFactory
from redis.exceptions import ConnectionError as RedisDown

from calls.web import attempts


@pytest.fixture(autouse=True)
def _no_counts():
    cache.clear()


def _from(address, forwarded=None):
    extra = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().post("/sign-in/", REMOTE_ADDR=address, **extra)


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

    for name in ("add", "incr", "delete", "touch"):
        monkeypatch.setattr(cache, name, down, raising=False)
    assert attempts.allow(_from("::1"), "sam@acme.example")
    attempts.forget(_from("::1"), "sam@acme.example")


def _try_many(count, address, email="guess{}@acme.example"):
    return [attempts.allow(_from(address), email.format(number)) for number in range(count)]


def test_a_network_has_a_hundred_failures_an_hour_whatever_the_addresses():
    assert _try_many(101, "203.0.113.7") == [True] * 100 + [False]
    assert not attempts.allow(_from("203.0.113.200"), "sam@acme.example")
    assert attempts.allow(_from("198.51.100.7"), "sam@acme.example")


def test_an_office_that_signs_in_in_the_morning_is_no_attack():
    for number in range(250):
        assert attempts.allow(_from("203.0.113.7"), f"person{number}@acme.example")
        attempts.forget(_from("203.0.113.7"), f"person{number}@acme.example")
    assert _try_many(101, "203.0.113.7") == [True] * 100 + [False]


def test_hammering_at_one_entry_locks_no_neighbour_out():
    assert _try_many(300, "203.0.113.7", "sam@acme.example").count(True) == 5
    assert attempts.allow(_from("203.0.113.7"), "ana@acme.example")


def test_without_an_address_there_is_no_count_over_all_the_world():
    assert all(_try_many(150, ""))


def test_ipv4_over_an_ipv6_socket_is_many_networks():
    assert not all(_try_many(150, "::ffff:203.0.113.7"))
    assert attempts.allow(_from("::ffff:198.51.100.7"), "sam@acme.example")


def test_a_proxy_is_not_everybodys_network(settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for _ in range(6):
        attempts.allow(_from("10.0.0.1", "203.0.113.7"), "sam@acme.example")
    assert not attempts.allow(_from("10.0.0.1", "203.0.113.7:50123"), "sam@acme.example")
    assert attempts.allow(_from("10.0.0.1", "198.51.100.7"), "sam@acme.example")


def test_a_client_cannot_choose_its_network(settings):
    """Daphne puts the first entry into REMOTE_ADDR; a proxy that appends leaves there what the client sent."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    tries = [
        attempts.allow(_from(f"192.0.{number}.1", f"192.0.{number}.1, 203.0.113.7"), "sam@acme.example")
        for number in range(6)
    ]
    assert tries == [True] * 5 + [False]


def test_without_a_proxy_the_header_means_nothing():
    for number in range(5):
        attempts.allow(_from("203.0.113.7", f"192.0.{number}.1"), "sam@acme.example")
    assert not attempts.allow(_from("203.0.113.7", "198.51.100.7"), "sam@acme.example")


@pytest.mark.parametrize(("tries", "window_s"), [(5, attempts.WINDOW_S), (100, attempts.NETWORK_WINDOW_S)])
def test_no_lock_outlasts_its_window(monkeypatch, tries, window_s):
    """Tries under a lock do not prolong it."""
    begun = time.time()
    now = [begun]
    monkeypatch.setattr(locmem, "time", SimpleNamespace(time=lambda: now[0]))
    monkeypatch.setattr(base, "time", SimpleNamespace(time=lambda: now[0]))
    email = "sam@acme.example" if tries == 5 else "guess{}@acme.example"
    assert all(_try_many(tries, "203.0.113.7", email))
    now[0] = begun + window_s - 1
    if tries == 5:
        assert not attempts.allow(_from("203.0.113.7"), email)
    else:
        assert not attempts.allow(_from("203.0.113.7"), "late@acme.example")
    now[0] = begun + window_s + 1
    assert attempts.allow(_from("203.0.113.7"), "sam@acme.example")


def test_a_count_that_redis_made_anew_ends_too(redis_url, monkeypatch):
    """Between Django's question whether a key is there and the count, its window may end."""
    found = RedisCache(redis_url, {})
    monkeypatch.setattr(attempts, "cache", found)
    found.clear()
    ask = found._cache.get_client(None, write=True)
    found.add = lambda *_: None  # as if it ended right after
    monkeypatch.setattr(type(ask), "exists", lambda *_: True)
    assert attempts.allow(_from("203.0.113.7"), "sam@acme.example")
    keys = ask.keys("*sign-in*")
    assert len(keys) == 2
    assert all(0 < ask.ttl(key) <= attempts.NETWORK_WINDOW_S for key in keys)
    found.close()
