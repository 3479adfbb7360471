"""Routes: the list, adding one, leading it elsewhere, removing it; and where a dialled number would lead."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from calls.actions import routes as actions
from calls.domain.roles import Capability
from calls.exceptions import ChangedMeanwhile, InvalidInput
from calls.models import Agent, Route
from calls.selectors import agents
from calls.selectors import routes as selectors
from calls.web import problems
from calls.web.access import TenantRequest, tenant_view
from calls.web.admin.saving import PlainForm, attempt

_LOOSE = re.compile(r"[\s().\-/]")
"""What people put between digits"""


class RouteForm(PlainForm):
    number = forms.CharField(
        label="Dialled number",
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "+442079460100"}),
        help_text="A number (+442079460100), the beginning of numbers (+4420*), or * for any number.",
    )
    agent: forms.ModelChoiceField[Agent] = forms.ModelChoiceField(
        label="Agent", queryset=None, to_field_name="code", empty_label="Choose…"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"].queryset = Agent.objects.filter(archived_at__isnull=True).order_by("name")  # type: ignore[attr-defined]

    def clean_number(self) -> str:
        """`+44 20 7946 0100` and `0044…` are meant as `+442079460100`."""
        number = _LOOSE.sub("", self.cleaned_data["number"])
        return f"+{number[2:]}" if number.startswith("00") else number


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.MANAGE)
def routes(request: TenantRequest) -> HttpResponse:
    """The list with its form; `?try=` asks where a number would lead."""
    form = RouteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = attempt(request, form, lambda: actions.create(data["number"], data["agent"], by=request.member.actor))
        if made is not None:
            messages.success(request, _added(made))
            return redirect("routes", request.member.slug)
    return _page(request, form, 422 if form.errors else 200)


@require_POST
@tenant_view(Capability.MANAGE)
def change(request: TenantRequest, pk: int) -> HttpResponse:
    """Lead a route to another agent, unless somebody else did so since the page was opened."""
    route = selectors.route_of(pk)
    try:
        agent = agents.agent_of_text(request.POST.get("agent", ""))
        seen = agents.agent_of_text(request.POST.get("seen", ""))
        with transaction.atomic():
            actions.change(route, agent, by=request.member.actor, seen=seen)
    except ChangedMeanwhile as overtaken:
        messages.error(
            request, f"{problems.sentence(request, overtaken)} Nothing was saved: look, then change it again."
        )
        return _page(request, RouteForm(), 409)
    except InvalidInput as error:
        messages.error(request, problems.sentence(request, error))
        return _page(request, RouteForm(), 422)
    messages.success(request, f"New calls to {route.number} are answered by {agent.name}.")
    return redirect("routes", request.member.slug)


@require_POST
@tenant_view(Capability.MANAGE)
def remove(request: TenantRequest, pk: int) -> HttpResponse:
    route = selectors.route_of(pk)
    number = route.number
    actions.remove(route, by=request.member.actor)
    left = selectors.lead(number) if "*" not in number else None
    then = f" Its calls now follow {left.route.number}." if left and left.route else ""
    messages.success(request, f"The route {number} was removed.{then}")
    return redirect("routes", request.member.slug)


def _page(request: TenantRequest, form: RouteForm, status: int) -> HttpResponse:
    dialled = request.GET.get("try", "").strip()[:80]
    context = {
        "member": request.member,
        "section": "routes",
        "rows": selectors.listed(),
        "form": form,
        "agents": agents.choices(),
        "dialled": dialled,
        "lead": selectors.lead(dialled) if dialled else None,
    }
    return render(request, "routes.html", context, status=status)


def _added(route: Route) -> str:
    """Says which routes win over the new one, and over which it wins."""
    row = next(row for row in selectors.listed() if row.route.pk == route.pk)
    words = f"New calls to {route.number} are answered by {route.agent.name}."
    if row.inside:
        words += (
            f" Narrower routes keep theirs: {', '.join(row.inside[:3])}{' and more' if len(row.inside) > 3 else ''}."
        )
    if row.around:
        words += f" It wins over {', '.join(row.around[:3])}."
    return words
