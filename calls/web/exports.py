"""Exports: ask for one, watch it, fetch its file. The files are private: each is read and sent by this view alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from calls.actions import export_jobs
from calls.domain import exports as domain
from calls.domain import ranges
from calls.domain.exports import OPEN, ExportState
from calls.domain.periods import Period
from calls.domain.roles import Capability
from calls.exceptions import CommandRejected, FileGone, InvalidInput
from calls.models import Export
from calls.selectors import export_list
from calls.web import problems
from calls.web.access import TenantRequest, tenant_view

KINDS: Mapping[str, str] = {
    "charges": "Charges: bills and amounts",
    "usage": "Usage: tokens of every bill",
    "calls": "Calls: who, when, how it ended",
    "transcripts": "Transcripts: every turn",
}
FORMATS: Mapping[str, str] = {"csv": "CSV", "xlsx": "Excel (XLSX)", "parquet": "Parquet"}
BLOCK = 256 * 1024


class ExportForm(forms.Form):
    """What, of which days, as what."""

    kind = forms.ChoiceField(label="What", choices=[*KINDS.items()], initial="charges")
    since = forms.CharField(label="From", widget=forms.DateInput({"type": "date"}))
    until = forms.CharField(label="To", widget=forms.DateInput({"type": "date"}))
    file_format = forms.ChoiceField(label="Format", choices=[*FORMATS.items()], initial="csv")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", "use_required_attribute": True, **kwargs})


class Download(FileResponse):
    """A file that is sent in blocks also by an asynchronous server, which would read a plain FileResponse whole."""

    def __init__(self, path: Path, **kwargs: Any) -> None:
        self._file = path.open("rb")
        super().__init__(self._file, **kwargs)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = sync_to_async(self._file.read, thread_sensitive=False)
        while block := await read(BLOCK):
            yield block


@require_safe
@tenant_view(Capability.BILL)
def exports(request: TenantRequest) -> HttpResponse:
    return _page(request, ExportForm(initial=_initial(request)))


@require_POST
@tenant_view(Capability.BILL)
def ask(request: TenantRequest) -> HttpResponse:
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    given = form.cleaned_data
    zone = request.member.timezone
    try:
        chosen = ranges.picked(given["since"], given["until"], _today(zone), zone)
        period = Period(chosen.since, chosen.until)
        export_jobs.ask(given["kind"], file_format=given["file_format"], period=period, by=request.member.actor)
    except InvalidInput as error:
        form.add_error(
            {"from": "since", "to": "until"}.get(error.field, error.field), problems.sentence(request, error)
        )
        return _page(request, form, 422)
    except CommandRejected as error:
        form.add_error(None, problems.sentence(request, error))
        return _page(request, form, error.http_status)
    return redirect(reverse("exports", args=[request.member.slug]))


@require_POST
@tenant_view(Capability.BILL)
def cancel(request: TenantRequest, code: UUID) -> HttpResponse:
    try:
        export_jobs.cancel(code, by=request.member.actor)
    except CommandRejected as error:
        messages.error(request, problems.sentence(request, error))
    return redirect("exports", request.member.slug)


@require_POST
@tenant_view(Capability.BILL)
def again(request: TenantRequest, code: UUID) -> HttpResponse:
    try:
        export_jobs.again(code, by=request.member.actor)
    except CommandRejected as error:
        messages.error(request, problems.sentence(request, error))
    return redirect("exports", request.member.slug)


@require_safe
@tenant_view(Capability.BILL)
def download(request: TenantRequest, code: UUID) -> HttpResponse:
    export, path = export_jobs.fetch(code, by=request.member.actor, looks=request.method == "HEAD")
    zone = request.member.timezone
    first, last = export.since.astimezone(ZoneInfo(zone)).date(), ranges.last_day(export.until, zone)
    name = f"{request.member.slug}-{export.kind}-{first}-{last}.{export.file_format}"
    content_type = domain.FILE_FORMATS[export.file_format]
    try:
        made = Download(path, as_attachment=True, filename=name, content_type=content_type)
    except FileNotFoundError:  # removed at this moment; nothing is on record then
        raise FileGone("this file is gone: run the export again") from None
    return cast(HttpResponse, made)  # a response all the same, of the kind that streams


@require_safe
@tenant_view(Capability.BILL)
def status(request: TenantRequest) -> HttpResponse:
    """How the listed exports are: what js/exports.js asks for while one is open."""
    now = timezone.now()
    return JsonResponse({"exports": [_status(export, now) for export in export_list.latest()]})


def _page(request: TenantRequest, form: ExportForm, code: int = 200) -> HttpResponse:
    now = timezone.now()
    zone = ZoneInfo(request.member.timezone)
    rows: list[dict[str, Any]] = [
        {
            "export": export,
            "status": _status(export, now),
            "kind": KINDS[export.kind].split(":")[0],
            "format": FORMATS[export.file_format],
            "first": export.since.astimezone(zone).date(),
            "last": ranges.last_day(export.until, request.member.timezone),
        }
        for export in export_list.latest()
    ]
    context = {
        "member": request.member,
        "section": "usage",
        "form": form,
        "rows": rows,
        "open": any(row["status"]["open"] for row in rows),
        "limits": domain,
        "megabytes": domain.BYTE_LIMIT >> 20,
        "hours": int(domain.KEPT.total_seconds() // 3600),
        "reveals": request.member.actor.may(Capability.REVEAL),
    }
    return render(request, "exports.html", context, status=code)


def _status(export: Export, now: datetime) -> dict[str, Any]:
    return {
        "id": str(export.pk),
        "state": state_of(export, now),
        "open": export.state in OPEN,
        "rows": export.rows,
        "expected": export.expected,
        "words": _words(export, now),
    }


def state_of(export: Export, now: datetime) -> str:
    """A file that is too old is expired, whether it was removed yet or not."""
    if export.state == ExportState.DONE and export.expires_at and export.expires_at <= now:
        return ExportState.EXPIRED.value
    return export.state


def _words(export: Export, now: datetime) -> str:
    match state_of(export, now):
        case ExportState.WAITING:
            return "Waiting for a worker" if now - export.asked_at > domain.SILENT else "Waiting"
        case ExportState.RUNNING:
            if export.heard_at and now - export.heard_at > domain.SILENT:
                return "Waiting for a worker"
            return f"{export.rows:,} of {export.expected:,} rows" if export.expected is not None else "Counting rows"
        case ExportState.DONE:
            return f"{export.rows:,} rows, {_size(export.size)}"
        case ExportState.FAILED:
            return f"Failed: {export.error}"
        case ExportState.CANCELLED:
            return "Cancelled"
        case _:
            return f"Expired; it had {export.rows:,} rows"


def _size(size: int) -> str:
    if size < 1_000_000:
        return f"{max(1, round(size / 1000)):,} kB"
    return f"{size / 1_000_000:,.1f} MB"


def _initial(request: TenantRequest) -> dict[str, str]:
    """The range of the page that led here, else yesterday."""
    zone = request.member.timezone
    today, given = _today(zone), request.GET
    try:
        if given.get("since") or given.get("until"):
            chosen = ranges.picked(given.get("since", ""), given.get("until", ""), today, zone)
        else:
            chosen = ranges.preset(given.get("range") or "yesterday", today, zone)
    except InvalidInput:
        chosen = ranges.preset("yesterday", today, zone)
    return {"since": chosen.first.isoformat(), "until": chosen.last.isoformat(), "kind": given.get("kind", "charges")}


def _today(zone: str) -> date:
    return timezone.now().astimezone(ZoneInfo(zone)).date()
