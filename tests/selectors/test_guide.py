"""Deeds are read off the record, of this user in this tenant alone."""

from __future__ import annotations

from calls.actions import agents, audit
from calls.domain.actors import Actor
from calls.domain.guide import Deed
from calls.selectors import guide
from calls.tenancy import tenant_scope
from tests import factories


def _deeds(person, tenant):
    with tenant_scope(tenant.id):
        return guide.deeds(person.user)


def test_only_confirmed_commands_of_ones_own_count(acme, sam, adam):
    call = factories.make_call(acme)
    factories.make_command(call, verb="inform", state="sent", by=sam.user)
    factories.make_command(call, verb="hang_up", state="confirmed", by=adam.user)
    assert not {Deed.HELPED, Deed.STOPPED} & _deeds(sam, acme)
    factories.make_command(call, verb="say", state="confirmed", by=sam.user)
    factories.make_command(call, verb="stop_talking", state="confirmed", by=sam.user)
    assert {Deed.HELPED, Deed.STOPPED} <= _deeds(sam, acme)


def test_published_instructions_count_and_a_call_that_uses_them(acme, adam):
    agent = factories.make_agent(acme)
    with tenant_scope(acme.id):
        agents.publish(agents.write(agent, "Be kind.", by=adam.actor), by=adam.actor)
    assert Deed.PUBLISHED in _deeds(adam, acme)
    assert Deed.HEARD not in _deeds(adam, acme)
    factories.make_call(acme, agent=agent)
    assert Deed.HEARD in _deeds(adam, acme)


def test_what_the_audit_log_holds(acme, globex, ana):
    by = Actor(ana.user.pk, ana.user.email)
    for tenant, verb in ((globex, "member.added"), (acme, "export.begun")):
        with tenant_scope(tenant.id):
            audit.record(verb, by=by, kind="x", code=1)
    assert _deeds(ana, acme) & {Deed.EXPORTED, Deed.INVITED} == {Deed.EXPORTED}


def test_visits_are_notes_of_the_user(acme, sam):
    sam.user.guide = {"opened_live": "2026-11-20", "dismissed": "2026-11-20", "unheard_of": ""}
    assert _deeds(sam, acme) == {Deed.OPENED_LIVE}
