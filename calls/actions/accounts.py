"""Provider accounts of the tenant in scope: keys go in sealed and come out only to be compared."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

from calls import sealing
from calls.actions import audit, edits
from calls.conf import conf
from calls.domain import values
from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput
from calls.models import ProviderAccount
from calls.providers.base import Account, Kind

DEFAULT_URL = "https://api.openai.com/v1"
SHOWN = (
    "name",
    "base_url",
    "api_key_hint",
    "api_key_sealed",
    "webhook_secret_sealed",
    "previous_webhook_secret_sealed",
)
"""What the stamp of an account's form stands for"""
_SECRETS = ("webhook_secret", "previous_webhook_secret")
_TOLD = ("name", "kind", "base_url", "api_key_hint")
_HINT_FROM = 12
"""Of a shorter key, four characters would tell too much."""


def create(
    name: str,
    *,
    api_key: str,
    webhook_secrets: Sequence[str],
    kind: str = "openai",
    base_url: str = DEFAULT_URL,
    by: Actor,
) -> ProviderAccount:
    """An account with a webhook address of its own. Of two webhook secrets the first is the current one."""
    by.require(Capability.MANAGE)
    _check(kind, base_url, api_key, webhook_secrets)
    _outside(base_url, by)
    _free(name)

    tenant = edits.tenant_in_scope()
    account = ProviderAccount(tenant_id=tenant, name=name, kind=kind, base_url=base_url)
    account.path_token = tenant.hex + secrets.token_hex(16)
    _put_key(account, api_key)
    _put_secrets(account, webhook_secrets)
    with edits.once("name"):
        account.save()

    audit.record("account.created", by=by, kind="account", code=account.code, name=name)
    return account


def change(
    account: ProviderAccount,
    *,
    by: Actor,
    name: str | None = None,
    kind: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    webhook_secrets: Sequence[str] | None = None,
    seen: str | None = None,
) -> list[str]:
    """Change what is given and differs; returns the names of what changed. Secrets are given all at once."""
    by.require(Capability.MANAGE)
    _check(kind, base_url, api_key, webhook_secrets)
    edits.hold(account, SHOWN, seen)
    if name is not None and name != account.name:
        _free(name)
    if base_url is not None and base_url != account.base_url:
        _outside(base_url, by)
    if base_url is not None and api_key is None and _origin(base_url) != _origin(account.base_url):
        # Whoever may not read the key must not have it sent to a server of theirs either.
        raise InvalidInput("give the key anew for another address", "api_key")

    before = edits.values_of(account, _TOLD)
    with edits.once("name"):
        changed = edits.apply(account, name=name, kind=kind, base_url=base_url)
    if api_key is not None and (_opened(account, "api_key") != api_key or _outdated(account, "api_key")):
        _put_key(account, api_key)
        account.save(update_fields=["api_key_sealed", "api_key_hint"])
        changed.append("api_key")
    if webhook_secrets is not None and (
        _opened_secrets(account) != list(webhook_secrets) or any(_outdated(account, field) for field in _SECRETS)
    ):
        _put_secrets(account, webhook_secrets)
        account.save(update_fields=[f"{field}_sealed" for field in _SECRETS])
        changed.append("webhook_secrets")

    if changed:
        told = edits.differences(before, edits.values_of(account, _TOLD))
        audit.record(
            "account.changed", by=by, kind="account", code=account.code, name=account.name, fields=changed, values=told
        )
    return changed


def rotate(account: ProviderAccount, webhook_secret: str, *, by: Actor, seen: str | None = None) -> bool:
    """Take a new webhook secret; the one before stays valid until the next rotation. False where it is the same."""
    by.require(Capability.MANAGE)
    edits.checked("webhook_secret", values.webhook_secret, webhook_secret)
    edits.hold(account, SHOWN, seen)
    current = _opened(account, _SECRETS[0])
    if current == webhook_secret:
        return _sealed_anew(account, webhook_secret, by)

    # One that cannot be opened is of no use to anybody: it is not kept.
    _put_secrets(account, [webhook_secret, current] if current else [webhook_secret])
    account.save(update_fields=[f"{field}_sealed" for field in _SECRETS])

    audit.record("account.secret_rotated", by=by, kind="account", code=account.code, name=account.name)
    return True


