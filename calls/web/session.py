"""Signing in and out, what a person prefers, and the way from `/` to a tenant. Knows nothing of calls."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from calls.actions import people
from calls.models import User
from calls.selectors.members import memberships
from calls.web import problems
from calls.web.door import ENDED
from calls.web.forms import PreferencesForm, SignInForm


class SignInView(LoginView):
    """Django's, with our form and a word to those who are here because their session ended."""

    template_name = "sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ended = ENDED.get(self.request.GET.get("ended", ""), "")
        return super().get_context_data(**{"ended": ended, **kwargs})


sign_in = SignInView.as_view()
sign_out = LogoutView.as_view()


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the only tenant, or a choice of them, or an explanation."""
    found = memberships(cast(User, request.user).pk)
    if len(found) == 1:
        return redirect("live", found[0].slug)
    return render(request, "home.html", {"memberships": found})


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep what the signed-in user prefers, then back to where they were; a script stays where it is."""
    people.prefer(cast(User, request.user), **PreferencesForm(request.POST).chosen())
    if problems.wants_json(request):
        return HttpResponse(status=204)
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if safe else reverse("home"))


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session of the user; this one too, or the word would be a lie."""
    people.sign_out_everywhere(cast(User, request.user))
    logout(request)
    messages.success(request, "You are signed out everywhere. Other devices need your password again.")
    return redirect("sign_in")
