"""Agents: the list, a new one, its session, where it is used, putting it away. Instructions have their own module."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from calls.actions import agents, edits
from calls.domain.roles import Capability
from calls.exceptions import ChangedMeanwhile, InvalidInput
from calls.models import Agent
from calls.selectors import agents as selectors
from calls.web import problems
from calls.web.access import TenantRequest, tenant_view
from calls.web.admin import session_settings
from calls.web.admin.agent_frame import frame
from calls.web.admin.saving import attempt, trace
from calls.web.admin.session_form import SUGGESTIONS, NewAgentForm, SessionForm

SAMPLE = {
    "name": "Reception",
    "model": "gpt-realtime-2.1",
    "voice": "marin",
    "greeting": "Greet the caller, say who you are, and ask how you can help.",
}
SAMPLE_TEXT = """You are the receptionist. Be brief and friendly.

Find out what the caller needs, in one question at a time.
Repeat numbers and dates before you use them.
If you cannot help, say so and offer a callback.
"""


@require_safe
@tenant_view(Capability.PUBLISH)
def listed(request: TenantRequest) -> HttpResponse:
    rows = selectors.listed()
    context = {
        **frame(request, rows),
        "current": [row for row in rows if row.agent.archived_at is None],
        "away": [row for row in rows if row.agent.archived_at is not None],
    }
    return render(request, "agents/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.MANAGE)
def new(request: TenantRequest) -> HttpResponse:
    """A form with a sample to start from; the rest of the session is set on the agent's own page."""
    form = NewAgentForm(request.POST or None, initial={**SAMPLE, "text": SAMPLE_TEXT})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = attempt(
            request,
            form,
            lambda: agents.create(
                data["name"],
                model=data["model"],
                voice=data["voice"],
                greeting=data["greeting"],
                instructions=data["text"],
                by=request.member.actor,
            ),
            {"instructions": "text"},
        )
        if made is not None:
            messages.success(
                request, f"{made.name} is there, with v1 of its instructions published. A route leads calls to it."
            )
            return redirect("agent", request.member.slug, made.code)
    context = {**frame(request), "form": form, "suggestions": SUGGESTIONS}
    return render(request, "agents/new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.MANAGE)
def session(request: TenantRequest, code: UUID) -> HttpResponse:
    """The session's settings; every field that the provider would refuse says why."""
    agent = selectors.agent_of(code)
    seen = edits.stamp(agent, agents.SHOWN)
    form = SessionForm(request.POST or None, initial={**session_settings.initial(agent), "seen": seen})
    differing: list[tuple[str, Any, Any]] = []
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with transaction.atomic():
                    changed = _save(request, agent, form.cleaned_data)
            except ChangedMeanwhile:
                status, agent = 409, selectors.agent_of(code)
                differing = _differing(agent, form)
            except InvalidInput as error:
                _complain(request, form, error)
            else:
                messages.success(request, "Saved. New calls use it." if changed else "Nothing was changed.")
                return redirect("agent_session", request.member.slug, agent.code)
    context = {
        **frame(request, agent=agent),
        "tab": "session",
        "form": form,
        "seen": edits.stamp(agent, agents.SHOWN) if status == 409 else form["seen"].value(),
        "differing": differing,
        "suggestions": SUGGESTIONS,
        "trace": trace("agent", agent.code),
    }
    return render(request, "agents/session.html", context, status=status)


@require_safe
@tenant_view(Capability.PUBLISH)
def used(request: TenantRequest, code: UUID) -> HttpResponse:
    """Routes that lead to it, and calls that run with it now."""
    agent = selectors.agent_of(code)
    context = {
        **frame(request, agent=agent),
        "tab": "used",
        "routes": list(agent.routes.order_by("number")[:500]),
        "running": sorted(selectors.live_calls().get(agent.pk, {}).items(), key=lambda pair: -(pair[0] or 0)),
        "trace": trace("agent", agent.code),
    }
    return render(request, "agents/used.html", context)


@require_POST
@tenant_view(Capability.MANAGE)
def remove(request: TenantRequest, code: UUID) -> HttpResponse:
    """Delete or put away; a refusal says what still leads to it."""
    agent = selectors.agent_of(code)
    name = agent.name
    try:
        with transaction.atomic():
            deleted = agents.remove(agent, by=request.member.actor)
    except InvalidInput as error:
        messages.error(request, problems.sentence(request, error))
        return redirect("agent_used", request.member.slug, code)
    kept = "" if deleted else " Its calls keep its name and its instructions."
    messages.success(request, f"{name} was {'deleted' if deleted else 'put away'}.{kept}")
    return redirect("agents", request.member.slug)


@require_POST
@tenant_view(Capability.MANAGE)
def restore(request: TenantRequest, code: UUID) -> HttpResponse:
    agent = selectors.agent_of(code)
    agents.restore(agent, by=request.member.actor)
    messages.success(request, f"{agent.name} is back. A route leads calls to it.")
    return redirect("agent_used", request.member.slug, code)


def _save(request: TenantRequest, agent: Agent, data: dict[str, Any]) -> list[str]:
    """Raises ChangedMeanwhile, and InvalidInput with a path of the settings or a field of the form."""
    wanted = session_settings.settings(data, agent.settings)
    return agents.change(
        agent,
        name=data["name"],
        model=data["model"],
        voice=data["voice"],
        greeting=data["greeting"],
        settings=wanted,
        without=set(session_settings.FORM_KEYS) - wanted.keys(),
        seen=data["seen"],
        by=request.member.actor,
    )


def _complain(request: TenantRequest, form: SessionForm, error: InvalidInput) -> None:
    reason = error.reason.removeprefix(f"{error.field}: ").replace("Input should be ", "must be ")
    field, words = session_settings.place(error.field, reason, form.cleaned_data)
    form.add_error(field if field in form.fields else None, problems.sentence(request, InvalidInput(words)))


def _differing(agent: Agent, form: SessionForm) -> list[tuple[str, Any, Any]]:
    """(field, what is stored now, what was typed) of a form that somebody else overtook."""
    stored = session_settings.initial(agent)
    return [
        (str(form[name].label), now, typed)
        for name, now in stored.items()
        if str(now if now is not None else "") != str(typed := form[name].value() or "")
    ]
