"""Tenants: opening one with its owner, its name, and how many calls at once it may have."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import display
from django.http import HttpRequest
from django.urls import reverse

from calls.actions import invitations, tenants
from calls.conf import conf
from calls.domain import values
from calls.domain.roles import Role
from calls.models import Call, Membership, ProviderAccount, Tenant
from calls.models.calls import LIVE_STATES
from calls.tenancy import tenant_scope
from calls.web.staff.site import StaffAdmin, acting, checked


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's own takes none at run time
    owner = forms.EmailField(
        required=False, help_text="Who runs it: invited as its owner by a link, which you hand over."
    )

    class Meta:
        model = Tenant
        fields: ClassVar = ["slug", "name", "timezone", "currency", "calls_at_once"]
        help_texts: ClassVar = {
            "slug": "In every address of the tenant; it stays.",
            "timezone": "Such as Europe/London: whose days its reports count.",
            "currency": "Three letters, such as EUR.",
            "calls_at_once": "A call beyond it is refused as busy. Empty: no limit.",
        }

    def clean_slug(self) -> str:
        return checked(values.slug, self.cleaned_data["slug"])

    def clean_name(self) -> str:
        return checked(values.name, self.cleaned_data["name"], most=tenants.NAME_LIMIT)

    def clean_timezone(self) -> str:
        return checked(values.timezone, self.cleaned_data["timezone"])

    def clean_currency(self) -> str:
        return checked(values.currency, self.cleaned_data["currency"])

    def clean_owner(self) -> str:
        given = self.cleaned_data["owner"]
        return checked(values.email, given) if given else ""


class TenantAdmin(StaffAdmin):
    form = TenantForm
    list_display = ("name", "slug", "live", "people", "accounts", "timezone", "currency", "created_at")
    search_fields = ("name", "slug")
    ordering = ("name",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ["slug", "name", "timezone", "currency", "calls_at_once"]
        return fields if obj else [*fields, "owner"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["slug"] if obj else []

    @display(description="Live / at most")
    def live(self, tenant: Tenant) -> str:
        with tenant_scope(tenant.id):
            count = Call.objects.filter(state__in=LIVE_STATES).count()
        return f"{count} / {'no limit' if tenant.calls_at_once is None else tenant.calls_at_once}"

    @display(description="Members")
    def people(self, tenant: Tenant) -> int:
        with tenant_scope(tenant.id):
            return Membership.objects.filter(tenant=tenant).count()

    @display(description="Provider accounts")
    def accounts(self, tenant: Tenant) -> int:
        with tenant_scope(tenant.id):
            return ProviderAccount.objects.count()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by, given = acting(request), form.cleaned_data
        fields = {name: given[name] for name in ("name", "timezone", "currency")}
        if change:
            tenant = Tenant.objects.get(pk=obj.pk)
            tenants.change(tenant, **fields, by=by)
        else:
            tenant = tenants.create(given["slug"], **fields, by=by)
            obj.pk, obj._state.adding = tenant.pk, False
            if given["owner"]:
                self._invite(request, tenant, given["owner"])
        tenants.limit(tenant, given["calls_at_once"], by=by)

    def _invite(self, request: HttpRequest, tenant: Tenant, email: str) -> None:
        """Never attached: an account of this address may be somebody else's, who was invited by it elsewhere."""
        with tenant_scope(tenant.id):
            _, token = invitations.invite(email, Role.OWNER, by=acting(request))
        link = conf().public_url + reverse("invitation", args=[token])
        messages.warning(
            request, f"Hand this link to {email}; it works once, for a week, and is shown only now: {link}"
        )
