"""Turns errors into pages or JSON: the only translator into HTTP statuses. Never tells another tenant's from absent.

Pages of problems stand alone: no frame, no query but for the person's theme, and none at all from 500 on.
"""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Callable
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from psycopg.errors import IdleInTransactionSessionTimeout, LockNotAvailable
from psycopg_pool import PoolTimeout

from calls.domain.roles import Capability
from calls.exceptions import CallsError, NotAllowed, NotFound, ProviderError, TooWide
from calls.web import words

logger = logging.getLogger(__name__)

TITLES = {
    400: "This request could not be read",
    403: "Your role does not include this",
    404: "There is nothing here",
    405: "This address takes no such request",
    409: "That is not possible now",
    410: "This is no longer here",
    413: "That is too much at once",
    422: "That cannot be used",
    500: "Something broke on our side",
    502: "The provider did not help",
    503: "The console is out of reach",
}
ABSENT = "The address is wrong, or what it led to is not yours to see."
UNREADABLE = (
    "Your browser sent something that this server does not take. Reload the page you came from, then try again."
)
TOO_MUCH = "What was sent is larger than this server takes. Nothing was changed; send less, or in parts."
NO_SUCH_METHOD = "It is meant for a form or a program, not to be opened. Nothing was changed."
TOO_OLD = (
    "The form was opened too long ago, in another session, or without cookies. Nothing was changed. Go back, copy what "
    "you wrote, reload the page and send it again."
)
TOO_WIDE = "This took longer than a page may take. Ask about a shorter time, or for fewer words."
BROKEN = "It was written down. Calls go on without this page; try again."
AWAY = "The database does not answer at the moment. Calls go on without this page; try again in a few seconds."
HELD_TITLE = "This is in use just now"
HELD = (
    "Another part of the console holds what this needs and did not let go in time. Calls go on; try again in a few "
    "seconds."
)
RETRY_S = 5

_AWAY = (OperationalError, InterfaceError, PoolTimeout)
_TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def wants_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON rather than a page; a browser's own navigation never does."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


class ProblemsMiddleware:
    """Answers every CallsError that a view raised, save our own faults: those stay a 500. Gives bare 405s a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            page = _answer(request, 405, "method_not_allowed", NO_SUCH_METHOD)
            page["Allow"] = response["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, CallsError):
            return None
        if exception.http_status >= 500 and not isinstance(exception, ProviderError | TooWide):
            return None
        return answer(request, exception)


def answer(request: HttpRequest, problem: CallsError) -> HttpResponse:
    field = getattr(problem, "field", "")
    return _answer(request, problem.http_status, problem.code, sentence(request, problem), field=field)


def sentence(request: HttpRequest, problem: CallsError) -> str:
    """What a person reads about a problem."""
    if isinstance(problem, NotFound):
        return ABSENT
    if isinstance(problem, TooWide):
        return TOO_WIDE
    if isinstance(problem, NotAllowed):
        return _role_sentence(request, problem.reason)
    if not problem.reason:
        return "No reason was given. Try again."
    # The error's text begins with its field; beside the field that is said already.
    reason = problem.reason.removeprefix(f"{getattr(problem, 'field', '')}: ").strip()
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith(('.', '!', '?')) else '.'}"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's word for whatever it refuses before a view is asked."""
    if isinstance(exception, _TOO_MUCH):
        return _answer(request, 413, "too_much", TOO_MUCH)
    return _answer(request, 400, "bad_request", UNREADABLE)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, NotAllowed())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is not this session's. The way back is the page that it stood on."""
    return _answer(request, 403, "page_too_old", TOO_OLD, title="This page is too old", back=_came_from(request))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Touches neither database nor session: both may be what failed."""
    reference = secrets.token_hex(4)
    noted = {"reference": reference, "path": request.path}
    error, cause = sys.exception(), getattr(sys.exception(), "__cause__", None)
    if isinstance(error, _AWAY) or isinstance(cause, IdleInTransactionSessionTimeout):
        if isinstance(cause, LockNotAvailable):
            logger.warning("a page waited for a lock in vain", extra=noted)
            page = _answer(request, 503, "held", HELD, title=HELD_TITLE, reference=reference)
        else:
            logger.error("a page found no database", extra=noted)
            page = _answer(request, 503, "unavailable", AWAY, reference=reference)
        page["Retry-After"] = str(RETRY_S)
        return page
    logger.error("a page failed", extra=noted)
    return _answer(request, 500, "error", BROKEN, reference=reference)


def _answer(
    request: HttpRequest,
    status: int,
    code: str,
    message: str,
    *,
    title: str = "",
    field: str = "",
    reference: str = "",
    back: str = "",
) -> HttpResponse:
    if wants_json(request):
        quoted = f"{message} Reference {reference}." if reference else message
        return JsonResponse({"code": code, "message": quoted, "field": field}, status=status)
    user = _user(request, ask=status < 500)
    later, reads = status in {500, 502, 503}, request.method in {"GET", "HEAD"}
    context: dict[str, Any] = {
        "status": status,
        "title": title or TITLES.get(status, TITLES[400]),
        "message": message,
        "reference": reference,
        # A form cannot be sent again from here: its page can.
        "back": back or (_came_from(request) if later and not reads else ""),
        "again": later and reads,
        "theme": getattr(user, "theme", "system"),
        "signed_in": user is not None and user.is_authenticated,
        # Not on a 404: it is the same page for what is absent and for what is another tenant's.
        "tenant": getattr(request, "member", None) if status != 404 else None,
    }
    return HttpResponse(render_to_string("problem.html", context), status=status)


def _came_from(request: HttpRequest) -> str:
    """The page of ours that led here; empty where it is somebody else's, or unknown."""
    address = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if ours else ""


def _user(request: HttpRequest, *, ask: bool) -> AbstractBaseUser | None:
    """Whose theme the page takes; where the database must not be asked, or is away, only who is known already."""
    known: AbstractBaseUser | None = getattr(request, "_cached_user", None)
    if known is not None or not ask:
        return known
    try:
        user: AbstractBaseUser | None = getattr(request, "user", None)
        return user if user is not None and user.is_authenticated else None
    except (DatabaseError, PoolTimeout):
        return None


def _role_sentence(request: HttpRequest, capability: str) -> str:
    member = getattr(request, "member", None)
    yours = f"Your role here is {member.actor.role}. " if member else ""
    if capability not in set(Capability):
        return f"{yours}It does not include this." if yours else "Your account may not do this."
    return f"{yours}What you asked for is open to {words.who_can(Capability(capability))}."
