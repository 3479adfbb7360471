"""Provider accounts: sealed for their place, compared without being shown, rotated with two secrets at a time."""

from __future__ import annotations

import pytest

from calls import sealing
from calls.actions import accounts
from calls.exceptions import InvalidInput, NotAllowed
from calls.models import AuditEntry, ProviderAccount
from calls.tenancy import tenant_scope
from tests import factories

KEY = "sk-live-abcdefgh1234"


@pytest.fixture(autouse=True)
def scope(acme):
    with tenant_scope(acme.id):
        yield


@pytest.fixture
def account(adam):
    return accounts.create("main", api_key=KEY, webhook_secrets=["first"], by=adam.actor)


def _opened(account, field: str) -> str:
    blob = getattr(ProviderAccount.objects.get(pk=account.pk), f"{field}_sealed")
    return blob and sealing.unseal(blob, tenant=account.tenant_id, row=account.code, field=field)


def test_an_account_has_an_address_of_its_own(acme, adam, account):
    other = accounts.create("other", api_key=KEY, webhook_secrets=["first"], by=adam.actor)
    assert len(account.path_token) == 64
    assert account.path_token.startswith(acme.id.hex)
    assert account.path_token != other.path_token


def test_nothing_that_is_stored_or_audited_shows_a_secret(account):
    row = ProviderAccount.objects.values().get()
    assert KEY.encode() not in bytes(row["api_key_sealed"])
    assert b"first" not in bytes(row["webhook_secret_sealed"])
    assert row["api_key_hint"] == "1234"
    assert KEY not in str(list(AuditEntry.objects.values()))


def test_of_a_short_secret_there_is_no_hint():
    assert accounts.hint("short") == ""


def test_what_is_the_same_is_left_alone(adam, account):
    assert (
        accounts.change(account, api_key=KEY, webhook_secrets=["first"], base_url=account.base_url, by=adam.actor) == []
    )
    assert AuditEntry.objects.count() == 1


def test_a_rotation_keeps_the_secret_before(adam, account):
    assert accounts.change(account, webhook_secrets=["second", "first"], by=adam.actor) == ["webhook_secrets"]
    assert (_opened(account, "webhook_secret"), _opened(account, "previous_webhook_secret")) == (
        "second",
        "first",
    )
    assert accounts.change(account, webhook_secrets=["second"], by=adam.actor) == ["webhook_secrets"]
    assert _opened(account, "previous_webhook_secret") == b""


def test_a_key_that_cannot_be_opened_any_more_is_mended(adam, account):
    ProviderAccount.objects.update(api_key_sealed=b"rubbish")
    account.refresh_from_db()
    assert accounts.change(account, api_key=KEY, by=adam.actor) == ["api_key"]
    assert _opened(account, "api_key") == KEY


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": "with space"},
        {"api_key": ""},
        {"webhook_secrets": []},
        {"webhook_secrets": ["a", "b", "c"]},
        {"webhook_secrets": ["whsec_not base64"]},
        {"kind": "azure"},
        {"base_url": "https://user:pass@example.com"},
    ],
)
def test_what_cannot_be_used_is_refused(adam, account, fields):
    with pytest.raises(InvalidInput):
        accounts.change(account, **fields, by=adam.actor)


def test_a_name_is_taken_once_in_a_tenant(adam, account, globex):
    with pytest.raises(InvalidInput, match="taken"):
        accounts.create("main", api_key=KEY, webhook_secrets=["x"], by=adam.actor)
    factories.make_account(globex, name="main")


def test_supervisors_see_to_no_accounts(sam, account):
    with pytest.raises(NotAllowed):
        accounts.change(account, api_key="another-key", by=sam.actor)
