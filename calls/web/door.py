"""Leads those who are not signed in to the door, and tells those who were that their session has ended.

A form that came too late is never sent to the door with its own address: after signing in one stands on the page that
held it, not on an address that takes forms only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

ENDED = {
    "page": "Your session has ended. Sign in to go on where you were.",
    "form": "Your session ended before the form arrived: nothing was changed. Sign in, then send it again.",
}
"""What `?ended=` of the door says. Where there was no session, nobody has to be told that it ended."""


class DoorMiddleware(LoginRequiredMiddleware):
    """Django's, with a better `next` and a word why one stands here."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> HttpResponseRedirect:
        reads = request.method in {"GET", "HEAD"}
        query = {"next": request.get_full_path() if reads else _page_of_the_form(request)}
        if request.COOKIES.get(settings.SESSION_COOKIE_NAME):
            query["ended"] = "page" if reads else "form"
            if request.headers.get("Sec-Fetch-Dest", "document") != "document":
                # A script of an open page asked. The answer would take the ended session's cookie back, and the person
                # who then reloads would not be told why they stand at the door: leave it for them.
                del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return HttpResponseRedirect(f"{reverse(settings.LOGIN_URL)}?{urlencode(query, safe='/')}")


def _page_of_the_form(request: HttpRequest) -> str:
    came_from = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure()):
        return reverse("home")
    parts = urlsplit(came_from)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
