"""The tenant's own settings: name, time zone, currency. Limits are the platform's."""

from __future__ import annotations

import zoneinfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from calls.actions import edits, tenants
from calls.domain.roles import Capability
from calls.exceptions import ChangedMeanwhile
from calls.models import Tenant
from calls.web.access import TenantRequest, tenant_view
from calls.web.admin.saving import PlainForm, attempt, trace

CURRENCIES = ("AUD", "BRL", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "INR", "JPY", "MXN", "NOK", "PLN", "SEK", "USD")
"""Suggestions only"""


class TenantForm(PlainForm):
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label="Name", max_length=tenants.NAME_LIMIT)
    timezone = forms.CharField(
        label="Time zone",
        max_length=64,
        help_text="Days of reports begin at midnight there. Such as Europe/Berlin.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    currency = forms.CharField(
        label="Currency",
        max_length=3,
        help_text="Three letters, such as EUR: for your records. Costs are shown in US dollars.",
        widget=forms.TextInput(attrs={"list": "currencies", "autocomplete": "off"}),
    )

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.MANAGE)
def settings(request: TenantRequest) -> HttpResponse:
    tenant = Tenant.objects.get(pk=request.member.tenant_id)
    now = {name: getattr(tenant, name) for name in tenants.SHOWN}
    form = TenantForm(request.POST or None, initial={**now, "seen": edits.stamp(tenant, tenants.SHOWN)})
    differing: list[tuple[str, str, str]] = []
    if request.method == "POST" and form.is_valid():
        try:
            changed = attempt(
                request, form, lambda: tenants.change(tenant, **form.cleaned_data, by=request.member.actor)
            )
        except ChangedMeanwhile:
            tenant.refresh_from_db()
            stored = {name: getattr(tenant, name) for name in tenants.SHOWN}
            differing = [
                (str(form[name].label), now, typed)
                for name, now in stored.items()
                if now != (typed := form.cleaned_data[name])
            ]
        else:
            if changed is not None:
                messages.success(request, "Saved." if changed else "Nothing was changed.")
                return redirect("tenant_settings", request.member.slug)
    context = {
        "member": request.member,
        "section": "admin",
        "tab": "settings",
        "form": form,
        "seen": edits.stamp(tenant, tenants.SHOWN) if differing else form["seen"].value(),
        "differing": differing,
        "zones": sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/")),
        "currencies": CURRENCIES,
        "trace": trace("tenant", tenant.slug),
    }
    return render(request, "settings/tenant.html", context, status=409 if differing else 422 if form.errors else 200)
