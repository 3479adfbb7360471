"""The page behind an invitation's link: for people who are nobody's members yet. Opening it changes nothing.

A new person gives a name and a password; one who has an account signs in and joins. Tries are counted as passwords
are, and the path never reaches a log (realtime_ops.logs).
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from calls.actions import invitations
from calls.actions.invitations import NAME_LIMIT
from calls.domain.values import SECRET_LIMIT
from calls.exceptions import NotFound
from calls.models import Invitation, Tenant, User
from calls.tenancy import tenant_scope
from calls.web import attempts
from calls.web.admin.saving import PlainForm, attempt

_ENTRY = "invitation"
"""All invitations share one count per network: a wrong token names nobody"""
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class NewPersonForm(PlainForm):
    name = forms.CharField(
        label="Your name",
        max_length=NAME_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        max_length=SECRET_LIMIT,
        strip=False,
        help_text="At least 8 characters, and no common one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@sensitive_variables("token")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """404 for a link that was used, withdrawn, replaced or is too old: which of them, nobody outside may know."""
    if not attempts.allow(request, _ENTRY):
        return render(request, "invitation.html", {"standing": "locked"}, status=429)
    try:
        tenant = invitations.tenant_of(token)
        with tenant_scope(tenant):
            found = invitations.found(token)
            attempts.forget(request, _ENTRY)
            return _page(request, token, found)
    except NotFound:
        return render(request, "invitation.html", {"standing": "gone"}, status=404)


def _page(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    known = User.objects.filter(email=found.email).first()
    user = request.user if isinstance(request.user, User) else None
    tenant = Tenant.objects.get(pk=found.tenant_id)
    form = NewPersonForm(request.POST or None) if known is None and user is None else None
    standing = "new" if known is None else "join" if user == known else "sign_in"
    if user is not None and user.email != found.email:
        standing = "other"
    if request.method == "POST" and standing in {"new", "join"}:
        joined = _take(request, token, form, user)
        if joined is not None:
            if user is None:
                login(request, joined, _BACKEND)
            messages.success(request, f"Welcome to {tenant.name}.")
            return redirect("live", tenant.slug)
    context = {"standing": standing, "invitation": found, "tenant": tenant, "form": form}
    return render(request, "invitation.html", context, status=422 if form and form.errors else 200)


def _take(request: HttpRequest, token: str, form: NewPersonForm | None, user: User | None) -> User | None:
    """The person who is in now; None where something is wrong with the form."""
    if user is not None:
        invitations.accept(token, user)
        return user
    if form is None or not form.is_valid():
        return None
    data: dict[str, Any] = form.cleaned_data
    return attempt(
        request, form, lambda: invitations.accept_as_new(token, name=data["name"], password=data["password"])
    )
