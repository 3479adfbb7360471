"""Provider accounts: add, rename, change the key, rotate the webhook secret, test, and what was delivered.

Keys and secrets go in and never come out: a form shows the last four characters of a key and empty fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from calls.actions import accounts as actions
from calls.actions import edits
from calls.conf import conf
from calls.domain.roles import Capability
from calls.domain.values import NAME_LIMIT, SECRET_LIMIT
from calls.exceptions import ChangedMeanwhile, ProviderError
from calls.models import ProviderAccount
from calls.providers.base import Account
from calls.providers.client import ControlClient
from calls.sealing import SealBroken
from calls.selectors import accounts as selectors
from calls.selectors import deliveries as delivered
from calls.tenancy import tenant_scope
from calls.web import refusals
from calls.web.access import TenantRequest, member_of, tenant_view
from calls.web.admin.saving import PlainForm, attempt, trace

OLD_S = 24 * 3600
"""A latest delivery that is older than this is worth a word"""


def _secret(label: str, hint: str, *, required: bool) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, help_text=hint, required=required, max_length=SECRET_LIMIT, widget=widget)


class AccountForm(PlainForm):
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label="Name", max_length=NAME_LIMIT, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    base_url = forms.CharField(
        label="Base URL",
        max_length=300,
        help_text="OpenAI, or a gateway that speaks its protocol.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    api_key = _secret("New API key", "Empty: the key stays as it is. Another address needs it anew.", required=False)


class NewAccountForm(AccountForm):
    api_key = _secret("API key", "Stored sealed; only its last four characters are shown again.", required=True)
    webhook_secret = _secret("Webhook secret", "As the provider shows it: whsec_…", required=True)


class RotateForm(PlainForm):
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    webhook_secret = _secret(
        "New webhook secret", "The present one stays valid until the next rotation.", required=True
    )


@require_safe
@tenant_view(Capability.MANAGE)
def listed(request: TenantRequest) -> HttpResponse:
    """The first account, or the way to add one."""
    found = selectors.listed()
    if found:
        return redirect("account", request.member.slug, found[0].code)
    return render(
        request,
        "settings/account_new.html",
        _frame(request, form=NewAccountForm(initial={"base_url": actions.DEFAULT_URL})),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.MANAGE)
@sensitive_post_parameters("api_key", "webhook_secret")
def new(request: TenantRequest) -> HttpResponse:
    form = NewAccountForm(request.POST or None, initial={"base_url": actions.DEFAULT_URL})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = attempt(
            request,
            form,
            lambda: actions.create(
                data["name"],
                api_key=data["api_key"],
                webhook_secrets=[data["webhook_secret"]],
                base_url=data["base_url"],
                by=request.member.actor,
            ),
        )
        if made is not None:
            messages.success(request, f"{made.name} is there. Give its webhook address to the provider.")
            return redirect("account", request.member.slug, made.code)
    return render(request, "settings/account_new.html", _frame(request, form=form), status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.MANAGE)
@sensitive_post_parameters("api_key")
def account(request: TenantRequest, code: UUID) -> HttpResponse:
    found = selectors.account_of(code)
    form = AccountForm(request.POST or None, initial=_initial(found))

    def save() -> list[str]:
        data = form.cleaned_data
        return actions.change(
            found,
            name=data["name"],
            base_url=data["base_url"],
            api_key=data["api_key"] or None,
            seen=data["seen"],
            by=request.member.actor,
        )

    return _edited(request, found, form, save, "Saved.") or _page(request, found, form=form)


@require_POST
@tenant_view(Capability.MANAGE)
@sensitive_post_parameters("webhook_secret")
def rotate(request: TenantRequest, code: UUID) -> HttpResponse:
    found = selectors.account_of(code)
    form = RotateForm(request.POST)

    def save() -> bool:
        data = form.cleaned_data
        return actions.rotate(found, data["webhook_secret"], seen=data["seen"], by=request.member.actor)

    said = "The new secret is valid, and the one before it until the next rotation."
    return _edited(request, found, form, save, said) or _page(request, found, rotation=form)


@require_POST
@tenant_view(Capability.MANAGE)
def drop_previous(request: TenantRequest, code: UUID) -> HttpResponse:
    found = selectors.account_of(code)
    dropped = actions.drop_previous_secret(found, by=request.member.actor)
    messages.success(
        request, "Deliveries signed with the previous secret are refused now." if dropped else "There was none."
    )
    return redirect("account", request.member.slug, code)


@require_POST
@sensitive_variables("credentials")
def test(request: HttpRequest, slug: str, code: UUID) -> HttpResponse:
    """Ask the provider for its models with the account's key. No transaction is open while it takes its time."""
    member = member_of(request, slug, Capability.MANAGE)
    with tenant_scope(member.tenant_id):
        found = selectors.account_of(code)
        try:
            credentials = actions.credentials(found, by=member.actor)
        except SealBroken:
            credentials = None
    if credentials is None:
        messages.error(
            request, "The key cannot be opened any more: it was sealed with another master key. Give it anew."
        )
    else:
        try:
            asyncio.run(_ask(credentials))
        except ProviderError as error:
            messages.error(request, f"The test failed: {error.reason}")
        else:
            messages.success(request, f"{found.name} answers, and the key is valid.")
    return redirect("account", slug, code)


async def _ask(credentials: Account) -> None:
    client = ControlClient(credentials)
    try:
        await client.check_key()
    finally:
        await client.aclose()


def _edited(
    request: TenantRequest, found: ProviderAccount, form: forms.Form, save: Callable[[], Any], said: str
) -> HttpResponse | None:
    """Where a posted form was saved, the way on; the page of a conflict where somebody was faster; else None."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        changed = attempt(request, form, save)
    except ChangedMeanwhile:
        found.refresh_from_db()
        own = "form" if isinstance(form, AccountForm) else "rotation"
        return _page(request, found, overtaken=True, status=409, **{own: form})
    if changed is None:
        return None
    messages.success(request, said if changed else "Nothing was changed.")
    return redirect("account", request.member.slug, found.code)


def _initial(found: ProviderAccount) -> dict[str, Any]:
    return {"name": found.name, "base_url": found.base_url, "seen": edits.stamp(found, actions.SHOWN)}


def _page(
    request: TenantRequest,
    found: ProviderAccount,
    *,
    form: forms.Form | None = None,
    rotation: forms.Form | None = None,
    overtaken: bool = False,
    status: int = 200,
) -> HttpResponse:
    form = form or AccountForm(initial=_initial(found))
    rotation = rotation or RotateForm(initial={"seen": edits.stamp(found, actions.SHOWN)})
    if form.errors or rotation.errors:
        status = 422
    latest = delivered.latest(found)
    now = timezone.now()
    context = _frame(
        request,
        account=found,
        form=form,
        rotation=rotation,
        overtaken=overtaken,
        seen=edits.stamp(found, actions.SHOWN) if overtaken else form["seen"].value() or rotation["seen"].value(),
        webhook_url=f"{conf().public_url}/webhooks/openai/{found.path_token}/",
        first=delivered.first_event(found),
        deliveries=latest,
        old=bool(latest) and (now - latest[0].received_at).total_seconds() > OLD_S,
        refused=refusals.of(found),
        now=now,
        trace=trace("account", found.code),
    )
    return render(request, "settings/account.html", context, status=status)


def _frame(request: TenantRequest, **more: Any) -> dict[str, Any]:
    return {"member": request.member, "section": "admin", "tab": "accounts", "accounts": selectors.listed(), **more}
