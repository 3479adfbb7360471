"""An agent's instructions: write a version, compare any two, publish one. No version is ever edited."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from calls.actions import agents
from calls.actions.agents import NOTE_LIMIT
from calls.domain import wording
from calls.domain.roles import Capability
from calls.domain.values import TEXT_LIMIT
from calls.exceptions import ChangedMeanwhile
from calls.models import Agent, InstructionVersion
from calls.selectors import agents as selectors
from calls.web.access import TenantRequest, tenant_view
from calls.web.admin.agent_frame import frame
from calls.web.admin.saving import PlainForm, attempt, trace


class InstructionsForm(PlainForm):
    latest_seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    text = forms.CharField(
        label="Instructions",
        max_length=TEXT_LIMIT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "class": "tall"}),
        error_messages={"required": "Write something: calls without instructions go astray."},
    )
    note = forms.CharField(
        label="Note", required=False, max_length=NOTE_LIMIT, help_text="What changed, for those who read the versions."
    )


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.PUBLISH)
def instructions(request: TenantRequest, code: UUID) -> HttpResponse:
    """Start from the latest version, or from `?from=`; compare with `?against=`. Saving makes the next version."""
    agent = selectors.agent_of(code)
    latest = selectors.latest(agent)
    start = _asked(request, agent, "from") or latest
    last = latest.number if latest else 0
    form = InstructionsForm(request.POST or None, initial={"text": start.text if start else "", "latest_seen": last})
    overtaken = ""
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and request.POST.get("step") == "compare":
            status = 200
        elif form.is_valid():
            try:
                version = attempt(request, form, lambda: _write(request, agent, form.cleaned_data))
            except ChangedMeanwhile as change:
                overtaken, status = change.reason, 409
            else:
                if version is not None:
                    return _written(request, agent, version)
    text = form["text"].value() or ""
    against = _against(request, agent, latest, overtaken=bool(overtaken), typed=text)
    pieces = wording.compare(against.text, text.replace("\r\n", "\n")) if against else []
    context = {
        **frame(request, agent=agent),
        "tab": "instructions",
        "form": form,
        "start": start,
        "last": last if overtaken else form["latest_seen"].value(),
        "latest": latest,
        "overtaken": overtaken,
        "versions": selectors.versions(agent),
        "against": against,
        "pieces": wording.shortened(pieces),
        "words": wording.counted(pieces),
        "trace": trace("agent", agent.code),
    }
    return render(request, "agents/instructions.html", context, status=status)


@require_safe
@tenant_view(Capability.PUBLISH)
def versions(request: TenantRequest, code: UUID) -> HttpResponse:
    """All versions, and one of them against another where both are asked for."""
    agent = selectors.agent_of(code)
    shown = _asked(request, agent, "show")
    against = _asked(request, agent, "against") or (shown and _before(agent, shown))
    # Without a version before it there is nothing to compare with: the text as it is.
    pieces = wording.compare(against.text if against else shown.text, shown.text) if shown else []
    context = {
        **frame(request, agent=agent),
        "tab": "versions",
        "versions": selectors.versions(agent),
        "live": selectors.live_calls().get(agent.pk, {}),
        "shown": shown,
        "against": against,
        "pieces": wording.shortened(pieces) if against else pieces,
        "words": wording.counted(pieces),
        "trace": trace("agent", agent.code),
    }
    return render(request, "agents/versions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.PUBLISH)
def publish(request: TenantRequest, code: UUID, number: int) -> HttpResponse:
    """Shows what changes and which calls keep the old version; the button publishes. An older version rolls back."""
    agent = selectors.agent_of(code)
    version = selectors.version_of(agent, number)
    overtaken = ""
    if request.method == "POST":
        seen = request.POST.get("published_seen", "")
        try:
            with transaction.atomic():
                agents.publish(version, by=request.member.actor, published_seen=int(seen) if seen.isdecimal() else None)
        except ChangedMeanwhile as change:
            overtaken = change.reason
        else:
            messages.success(request, f"v{number} is published: new calls to {agent.name} use it.")
            return redirect("agent_versions", request.member.slug, code)
    current = selectors.published(agent)
    pieces = wording.compare(current.text if current else "", version.text)
    running = selectors.live_calls().get(agent.pk, {})
    context = {
        **frame(request, agent=agent),
        "tab": "versions",
        "version": version,
        "current": current,
        "overtaken": overtaken,
        "keep": sorted(
            ((old, count) for old, count in running.items() if old != number), key=lambda pair: -(pair[0] or 0)
        ),
        "keeping": sum(count for old, count in running.items() if old != number),
        "pieces": wording.shortened(pieces),
        "words": wording.counted(pieces),
    }
    return render(request, "agents/publish.html", context, status=409 if overtaken else 200)


def _write(request: TenantRequest, agent: Agent, data: dict[str, Any]) -> InstructionVersion:
    return agents.write(
        agent, data["text"], note=data["note"].strip(), by=request.member.actor, latest_seen=data["latest_seen"]
    )


def _written(request: TenantRequest, agent: Agent, version: InstructionVersion) -> HttpResponse:
    if request.POST.get("step") == "publish":
        return redirect("agent_publish", request.member.slug, agent.code, version.number)
    messages.success(request, f"v{version.number} is saved as a draft. No call uses it before it is published.")
    return redirect("agent", request.member.slug, agent.code)


def _asked(request: TenantRequest, agent: Agent, name: str) -> InstructionVersion | None:
    """The version that the address names. Raises NotFound for one that does not exist."""
    number = request.POST.get(name) or request.GET.get(name, "")
    if not number.isdecimal() or len(number) > 9:
        return None
    return selectors.version_of(agent, int(number))


def _against(
    request: TenantRequest, agent: Agent, latest: InstructionVersion | None, *, overtaken: bool, typed: str
) -> InstructionVersion | None:
    """What the text in the field is compared with: what was asked for, who overtook it, or what calls use."""
    if overtaken:
        return latest
    if asked := _asked(request, agent, "against"):
        return asked
    current = selectors.published(agent)
    if current is not None and current.text == typed and request.method != "POST":
        return _before(agent, current)
    return current


def _before(agent: Agent, version: InstructionVersion) -> InstructionVersion | None:
    return agent.versions.select_related("author").filter(number__lt=version.number).order_by("-number").first()
