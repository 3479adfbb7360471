"""Turns errors into pages or JSON: the only translator into HTTP statuses. Never tells another tenant's from absent."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from calls.domain.roles import Capability
from calls.exceptions import CallsError, NotAllowed, NotFound
from calls.web import words

logger = logging.getLogger(__name__)

TITLES = {
    400: "This request could not be read",
    403: "Your role does not include this",
    404: "There is nothing here",
    409: "That is not possible now",
    422: "That cannot be used",
    502: "The provider did not help",
}
ABSENT = "The address is wrong, or what it led to is not yours to see."


def wants_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON rather than a page; a browser's own navigation never does."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


class ProblemsMiddleware:
    """Answers every CallsError that a view raised, save our own faults: those stay a 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, CallsError) or exception.http_status >= 500:
            return None
        return answer(request, exception)


def answer(request: HttpRequest, problem: CallsError) -> HttpResponse:
    message = sentence(request, problem)
    if wants_json(request):
        field = getattr(problem, "field", "")
        return JsonResponse({"code": problem.code, "message": message, "field": field}, status=problem.http_status)
    return _page(request, problem.http_status, message)


def sentence(request: HttpRequest, problem: CallsError) -> str:
    """What a person reads about a problem."""
    if isinstance(problem, NotFound):
        return ABSENT
    if isinstance(problem, NotAllowed):
        return _role_sentence(request, problem.reason)
    # The error's text begins with its field; beside the field that is said already.
    reason = problem.reason.removeprefix(f"{getattr(problem, 'field', '')}: ").strip()
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith(('.', '!', '?')) else '.'}"


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, NotAllowed())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Touches neither database nor session: both may be what failed."""
    reference = secrets.token_hex(4)
    logger.error("a page failed", extra={"reference": reference, "path": request.path})
    if wants_json(request):
        message = f"Something broke on our side. Reference {reference}."
        return JsonResponse({"code": "error", "message": message, "field": ""}, status=500)
    return HttpResponse(render_to_string("500.html", {"reference": reference}), status=500)


def _page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    user = getattr(request, "user", None)
    context = {
        "status": status,
        "title": TITLES.get(status, TITLES[400]),
        "message": message,
        "theme": getattr(user, "theme", "system"),
        "signed_in": user is not None and user.is_authenticated,
    }
    return HttpResponse(render_to_string("problem.html", context), status=status)


def _role_sentence(request: HttpRequest, capability: str) -> str:
    member = getattr(request, "member", None)
    yours = f"Your role here is {member.actor.role}. " if member else ""
    if capability not in set(Capability):
        return f"{yours}It does not include this." if yours else "Your account may not do this."
    return f"{yours}What you asked for is open to {words.who_can(Capability(capability))}."
