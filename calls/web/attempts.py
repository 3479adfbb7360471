"""Slows down guessing of passwords: 5 tries per address book entry and network in 15 minutes, and 100 failed ones per
network and hour, whatever the entries. Never locks for longer than these windows.

Counts in Django's cache, which all web processes share. While it is away nobody is locked out, and a warning is
logged. The keys are keyed hashes: neither e-mail nor address is kept.
"""

from __future__ import annotations

import logging
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

TRIES = 5
WINDOW_S = 15 * 60
NETWORK_TRIES = 100
NETWORK_WINDOW_S = 60 * 60


def allow(request: HttpRequest, email: str) -> bool:
    """Count one try and say whether it may be made."""
    network = _network(request)
    try:
        # In this order: what the first refuses is no try, so hammering at one entry does not lock its neighbours out.
        if _add(_key(f"{_entry(email)} {network}"), 1, WINDOW_S) > TRIES:
            return False
        # Without an address (a Unix socket) there is no network: all the world would share one count.
        return not network or _add(_key(network), 1, NETWORK_WINDOW_S) <= NETWORK_TRIES
    except RedisError as error:
        logger.warning("tries to sign in are not counted", extra={"error": type(error).__name__})
        return True


def forget(request: HttpRequest, email: str) -> None:
    """After a success the entry's count starts anew, and the network gets its try back: an office may be large."""
    network = _network(request)
    try:
        cache.delete(_key(f"{_entry(email)} {network}"))
        if network:
            _add(_key(network), -1, NETWORK_WINDOW_S)
    except RedisError as error:
        logger.warning("tries to sign in are not counted", extra={"error": type(error).__name__})


def _add(key: str, change: int, window_s: int) -> int:
    """Change a count that lives for `window_s` from its first try on; gives the new one."""
    cache.add(key, 0, window_s)
    try:
        count = cache.incr(key, change)
    except ValueError:  # the window ended between the two statements
        return 0
    if count == change:
        # Redis itself makes a missing key again, and forever, should the window end right before it counts.
        cache.touch(key, window_s)
    return count


def _entry(email: str) -> str:
    return email.strip().lower()


def _key(who: str) -> str:
    return "sign-in." + salted_hmac("calls.web.attempts", who, algorithm="sha256").hexdigest()


def _network(request: HttpRequest) -> str:
    """The /24 of an IPv4 address, the /64 of an IPv6 one: what one household or office shares; empty: no address."""
    found = _address(request)
    if found is None:
        return ""
    return str(ip_network(f"{found}/{24 if found.version == 4 else 64}", strict=False))


def _address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Where the request comes from, as far as it can be believed.

    Behind a proxy that is the last entry of X-Forwarded-For, which the proxy wrote; the others, of which Daphne takes
    the first, are whatever the client claims, and would give every guess a network of its own.
    """
    text = str(request.META.get("REMOTE_ADDR") or "")
    if settings.SECURE_PROXY_SSL_HEADER:  # BEHIND_PROXY
        text = str(request.META.get("HTTP_X_FORWARDED_FOR") or text).rpartition(",")[2].strip()
    if text.count(":") == 1:  # some proxies add the port
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    # Otherwise all IPv4 addresses that come over an IPv6 socket would be one network.
    return (found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found
