"""The page behind a link that signs in once. Opening it changes nothing; its button does.

A program that previews links, in a chat or a mail filter, would otherwise use the link up before its reader. Tries
are counted as passwords are, and the path never reaches a log (realtime_ops.logs).
"""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from calls.actions import sign_in_links
from calls.actions.sign_in_links import Standing
from calls.web import attempts

_ENTRY = "link"
"""All links share one count per network: a wrong token names nobody"""
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_STATUS = {Standing.GOOD: 200, Standing.USED: 410, Standing.EXPIRED: 410, Standing.UNKNOWN: 404}


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show whom the link signs in, or why it does not any more; sign in on POST."""
    if not attempts.allow(request, _ENTRY):
        return render(request, "sign_in_link.html", {"standing": "locked"}, status=429)
    act = sign_in_links.use if request.method == "POST" else sign_in_links.look
    standing, user = act(token)
    if standing is not Standing.UNKNOWN:
        attempts.forget(request, _ENTRY)
    if user is not None and request.method == "POST":
        login(request, user, _BACKEND)
        return redirect("home")
    return render(request, "sign_in_link.html", {"standing": standing, "whose": user}, status=_STATUS[standing])
