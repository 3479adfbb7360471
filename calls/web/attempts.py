"""Slows down guessing of passwords: 5 tries per address book entry and network in 15 minutes. Never locks for longer.

Counts in Django's cache, which all web processes share. While it is away nobody is locked out, and a warning is
logged. The keys are keyed hashes: neither e-mail nor address is kept.
"""

from __future__ import annotations

import logging
from ipaddress import ip_address, ip_network

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

TRIES = 5
WINDOW_S = 15 * 60


def allow(request: HttpRequest, email: str) -> bool:
    """Count one try and say whether it may be made."""
    key = _key(request, email)
    try:
        cache.add(key, 0, WINDOW_S)
        return cache.incr(key) <= TRIES
    except ValueError:  # the window ended between the two statements
        return True
    except RedisError as error:
        logger.warning("tries to sign in are not counted", extra={"error": type(error).__name__})
        return True


def forget(request: HttpRequest, email: str) -> None:
    """After a success the count starts anew."""
    try:
        cache.delete(_key(request, email))
    except RedisError as error:
        logger.warning("tries to sign in are not counted", extra={"error": type(error).__name__})


def _key(request: HttpRequest, email: str) -> str:
    who = f"{email.strip().lower()} {_network(request.META.get('REMOTE_ADDR') or '')}"
    return "sign-in." + salted_hmac("calls.web.attempts", who, algorithm="sha256").hexdigest()


def _network(address: str) -> str:
    """The /24 of an IPv4 address, the /64 of an IPv6 one: what one household or office shares."""
    try:
        found = ip_address(address)
    except ValueError:  # a Unix socket has no address
        return ""
    return str(ip_network(f"{found}/{24 if found.version == 4 else 64}", strict=False))
