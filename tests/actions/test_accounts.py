"""Provider accounts: sealed for their place, compared without being shown, rotated with two secrets at a time."""

from __future__ import annotations

import base64

import pytest

from calls import sealing
from calls.actions import accounts, edits
from calls.domain.actors import SYSTEM
from calls.exceptions import ChangedMeanwhile, InvalidInput, NotAllowed
from calls.models import AuditEntry, ProviderAccount
from calls.providers.base import Account
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


def test_rotating_keeps_the_secret_before_until_the_next(adam, account):
    assert accounts.rotate(account, "second", by=adam.actor)
    assert (_opened(account, "webhook_secret"), _opened(account, "previous_webhook_secret")) == ("second", "first")
    assert accounts.rotate(account, "third", by=adam.actor)
    assert (_opened(account, "webhook_secret"), _opened(account, "previous_webhook_secret")) == ("third", "second")
    assert not accounts.rotate(account, "third", by=adam.actor)
    assert accounts.drop_previous_secret(account, by=adam.actor)
    assert not accounts.drop_previous_secret(account, by=adam.actor)
    assert (_opened(account, "webhook_secret"), _opened(account, "previous_webhook_secret")) == ("third", b"")
    assert "second" not in str(list(AuditEntry.objects.values()))


def test_a_secret_that_cannot_be_opened_is_not_kept(adam, account):
    ProviderAccount.objects.update(webhook_secret_sealed=account.webhook_secret_sealed[:-1] + b"x")
    assert accounts.rotate(account, "second", by=adam.actor)
    assert (_opened(account, "webhook_secret"), _opened(account, "previous_webhook_secret")) == ("second", b"")


def test_two_admins_do_not_rotate_over_each_other(adam, olivia, account):
    seen = edits.stamp(account, accounts.SHOWN)
    accounts.rotate(ProviderAccount.objects.get(), "second", by=olivia.actor)
    for act in (
        lambda: accounts.rotate(account, "mine", seen=seen, by=adam.actor),
        lambda: accounts.change(account, name="mine", seen=seen, by=adam.actor),
        lambda: accounts.drop_previous_secret(account, seen=seen, by=adam.actor),
    ):
        with pytest.raises(ChangedMeanwhile):
            act()
    assert _opened(account, "webhook_secret") == "second"


def test_a_name_is_changed_and_taken_once(adam, account):
    accounts.create("other", api_key=KEY, webhook_secrets=["first"], by=adam.actor)
    assert accounts.change(account, name="line 1", by=adam.actor) == ["name"]
    assert AuditEntry.objects.last().detail["values"] == {"name": ["main", "line 1"]}
    with pytest.raises(InvalidInput, match="taken"):
        accounts.change(account, name="other", by=adam.actor)


def test_credentials_are_for_admins_and_a_test_is_on_record(adam, sam, account):
    assert accounts.credentials(account, by=adam.actor) == Account(account.base_url, KEY, "openai")
    assert AuditEntry.objects.last().verb == "account.tested"
    for act in (
        lambda: accounts.credentials(account, by=sam.actor),
        lambda: accounts.rotate(account, "x", by=sam.actor),
        lambda: accounts.drop_previous_secret(account, by=sam.actor),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_the_same_secrets_given_again_move_to_the_new_master_key(adam, account, settings):
    old, new = settings.SEALING_KEY, base64.b64encode(b"n" * 32).decode()
    settings.SEALING_KEY, settings.SEALING_KEYS_PREVIOUS = new, [old]
    assert accounts.change(account, api_key=KEY, by=adam.actor) == ["api_key"]
    assert accounts.rotate(account, "first", by=adam.actor)
    assert accounts.change(account, api_key=KEY, webhook_secrets=["first"], by=adam.actor) == []
    settings.SEALING_KEYS_PREVIOUS = []
    assert (_opened(account, "api_key"), _opened(account, "webhook_secret")) == (KEY, "first")
    assert _opened(account, "previous_webhook_secret") == b""


def test_a_stored_key_goes_to_no_other_address(acme, adam):
    account = factories.make_account(acme, api_key=KEY, base_url="https://api.openai.com/v1")
    for elsewhere in ("https://example.com/v1", "http://api.openai.com/v1", "https://api.openai.com:8443/v1"):
        with pytest.raises(InvalidInput, match="anew") as refused:
            accounts.change(account, base_url=elsewhere, by=adam.actor)
        assert refused.value.field == "api_key"
    assert accounts.change(account, base_url="https://api.openai.com:443/v2", by=adam.actor) == ["base_url"]
    assert "base_url" in accounts.change(account, base_url="https://example.com/v1", api_key=KEY, by=adam.actor)


def test_members_name_no_address_inside_and_the_installation_may(acme, adam, settings):
    given = {"api_key": KEY, "webhook_secrets": ["first"], "base_url": "http://169.254.169.254/v1"}
    with pytest.raises(InvalidInput) as refused:
        accounts.create("Inside", **given, by=adam.actor)
    assert refused.value.field == "base_url"
    account = accounts.create("Inside", **given, by=SYSTEM)
    assert accounts.change(account, name="Still inside", base_url=account.base_url, by=adam.actor) == ["name"]
    with pytest.raises(InvalidInput):
        accounts.change(account, base_url="http://127.0.0.1/v1", api_key=KEY, by=adam.actor)
    settings.CALLS = settings.CALLS | {"private_providers": True}
    assert accounts.change(account, base_url="http://127.0.0.1/v1", api_key=KEY, by=adam.actor) == ["base_url"]
