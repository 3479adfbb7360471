"""The audit log: who did what, filtered, in pages by key, and as a file for spreadsheets. Reads only."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.actions import exports
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput
from calls.selectors import audit as selectors
from calls.selectors.files import csv_lines
from calls.web.access import TenantRequest, tenant_view
from calls.web.admin import audit_words
from calls.web.admin.saving import PlainForm

PAGE = 50


class FilterForm(PlainForm):
    who = forms.CharField(label="Who", required=False, max_length=200)
    verb = forms.CharField(label="Did", required=False, max_length=60)
    object = forms.CharField(label="To what", required=False, max_length=80)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))


@require_safe
@tenant_view(Capability.MANAGE)
def listed(request: TenantRequest) -> HttpResponse:
    form = FilterForm(request.GET)
    filters = _filters(request, form)
    found = selectors.page(filters, before=request.GET.get("before", ""), limit=PAGE)
    query = urlencode({name: value for name in form.fields if (value := request.GET.get(name, ""))})
    context = {
        "member": request.member,
        "section": "admin",
        "tab": "audit",
        "form": form,
        "page": found,
        "rows": [
            {
                "entry": entry,
                "did": audit_words.did(entry),
                "about": audit_words.about(entry),
                "changes": audit_words.changes(entry),
                "facts": audit_words.facts(entry),
            }
            for entry in found.entries
        ],
        "query": query,
        "filtered": bool(query),
        "before": request.GET.get("before", ""),
        "verbs": [(verb, audit_words.VERBS.get(verb, verb)) for verb in selectors.verbs()],
        "kinds": audit_words.KINDS,
    }
    return render(request, "settings/audit.html", context, status=422 if form.errors else 200)


@require_safe
@tenant_view(Capability.MANAGE)
def file(request: TenantRequest) -> HttpResponse:
    """What the filters leave, at most EXPORT_LIMIT entries; that it was taken is an entry too."""
    form = FilterForm(request.GET)
    filters = _filters(request, form)
    if form.errors:
        raise InvalidInput("is no date", next(iter(form.errors)))
    used = [name for name in form.fields if request.GET.get(name)]
    exports.begin_view("audit", filters=used, by=request.member.actor)
    lines = list(csv_lines(selectors.rows(filters), selectors.FIELDS))
    name = f"{request.member.slug}-audit-{timezone.now():%Y-%m-%d}.csv"
    return HttpResponse(
        "".join(lines),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _filters(request: TenantRequest, form: FilterForm) -> selectors.Filters:
    """Days are the tenant's own; what cannot be read filters nothing, and the form says so."""
    form.is_valid()
    data = form.cleaned_data
    zone = ZoneInfo(request.member.timezone)
    until: date | None = data.get("until")
    return selectors.Filters(
        who=(data.get("who") or "").strip(),
        verb=(data.get("verb") or "").strip(),
        object=(data.get("object") or "").strip(),
        since=_midnight(data.get("since"), zone),
        until=_midnight(until + timedelta(days=1) if until and until < date.max else None, zone),
    )


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time(), zone) if day else None
