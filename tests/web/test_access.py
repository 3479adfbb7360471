"""Who gets in: members with the capability. Strangers, the rival and unknown addresses get one and the same answer."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from calls.actions import commands
from calls.domain.roles import Capability, Role
from calls.exceptions import InvalidInput, NotAllowed
from calls.models.base import current_tenant
from calls.tenancy import tenant_scope
from calls.web import problems
from calls.web.access import tenant_view
from tests import factories


def pages(slug, code):
    return [
        reverse("live", args=[slug]),
        reverse("calls", args=[slug]),
        reverse("call", args=[slug, code]),
    ]


def test_strangers_are_sent_to_sign_in_with_the_way_back(acme):
    call = factories.make_call(acme)
    for url in pages("acme", call.code):
        answer = Client().get(url)
        assert answer.status_code == 302
        assert answer.url == f"{reverse('sign_in')}?next={url}"


def test_a_rival_is_told_the_same_as_for_what_does_not_exist(acme, rita):
    call = factories.make_call(acme)
    absent = [rita.client.get(url) for url in pages("nowhere", uuid4())]
    foreign = [rita.client.get(url) for url in pages("acme", call.code)]
    own_tenant_foreign_call = rita.client.get(reverse("call", args=["globex", call.code]))
    assert {answer.status_code for answer in [*absent, *foreign, own_tenant_foreign_call]} == {404}
    assert len({answer.content for answer in [*absent, *foreign, own_tenant_foreign_call]}) == 1


def test_a_rival_cannot_command_and_is_told_the_same(acme, rita):
    call = factories.make_call(acme)
    data = {"verb": "hang_up", "key": "k"}
    foreign = rita.client.post(
        reverse("command", args=["acme", call.code]), data, headers={"accept": "application/json"}
    )
    absent = rita.client.post(
        reverse("command", args=["globex", uuid4()]), data, headers={"accept": "application/json"}
    )
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()


def test_pages_of_a_tenant_are_not_kept_by_the_browser(sam):
    answer = sam.client.get(reverse("live", args=["acme"]))
    assert "no-store" in answer["Cache-Control"]


def test_a_missing_capability_is_a_403_that_names_the_roles(ana, rf):
    view = tenant_view(Capability.MANAGE)(lambda request: HttpResponse())
    request = rf.get("/")
    request.user = ana.user
    with pytest.raises(NotAllowed) as refused:
        view(request, "acme")
    page = problems.answer(request, refused.value)
    assert page.status_code == 403
    assert "Your role here is analyst. What you asked for is open to owner and admin." in page.content.decode()


def _idle_limit():
    with connection.cursor() as cursor:
        cursor.execute("show idle_in_transaction_session_timeout")
        return cursor.fetchone()[0]


def test_a_page_may_be_written_for_longer_than_a_calls_row_is_held(committed_db, sam, rf, monkeypatch):
    """A worker cannot renew what a process that stands still has locked."""
    seen = []

    def request_command(**asked):
        seen.append(_idle_limit())
        raise InvalidInput("enough")

    @tenant_view(Capability.SEE)
    def view(request):
        seen.append(_idle_limit())
        return HttpResponse()

    monkeypatch.setattr(commands, "request", request_command)
    call = factories.make_call(sam.tenant)
    sam.client.post(reverse("command", args=["acme", call.code]), {"verb": "hang_up", "key": "key-1"})
    request = rf.get("/")
    request.user = sam.user
    view(request, "acme")
    with tenant_scope(sam.tenant_id):
        seen.append(_idle_limit())
    assert seen == ["2500ms", "5s", "5s"]


def test_the_view_runs_inside_its_tenant_and_leaves_it(sam, rf):
    seen = []

    @tenant_view(Capability.SEE)
    def view(request):
        seen.append((current_tenant.get(), request.member.actor.role))
        return HttpResponse()

    request = rf.get("/")
    request.user = sam.user
    view(request, "acme")
    assert seen == [(sam.tenant_id, Role.SUPERVISOR)]
    assert current_tenant.get() is None
