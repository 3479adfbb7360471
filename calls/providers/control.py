"""Call control as values: where a sideband is dialled, what a transfer may aim at, what a provider's reply
means.

Pure: opens no connection (calls.providers.client does) and keeps no state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from calls.exceptions import (
    InvalidInput,
    ProviderBusy,
    ProviderError,
    ProviderGone,
    ProviderRefused,
    ProviderUnreachable,
)
from calls.providers.base import Account, Endpoint, key_headers

REASON_LIMIT = 500
"""Characters of the provider's own words that are kept"""

FAILURES: Mapping[int, type[ProviderError]] = {
    404: ProviderGone,
    410: ProviderGone,
    408: ProviderBusy,
    409: ProviderBusy,
    425: ProviderBusy,
    429: ProviderBusy,
}
"""Status of a failed request → what it means; 5xx is ProviderBusy, anything else ProviderRefused."""

_RETRY_AFTER_LIMIT_SECONDS = 3600.0
_WEBSOCKET = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_KEYS = re.compile(r"\b(sk|ek|key)-?[A-Za-z0-9_*.-]{6,}")
"""OpenAI's 401 quotes part of the key: `Incorrect API key provided: sk-proj-****abcd`"""

_TARGET_LIMIT = 255
_SEPARATORS = re.compile(r"[\s().\-/]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TEL = re.compile(r"tel:([^;]*)(;ext=[0-9]{1,10})?", re.IGNORECASE)
_SIP = re.compile(
    r"(?P<scheme>sips?):(?P<user>[A-Za-z0-9\-_.!~*'()&=+$,%]+)"
    r"@(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?"
    r"(?P<parameters>(?:;[A-Za-z0-9\-_.!~*'+%]+(?:=[A-Za-z0-9\-_.!~*'+%\[\]:]+)?)*)",
    re.IGNORECASE,
)
"""No `?headers`: they would put header lines of the operator's choice into the request that follows a
REFER"""


def sideband_endpoint(account: Account, call_id: str) -> Endpoint:
    """Where the sideband of a call is dialled. The key is in the headers only; a query of the base URL stays.

    Raises InvalidInput for an account without a usable base URL and for an empty call id.
    """
    parts = urlsplit(account.base_url)
    if parts.scheme not in _WEBSOCKET or not parts.netloc:
        raise InvalidInput("must be an http or https address", field="base_url")
    if not call_id:
        raise InvalidInput("is empty", field="call_id")
    # The provider's id is opaque: it may hold anything.
    query = "&".join(part for part in (parts.query, f"call_id={quote(call_id, safe='')}") if part)
    path = f"{parts.path.rstrip('/')}/realtime"
    url = urlunsplit((_WEBSOCKET[parts.scheme], parts.netloc, path, query, ""))
    return Endpoint(url, key_headers(account))


def transfer_target(text: str) -> str:
    """Return the target URI of a transfer: `tel:+…` of any number written with its country code, or a sip(s):
    URI.

    Raises InvalidInput, with words for the operator.
    """
    text = text.strip()
    if not text or len(text) > _TARGET_LIMIT:
        raise InvalidInput(f"give a number or a SIP address of at most {_TARGET_LIMIT} characters", field="target")
    if sip := _SIP.fullmatch(text):
        return sip["scheme"].lower() + text[len(sip["scheme"]) :]
    if re.match(r"sips?:", text, re.IGNORECASE):
        raise InvalidInput("this is no SIP address; write sip:name@example.com", field="target")
    tel = _TEL.fullmatch(text)
    dialled = _SEPARATORS.sub("", tel[1] if tel else text)
    if dialled.startswith("00"):
        dialled = "+" + dialled[2:]
    if not _E164.fullmatch(dialled):
        raise InvalidInput("write the number with its country code, such as +14155550123", field="target")
    return f"tel:{dialled}{(tel[2] or '').lower() if tel else ''}"


def failure(status: int, body: object, account: Account, *, retry_after: str | None = None) -> ProviderError:
    """The error that a failed reply means. `body` is the decoded reply, or its `error` object, or its
    text."""
    kind = FAILURES.get(status, ProviderBusy if status >= 500 else ProviderRefused)
    return kind(_reason(body, account) or f"HTTP {status}", status=status, retry_after=_seconds(retry_after))


def unreachable(what: str) -> ProviderUnreachable:
    """No reply: `what` names the fault, never an address or a header."""
    return ProviderUnreachable(what)


def _reason(body: object, account: Account) -> str:
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        body = inner.get("message") if isinstance(inner, Mapping) else inner
    if not isinstance(body, str) or body.lstrip().startswith("<"):  # a proxy's HTML page says nothing
        return ""
    words = body.replace(account.api_key, "[key]") if account.api_key else body
    return " ".join(_KEYS.sub("[key]", words).replace("\0", "").split())[:REASON_LIMIT]


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After` in seconds, capped. Its date form is not read: providers of this API send seconds."""
    try:
        wait = float(retry_after or "")
    except ValueError:
        return None
    return min(wait, _RETRY_AFTER_LIMIT_SECONDS) if wait >= 0 else None
