"""The address that providers deliver webhooks to: raw body in, 200 / 400 / 404 / 413 / 429 / 503 out. Decides no
rule.

Every rejection has the same body, and no log line holds a header, a number or a key. Order: what costs
nothing (method, size, form of the headers), then the address's allowance, then one query for the account, then
the signature, then the work.

Deliveries come the short way (calls.web.deliveries); TURNS bounds them. A body over the limit is never read into
memory here, but Daphne has spooled it by then: a proxy in front should refuse it first.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.request import HttpHeaders
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from calls import sealing
from calls.actions import webhooks
from calls.exceptions import WebhookRejected
from calls.models import ProviderAccount
from calls.providers import incoming, signatures
from calls.selectors import accounts
from calls.tenancy import tenant_scope
from calls.web import refusals

logger = logging.getLogger(__name__)

BODY_LIMIT = 65_536
"""Bytes; a real event has about two thousand"""
RETRY_AFTER_SECONDS = 5

TURNS = 3
"""Deliveries that a process works on at once: a flood, or a locked table, must not take all connections of
the pool (8) from people's pages"""
TURN_SECONDS = 4.0

RATE, UNKNOWN_RATE = 50.0, 20.0
"""Deliveries a second that a process takes for one known address, and for all others together: what a flood that
nobody signed can cost in turns and queries. Either is a fraction of what the turns can do."""
BURST = 500
"""So many at once beyond the rate: a tenant's busiest moment, also right after a start, when no address is known"""
KNOWN_LIMIT = 1_000
"""Addresses that have an allowance of their own; the one that was quiet for longest makes room"""

_turns = threading.BoundedSemaphore(TURNS)
_TOKEN = re.compile(r"[0-9a-f]{64}")
_TENANT_DIGITS = 32
_DECOY = "signs nothing"


@dataclass(frozen=True, slots=True, repr=False)
class Offered:
    """A delivery in good form from an address that may send, not yet believed."""

    token: str
    headers: HttpHeaders
    body: bytes
    now: float
    attempted_at: int


@csrf_exempt
@login_not_required
@require_POST
def openai(request: HttpRequest, token: str) -> HttpResponse:
    """Take one delivery the long way, through the whole site; calls.web.deliveries has the short one."""
    found = offered(request, token)
    return found if isinstance(found, HttpResponse) else take(found)


def offered(request: HttpRequest, token: str) -> Offered | HttpResponse:
    """What can be told of a delivery without the database: an answer where that is enough. Waits for nothing."""
    now = time.time()
    try:
        body = _body(request)
        if body is None:
            return too_large()
        attempt = signatures.read(request.headers, now)
    except WebhookRejected as rejection:
        return _rejected(rejection)
    if not _TOKEN.fullmatch(token):
        return _unknown()
    if not _gate.admits(token):
        return _too_many()
    return Offered(token, request.headers, body, now, attempt.attempted_at)


def take(delivery: Offered) -> HttpResponse:
    """The rest, in a turn. The token names the tenant, so that its scope is open before anything is looked up."""
    account = None
    try:
        with _turn(), tenant_scope(UUID(delivery.token[:_TENANT_DIGITS])):
            account = accounts.at_address(delivery.token)
            _gate.learn(delivery.token, known=account is not None)
            if account is None:
                # The same work for nothing: the time does not tell which tokens exist.
                with suppress(WebhookRejected):
                    signatures.verify(delivery.body, delivery.headers, [_DECOY], delivery.now)
                return _unknown()
            webhook_id = signatures.verify(delivery.body, delivery.headers, _secrets(account), delivery.now)
            event = incoming.parse(delivery.body, delivery.attempted_at)
            verdict = webhooks.receive(account, event, webhook_id=webhook_id)
    except WebhookRejected as rejection:
        if account is not None:  # here, where neither the turn nor the transaction waits for Redis
            refusals.count(account, rejection.reason)
        return _rejected(rejection)
    except (OperationalError, InterfaceError, _Busy) as error:
        logger.warning("a webhook could not be stored", extra={"error": type(error).__name__})
        return later()
    except sealing.SealBroken:
        return later()
    logger.debug("a webhook was taken", extra={"verdict": verdict})
    return HttpResponse("ok\n", content_type="text/plain")


@dataclass(slots=True)
class _Allowance:
    """A token bucket."""

    rate: float
    left: float
    at: float

    def take(self, now: float) -> bool:
        self.left = min(BURST, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class _Gate:
    """Allowances by path token, of this process. At most KNOWN_LIMIT: only a token that the database knows gets its
    own, so that inventing tokens neither fills the memory nor pushes a real one out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Allowance] = OrderedDict()
        self._unknown = _Allowance(UNKNOWN_RATE, BURST, clock())

    def admits(self, token: str) -> bool:
        """Take one delivery off the token's allowance; False when there is none left."""
        with self._lock:
            if token in self._known:
                self._known.move_to_end(token)
            return self._known.get(token, self._unknown).take(self._clock())

    def learn(self, token: str, *, known: bool) -> None:
        """What the database said about the token."""
        with self._lock:
            if not known:
                self._known.pop(token, None)
            elif token not in self._known:
                self._known[token] = _Allowance(RATE, BURST, self._clock())
                if len(self._known) > KNOWN_LIMIT:
                    self._known.popitem(last=False)


_gate = _Gate()


class _Busy(Exception):
    """Too many deliveries are under way in this process."""


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=TURN_SECONDS):
        raise _Busy
    try:
        yield
    finally:
        _turns.release()


def _body(request: HttpRequest) -> bytes | None:
    """The raw body; None when it is over the limit, which is told from the declared length where there is
    one."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdecimal() and int(declared[:12]) > BODY_LIMIT:
        return None
    try:
        body = request.read(BODY_LIMIT + 1)
    except UnreadablePostError:
        raise WebhookRejected("the sender went away") from None
    return body if len(body) <= BODY_LIMIT else None


@sensitive_variables()
def _secrets(account: ProviderAccount) -> list[str]:
    """The current and the previous webhook secret. Raises SealBroken when none of those that exist can be
    opened."""
    opened: list[str] = []
    broken: sealing.SealBroken | None = None
    for field in ("webhook_secret", "previous_webhook_secret"):
        sealed = getattr(account, f"{field}_sealed")
        if not sealed:
            continue
        try:
            opened.append(sealing.unseal(sealed, tenant=account.tenant_id, row=account.code, field=field))
        except sealing.SealBroken as error:
            broken = error
            logger.error("a webhook secret cannot be opened", extra={"account": account.pk, "reason": error.reason})
    if broken is not None and not opened:
        raise broken
    return opened


def _rejected(rejection: WebhookRejected) -> HttpResponse:
    logger.info("a webhook was rejected", extra={"reason": rejection.reason})
    return HttpResponse("rejected\n", status=400, content_type="text/plain")


def too_large() -> HttpResponse:
    return HttpResponse("too large\n", status=413, content_type="text/plain")


def _unknown() -> HttpResponse:
    return HttpResponse("not found\n", status=404, content_type="text/plain")


def later(status: int = 503) -> HttpResponse:
    """The sender tries again for three days."""
    answer = HttpResponse("try again\n", status=status, content_type="text/plain")
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def _too_many() -> HttpResponse:
    # No warning: a flood must not become one of log lines too.
    logger.debug("a webhook is over the allowance of its address")
    return later(429)
