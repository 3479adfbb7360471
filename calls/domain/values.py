"""What single values must look like, for forms, programs and the command line. Never quotes a value."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import zoneinfo
from urllib.parse import urlsplit

from calls.domain.roles import Role
from calls.exceptions import InvalidInput

ACCOUNT_KINDS = ("openai",)
"""What this version can talk to; gateways that speak the same protocol are `openai` with another base_url"""
NAME_LIMIT = 80
TEXT_LIMIT = 100_000
"""Characters of instructions; the provider's own limit is in tokens and lower"""
SECRET_LIMIT = 1_000

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"\*|\+?[0-9]{1,15}\*|\+[1-9][0-9]{1,14}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
_SURROGATE = re.compile("[\ud800-\udfff]")


def text(value: str, *, most: int = TEXT_LIMIT, blank: bool = False) -> str:
    """Text that the database can hold."""
    if not blank and not value.strip():
        raise InvalidInput("must not be empty")
    if len(value) > most:
        raise InvalidInput(f"must not be longer than {most} characters")
    if "\0" in value or _SURROGATE.search(value):
        raise InvalidInput("contains characters that cannot be stored (NUL, or half of a surrogate pair)")
    return value


def name(value: str, *, most: int = NAME_LIMIT) -> str:
    """One line without space around it: names are compared."""
    text(value, most=most)
    if value != value.strip() or not value.isprintable():
        raise InvalidInput("must be one line, without space around it")
    return value


def slug(value: str) -> str:
    if len(value) > 50 or not _SLUG.fullmatch(value):
        raise InvalidInput("must be at most 50 of a-z, 0-9, with single - or _ between them")
    return value


def timezone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise InvalidInput("is no known time zone; an example is Europe/Berlin") from None
    return value


def currency(value: str) -> str:
    if not _CURRENCY.fullmatch(value):
        raise InvalidInput("must be three capital letters (ISO 4217), such as EUR")
    return value


def email(value: str) -> str:
    """In lower case: two spellings are one person."""
    if len(value) > 254 or not _EMAIL.fullmatch(value):
        raise InvalidInput("is no e-mail address")
    return value.lower()


def role(value: str) -> str:
    return _one_of(value, tuple(Role))


def account_kind(value: str) -> str:
    return _one_of(value, ACCOUNT_KINDS)


def base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(value) > 300 or not value.isprintable() or " " in value:
        raise InvalidInput("must be an https:// or http:// address of at most 300 characters")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InvalidInput("must hold no user, password, query or fragment")
    return value


def public_address(value: str) -> str:
    """A base URL whose host is not written as one of this machine or its network, such as a cloud's metadata.

    Names are not resolved: one that somebody has lead to a private address passes.
    """
    host = (urlsplit(value).hostname or "").rstrip(".").lower()
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        # Resolvers also read 127.1, 2130706433 and 0x7f000001 as addresses.
        last = host.rpartition(".")[2]
        inside = last in {"localhost", "internal", "local"} or last.isdigit() or last.startswith("0x")
    else:
        found = getattr(found, "ipv4_mapped", None) or found
        inside = not found.is_global or found.is_multicast
    if inside:
        raise InvalidInput("must not be an address of this machine or its network")
    return value


def api_key(value: str) -> str:
    return _secret(value)


def webhook_secret(value: str) -> str:
    """As the provider shows it. One that cannot be decoded would refuse every delivery."""
    _secret(value)
    if value.startswith("whsec_"):
        try:
            decoded = base64.b64decode(value.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            decoded = b""
        if not decoded:
            raise InvalidInput("what follows whsec_ must be base64; was it copied in full?")
    return value


def number_pattern(value: str) -> str:
    if not _NUMBER.fullmatch(value):
        raise InvalidInput("must be a number (+4930123456), a prefix (+4930*), or * for any number")
    return value


def _secret(value: str) -> str:
    if not 0 < len(value) <= SECRET_LIMIT or not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidInput(f"must be 1 to {SECRET_LIMIT} visible ASCII characters, without spaces")
    return value


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InvalidInput(f"must be one of {', '.join(allowed)}")
    return str(value)
