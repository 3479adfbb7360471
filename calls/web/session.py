"""Signing in and out, the theme, and the way from `/` to a tenant. Knows nothing of calls."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from calls.exceptions import InvalidInput
from calls.models import User
from calls.selectors.members import memberships
from calls.web.forms import SignInForm, ThemeForm

sign_in = LoginView.as_view(
    template_name="sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
)
sign_out = LogoutView.as_view()


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the only tenant, or a choice of them, or an explanation."""
    found = memberships(cast(User, request.user).pk)
    if len(found) == 1:
        return redirect("live", found[0].slug)
    return render(request, "home.html", {"memberships": found})


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Store the theme of the signed-in user. Raises InvalidInput for one that does not exist."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("Choose system, light or dark.", "theme")
    User.objects.filter(pk=cast(User, request.user).pk).update(theme=form.cleaned_data["theme"])
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if safe else reverse("home"))