def drop_previous_secret(account: ProviderAccount, *, by: Actor, seen: str | None = None) -> bool:
    """Deliveries that are signed with the secret before the last rotation are refused from now on."""
    by.require(Capability.MANAGE)
    edits.hold(account, SHOWN, seen)
    if not account.previous_webhook_secret_sealed:
        return False

    account.previous_webhook_secret_sealed = b""
    account.save(update_fields=["previous_webhook_secret_sealed"])

    audit.record("account.previous_secret_dropped", by=by, kind="account", code=account.code, name=account.name)
    return True


def credentials(account: ProviderAccount, *, by: Actor) -> Account:
    """What the provider is asked with, for a test of the key. Raises SealBroken where the key cannot be opened."""
    by.require(Capability.MANAGE)
    key = sealing.unseal(account.api_key_sealed, tenant=account.tenant_id, row=account.code, field="api_key")

    audit.record("account.tested", by=by, kind="account", code=account.code, name=account.name)
    return Account(account.base_url, key, cast(Kind, account.kind))


def hint(secret: str) -> str:
    """The last four characters, for people to recognise a secret by."""
    return secret[-4:] if len(secret) >= _HINT_FROM else ""


def _free(name: str) -> None:
    edits.checked("name", values.name, name)
    if ProviderAccount.objects.filter(name=name).exists():
        raise InvalidInput("is taken", "name")


def _check(kind: str | None, base_url: str | None, api_key: str | None, webhook_secrets: Sequence[str] | None) -> None:
    if kind is not None:
        edits.checked("kind", values.account_kind, kind)
    if base_url is not None:
        edits.checked("base_url", values.base_url, base_url)
    if api_key is not None:
        edits.checked("api_key", values.api_key, api_key)
    if webhook_secrets is not None:
        if not 0 < len(webhook_secrets) <= len(_SECRETS):
            raise InvalidInput("one or two are needed", "webhook_secrets")
        for secret in webhook_secrets:
            edits.checked("webhook_secret", values.webhook_secret, secret)


def _outside(base_url: str, by: Actor) -> None:
    """Members do not have this installation ask its own network; whoever has its shell may."""
    if by.user_id is not None and not conf().private_providers:
        edits.checked("base_url", values.public_address, base_url)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _put_key(account: ProviderAccount, key: str) -> None:
    account.api_key_sealed = _sealed(account, "api_key", key)
    account.api_key_hint = hint(key)


def _put_secrets(account: ProviderAccount, found: Sequence[str]) -> None:
    for field, secret in zip(_SECRETS, (*found, ""), strict=False):
        setattr(account, f"{field}_sealed", _sealed(account, field, secret))


def _sealed(account: ProviderAccount, field: str, secret: str) -> bytes:
    if not secret:
        return b""
    return sealing.seal(secret, tenant=account.tenant_id, row=account.code, field=field)


def _outdated(account: ProviderAccount, field: str) -> bool:
    """Sealed under a master key that was replaced: the same secret, given again, is then sealed anew."""
    blob = getattr(account, f"{field}_sealed")
    return bool(blob) and not sealing.is_current(blob)


def _sealed_anew(account: ProviderAccount, webhook_secret: str, by: Actor) -> bool:
    """The present secret was given again: under the present master key it moves, the previous one stays."""
    if not _outdated(account, _SECRETS[0]):
        return False
    account.webhook_secret_sealed = _sealed(account, _SECRETS[0], webhook_secret)
    account.save(update_fields=["webhook_secret_sealed"])
    audit.record(
        "account.changed", by=by, kind="account", code=account.code, name=account.name, fields=["webhook_secrets"]
    )
    return True


def _opened(account: ProviderAccount, field: str) -> str | None:
    """None where it cannot be opened: whatever is given instead is then another one, and mends it."""
    blob = getattr(account, f"{field}_sealed")
    if not blob:
        return ""
    try:
        return sealing.unseal(blob, tenant=account.tenant_id, row=account.code, field=field)
    except sealing.SealBroken:
        return None


def _opened_secrets(account: ProviderAccount) -> list[str | None]:
    opened = [_opened(account, field) for field in _SECRETS]
    return [secret for secret in opened if secret != ""]
