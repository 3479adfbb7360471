"""The living style page: every component in every state, for staff. Reads nothing of any tenant."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from calls.exceptions import NotFound
from calls.models import User


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Raises NotFound for all but staff, as for an address that does not exist."""
    if not cast(User, request.user).is_staff:
        raise NotFound("style")
    return render(request, "style.html", {})
