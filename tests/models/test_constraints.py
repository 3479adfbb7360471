"""Constraints that rules rely on: what the database refuses whoever writes it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from calls.models import User
from calls.tenancy import tenant_scope
from tests import factories


def _refused(make) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make()


def test_an_agent_has_one_published_version(acme):
    agent = factories.make_agent(acme)
    _refused(lambda: factories.make_version(agent, published=False, published_at=factories.NOON))


def test_a_call_id_is_one_call_of_its_account(acme, globex):
    account = factories.make_account(acme)
    factories.make_call(acme, account=account, call_id="rtc_1")
    _refused(lambda: factories.make_call(acme, account=account, call_id="rtc_1"))
    factories.make_call(globex, call_id="rtc_1")


def test_an_item_is_one_turn_and_a_response_is_billed_once(acme):
    call = factories.make_call(acme)
    factories.make_turn(call, item_id="item_a")
    _refused(lambda: factories.make_turn(call, item_id="item_a"))
    factories.make_usage(call, ref_id="resp_a")
    _refused(lambda: factories.make_usage(call, ref_id="resp_a"))


def test_one_key_is_one_command_and_a_call_is_hung_up_once(acme):
    call = factories.make_call(acme)
    factories.make_command(call, key="k")
    _refused(lambda: factories.make_command(call, key="k"))
    factories.make_command(call, verb="hang_up")
    _refused(lambda: factories.make_command(call, verb="hang_up"))
    factories.make_command(factories.make_call(acme), verb="hang_up")


def test_names_are_taken_once_in_a_tenant_and_free_in_another(acme, globex):
    for make in (
        lambda tenant: factories.make_agent(tenant, name="A", instructions=None),
        lambda tenant: factories.make_account(tenant, name="A"),
    ):
        make(acme)
        _refused(lambda make=make: make(acme))
        make(globex)


def test_a_person_is_a_member_once(acme, sam):
    _refused(lambda: factories.make_member(acme, user=sam.user))


def test_e_mail_addresses_are_kept_in_lower_case(db):
    user = User.objects.create_user(" Sam@Acme.Example ", "x")
    assert user.email == "sam@acme.example"
    assert User.objects.get_by_natural_key("SAM@acme.example") == user


def test_a_deleted_user_leaves_their_entries_behind(acme, sam):
    from calls.actions import audit
    from calls.models import AuditEntry

    with tenant_scope(acme.id):
        audit.record("test.done", by=sam.actor, kind="test", code=1)
        sam.user.memberships.all().delete()
        sam.user.delete()
        entry = AuditEntry.objects.get()
    assert entry.actor_label == "sam@acme.example"
