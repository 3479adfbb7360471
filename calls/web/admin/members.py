"""Members and roles: who is in, who is invited, and what each role may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from calls.actions import invitations
from calls.actions import members as actions
from calls.conf import conf
from calls.domain.actors import Actor
from calls.domain.roles import CAPABILITIES, Capability, Role
from calls.exceptions import ChangedMeanwhile, InvalidInput
from calls.selectors import members as selectors
from calls.web import problems
from calls.web.access import TenantRequest, tenant_view
from calls.web.admin.saving import PlainForm, attempt

MAY = {
    Capability.SEE: ("See", "calls, transcripts, and today's spend"),
    Capability.HEAR: ("Hear", "calls as they run"),
    Capability.WHISPER: ("Whisper", "inform and instruct the agent"),
    Capability.ACT: ("Act", "stop, transfer, hang up"),
    Capability.APPROVE: ("Approve", "what a tool asks for"),
    Capability.REVEAL: ("Reveal", "whole telephone numbers"),
    Capability.PUBLISH: ("Publish", "instructions"),
    Capability.BILL: ("Bill", "usage and cost"),
    Capability.MANAGE: ("Manage", "people, accounts, agents, routes"),
}


class InviteForm(PlainForm):
    email = forms.CharField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "name@example.com"}),
    )
    role = forms.ChoiceField(label="Role")

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = _roles(by)  # type: ignore[attr-defined]
        self.fields["role"].initial = Role.SUPERVISOR

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip()


@require_safe
@tenant_view(Capability.MANAGE)
def index(request: TenantRequest) -> HttpResponse:
    """The admins' pages begin with the people."""
    return redirect("members", request.member.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(Capability.MANAGE)
@sensitive_variables("made", "link")
def members(request: TenantRequest) -> HttpResponse:
    """The list; a POST invites and shows the link, this once."""
    form = InviteForm(request.POST or None, by=request.member.actor)
    link, invited = "", None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = attempt(request, form, lambda: invitations.invite(data["email"], data["role"], by=request.member.actor))
        if made is not None:
            invited, token = made
            link = conf().public_url + reverse("invitation", args=[token])
            form = InviteForm(by=request.member.actor)
    return _page(request, form, 422 if form.errors else 200, link=link, invited=invited)


@require_POST
@tenant_view(Capability.MANAGE)
def change_role(request: TenantRequest, pk: int) -> HttpResponse:
    membership = selectors.membership_of(request.member.tenant_id, pk)
    seen = request.POST.get("seen") or None
    status = 422
    try:
        with transaction.atomic():
            actions.change_role(membership, request.POST.get("role", ""), by=request.member.actor, seen=seen)
    except ChangedMeanwhile as overtaken:
        messages.error(request, f"{problems.sentence(request, overtaken)} Nothing was saved.")
        status = 409
    except InvalidInput as error:
        messages.error(request, problems.sentence(request, error))
    else:
        messages.success(
            request, f"{membership.user} is {words_of(membership.role)} now. Their open pages follow at once."
        )
        return redirect(_after(request, membership.user_id))
    return _page(request, InviteForm(by=request.member.actor), status)


@require_POST
@tenant_view(Capability.MANAGE)
def remove(request: TenantRequest, pk: int) -> HttpResponse:
    membership = selectors.membership_of(request.member.tenant_id, pk)
    user = membership.user
    try:
        with transaction.atomic():
            actions.remove(membership, by=request.member.actor)
    except InvalidInput as error:
        messages.error(request, problems.sentence(request, error))
        return _page(request, InviteForm(by=request.member.actor), 422)
    messages.success(request, f"{user} was removed. Their open pages close now.")
    return redirect(_after(request, user.pk))


@require_POST
@tenant_view(Capability.MANAGE)
def withdraw(request: TenantRequest, code: UUID) -> HttpResponse:
    invitation = selectors.invitation_of(code)
    invitations.withdraw(invitation, by=request.member.actor)
    messages.success(request, f"The invitation of {invitation.email} was withdrawn: its link does not work any more.")
    return redirect("members", request.member.slug)


def words_of(role: str) -> str:
    return f"{'an' if role[:1] in 'aeiou' else 'a'} {role}"


def _after(request: TenantRequest, user_id: int) -> str:
    """Whoever changed themselves may not see this page any more."""
    return "/" if user_id == request.user.pk else reverse("members", args=[request.member.slug])


def _roles(by: Actor) -> list[tuple[str, str]]:
    """What this person may give: owners alone make owners."""
    return [(role.value, role.value.capitalize()) for role in Role if role != Role.OWNER or by.role == Role.OWNER]


def _page(request: TenantRequest, form: InviteForm, status: int, **more: Any) -> HttpResponse:
    actor = request.member.actor
    context = {
        "member": request.member,
        "section": "admin",
        "tab": "members",
        "people": [
            {
                "row": row,
                "may_change": row.role != Role.OWNER or actor.role == Role.OWNER,
                "you": row.user_id == actor.user_id,
            }
            for row in selectors.roster(request.member.tenant_id)
        ],
        "invitations": selectors.invitations(),
        "roles": _roles(actor),
        "form": form,
        "now": timezone.now(),
        "matrix": [(*MAY[one], [one in CAPABILITIES[role] for role in Role]) for one in Capability],
        "role_names": [role.value for role in Role],
        **more,
    }
    return render(request, "settings/members.html", context, status=status)
