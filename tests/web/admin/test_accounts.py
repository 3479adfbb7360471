"""Provider accounts: what goes in never comes out, rotation, the test of the key, and the wait for the first event."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from calls import sealing
from calls.exceptions import ProviderRefused, ProviderUnreachable
from calls.models import AuditEntry, ProviderAccount, WebhookEvent
from calls.providers.client import ControlClient
from calls.tenancy import tenant_scope
from calls.web import refusals
from tests import factories

KEY = "sk-live-abcdefgh1234"
SECRET = "whsec_bmV3IHNlY3JldA=="
NEW = {"name": "Main", "base_url": "https://api.openai.com/v1", "api_key": KEY, "webhook_secret": SECRET}


@pytest.fixture
def account(acme):
    return factories.make_account(acme, name="Main")


@pytest.fixture
def url(account):
    return reverse("account", args=["acme", account.code])


def opened(account, field):
    with tenant_scope(account.tenant_id):
        row = ProviderAccount.objects.get(pk=account.pk)
    blob = getattr(row, f"{field}_sealed")
    return blob and sealing.unseal(blob, tenant=row.tenant_id, row=row.code, field=field)


def test_without_accounts_the_page_says_what_to_do(adam):
    page = adam.client.get(reverse("accounts", args=["acme"])).content.decode()
    assert "No calls can come yet." in page
    assert "Add account" in page


def test_a_new_account_waits_for_its_first_event(acme, adam, settings):
    page = adam.client.post(reverse("account_new", args=["acme"]), NEW, follow=True)
    made = page.context["account"]
    words = page.content.decode()
    assert f"{settings.PUBLIC_URL}/webhooks/openai/{made.path_token}/" in words
    assert "Waiting for the first event." in words
    assert KEY not in words and SECRET not in words
    assert "…1234" in words
    assert (opened(made, "api_key"), opened(made, "webhook_secret")) == (KEY, SECRET)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Taken"}, "name"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"api_key": "two words"}, "api_key"),
        ({"webhook_secret": "whsec_???"}, "webhook_secret"),
        ({"api_key": ""}, "api_key"),
    ],
)
def test_what_cannot_be_added_says_why_and_shows_no_secret(acme, adam, changes, field):
    factories.make_account(acme, name="Taken")
    answer = adam.client.post(reverse("account_new", args=["acme"]), {**NEW, **changes})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert KEY not in answer.content.decode()


def test_the_wait_ends_with_the_first_event(acme, adam, account, url):
    poll = reverse("first_event", args=["acme", account.code])
    assert adam.client.get(poll).json() == {"first": None}
    with tenant_scope(acme.id):
        WebhookEvent.objects.create(
            account=account,
            webhook_id="w",
            type="realtime.call.incoming",
            verdict="ringing",
            body={},
            created_at=timezone.now(),
        )
    assert adam.client.get(poll).json()["first"]
    words = adam.client.get(url).content.decode()
    assert "Connected" in words and "call taken" in words and "Waiting for" not in words


def test_an_empty_key_stays_and_a_new_one_is_sealed(acme, adam, account, url):
    data = {"name": "Line 1", "base_url": account.base_url, "api_key": ""}
    seen = adam.client.get(url).context["form"]["seen"].value()
    assert adam.client.post(url, {**data, "seen": seen}).status_code == 302
    assert opened(account, "api_key") == "sk-test-0123456789abcdef"
    seen = adam.client.get(url).context["form"]["seen"].value()
    adam.client.post(url, {**data, "api_key": KEY, "seen": seen})
    assert opened(account, "api_key") == KEY
    with tenant_scope(acme.id):
        assert KEY not in str(list(AuditEntry.objects.values()))
        assert ProviderAccount.objects.get().name == "Line 1"


def test_a_change_over_a_newer_one_asks(acme, adam, olivia, account, url):
    seen = adam.client.get(url).context["form"]["seen"].value()
    data = {"base_url": account.base_url, "api_key": ""}
    olivia.client.post(url, {**data, "name": "Olivia's", "seen": seen})
    answer = adam.client.post(url, {**data, "name": "Adam's", "seen": seen})
    assert answer.status_code == 409
    words = answer.content.decode()
    assert "Olivia&#x27;s" in words and 'value="Adam&#x27;s"' in words
    assert adam.client.post(url, {**data, "name": "Adam's", "seen": answer.context["seen"]}).status_code == 302


def test_a_rotation_keeps_both_until_the_previous_is_ended(adam, account, url):
    rotate = reverse("account_rotate", args=["acme", account.code])
    seen = adam.client.get(url).context["seen"]
    page = adam.client.post(rotate, {"webhook_secret": SECRET, "seen": seen}, follow=True)
    assert "Two secrets are valid" in page.content.decode()
    assert (opened(account, "webhook_secret"), opened(account, "previous_webhook_secret")) == (
        SECRET,
        factories.WEBHOOK_SECRET,
    )
    page = adam.client.post(reverse("account_drop", args=["acme", account.code]), follow=True)
    assert "One secret is valid." in page.content.decode()
    assert opened(account, "previous_webhook_secret") == b""
    assert adam.client.post(rotate, {"webhook_secret": "whsec_b3RoZXI=", "seen": seen}).status_code == 409
    answer = adam.client.post(rotate, {"webhook_secret": "whsec_???", "seen": seen})
    assert answer.status_code == 422
    assert list(answer.context["rotation"].errors) == ["webhook_secret"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "answers, and the key is valid"),
        (ProviderRefused("Incorrect API key provided"), "The test failed: Incorrect API key provided"),
        (ProviderUnreachable("no connection"), "The test failed: no connection"),
    ],
)
def test_the_key_is_tested(acme, adam, account, monkeypatch, error, words):
    async def check_key(self):
        assert self.account.api_key == "sk-test-0123456789abcdef"
        if error:
            raise error

    monkeypatch.setattr(ControlClient, "check_key", check_key)
    page = adam.client.post(reverse("account_test", args=["acme", account.code]), follow=True)
    assert words in page.content.decode()
    with tenant_scope(acme.id):
        assert AuditEntry.objects.get().verb == "account.tested"


def test_a_key_that_cannot_be_opened_is_said_so(acme, adam, account):
    with tenant_scope(acme.id):
        ProviderAccount.objects.update(api_key_sealed=b"broken")
    page = adam.client.post(reverse("account_test", args=["acme", account.code]), follow=True)
    assert "cannot be opened any more" in page.content.decode()


def test_refused_deliveries_are_told(adam, account, url):
    refusals.count(account, "signature")
    refusals.count(account, "signature")
    words = " ".join(adam.client.get(url).content.decode().split())
    assert "2 deliveries refused" in words
    assert "wrong signature" in words
