"""Takes what an operator asks of a call. Decides nothing: the action checks role, state and text."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from calls.actions import commands
from calls.domain.roles import Capability
from calls.exceptions import CommandRejected, InvalidInput
from calls.web import problems, words
from calls.web.access import TenantRequest, tenant_view
from calls.web.forms import CommandForm


@require_POST
@tenant_view(Capability.SEE, holds_calls=True)
def command(request: TenantRequest, code: UUID) -> HttpResponse:
    """JSON for the page's own script; for a plain form a redirect with a message."""
    as_json = problems.wants_json(request)
    form = CommandForm(request.POST)
    try:
        with transaction.atomic():
            asked = commands.request(call=code, by=request.member.actor, **form.values())
    except (CommandRejected, InvalidInput) as problem:
        if as_json:
            raise
        messages.error(request, problems.sentence(request, problem))
    else:
        if as_json:
            return JsonResponse(asked, status=201)
        messages.success(request, f"{words.VERBS[asked['verb']]}: requested.")
    return redirect("call", request.member.slug, code)
