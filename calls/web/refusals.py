"""Counts deliveries that were not believed, per account, for its page. In Django's cache only: what may be forgotten.

Anybody who knows an address can send to it, so nothing of such a delivery is stored but how many, the first and last
time, and our reason. A count is forgotten a day after its last one. A Redis that did not answer is left alone for
AWAY_S, so that a flood does not wait for it each time.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from calls.models import ProviderAccount

logger = logging.getLogger(__name__)

WINDOW_S = 24 * 3600
AWAY_S = 10.0

_away_until = 0.0
"""By the monotonic clock. Threads may race for it: at worst a few more of them wait once."""


@dataclass(frozen=True, slots=True)
class Refused:
    count: int
    since: datetime
    last: datetime
    reason: str


def count(account: ProviderAccount, reason: str) -> None:
    """One more. While Redis is away it is not counted."""
    global _away_until
    if time.monotonic() < _away_until:
        return
    now = timezone.now()
    try:
        known = cache.get(_key(account)) or {"count": 0, "since": now}
        # Not exact under parallel ones, on purpose: a flood costs two steps each and shows as a flood anyway.
        cache.set(_key(account), known | {"count": known["count"] + 1, "last": now, "reason": reason}, WINDOW_S)
    except RedisError as error:
        _away_until = time.monotonic() + AWAY_S
        logger.warning("refused deliveries are not counted", extra={"error": type(error).__name__})


def of(account: ProviderAccount) -> Refused | None:
    """None where there were none in the last day, or nobody knows."""
    try:
        known = cache.get(_key(account))
    except RedisError:
        return None
    return Refused(**known) if known else None


def _key(account: ProviderAccount) -> str:
    return f"refused.{account.code}"
