"""Counts deliveries that were not believed, per account, for its page. In Django's cache only: what may be forgotten.

Anybody who knows an address can send to it, so nothing of such a delivery is stored but how many, the first and last
time, and our reason. A count is forgotten a day after its last one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from calls.models import ProviderAccount

logger = logging.getLogger(__name__)

WINDOW_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Refused:
    count: int
    since: datetime
    last: datetime
    reason: str


def count(account: ProviderAccount, reason: str) -> None:
    """One more. While Redis is away it is not counted."""
    now = timezone.now()
    try:
        known = cache.get(_key(account)) or {"count": 0, "since": now}
        # Not exact under parallel ones, on purpose: a flood costs two steps each and shows as a flood anyway.
        cache.set(_key(account), known | {"count": known["count"] + 1, "last": now, "reason": reason}, WINDOW_S)
    except RedisError as error:
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
