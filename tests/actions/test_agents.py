"""Agents: checked as the provider would, versions numbered and never edited, one of them published."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from calls.actions import agents, edits, routes
from calls.domain.actors import SYSTEM
from calls.exceptions import ChangedMeanwhile, InvalidInput, NotAllowed
from calls.models import Agent, AuditEntry
from calls.tenancy import tenant_scope
from tests import factories


@pytest.fixture
def agent(acme):
    return factories.make_agent(acme, name="Reception")


@pytest.fixture
def scope(acme):
    with tenant_scope(acme.id):
        yield


def test_the_first_instructions_are_published_at_once(scope, adam):
    agent = agents.create("A", model="gpt-realtime", voice="marin", instructions="Be brief.", by=adam.actor)
    version = agents.published(agent)
    assert (version.number, version.text, version.author_id) == (1, "Be brief.", adam.user.pk)


def test_publishing_another_version_takes_the_first_one_back(scope, adam, agent):
    second = agents.write(agent, "Be kind.", note="kinder", by=adam.actor)
    assert agents.published(agent).number == 1
    assert agents.publish(second, by=adam.actor)
    assert not agents.publish(second, by=adam.actor)
    assert agents.published(agent) == second
    assert agents.publish(agent.versions.get(number=1), by=adam.actor)
    assert agents.published(agent).number == 1
    verbs = list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == ["agent.instructions_written", "agent.published", "agent.published"]


def test_settings_are_merged_and_what_is_not_given_stays(scope, adam, agent):
    agents.change(agent, settings={"speed": 1.2}, by=adam.actor)
    assert agents.change(agent, settings={"tool_choice": "none"}, by=adam.actor) == ["settings"]
    assert Agent.objects.get().settings == {"speed": 1.2, "tool_choice": "none"}
    assert agents.change(agent, settings={"speed": 1.2}, voice=agent.voice, by=adam.actor) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"voice": "nobody"}, "voice"),
        (
            {"settings": {"turn_detection": {"type": "server_vad", "threshold": 3}}},
            "turn_detection.threshold",
        ),
        ({"settings": {"tools": [{"type": "function"}]}}, "tools[0].name"),
        ({"settings": {"temperature": 1}}, "temperature"),
    ],
)
def test_what_the_provider_would_not_carry_out_is_refused(scope, adam, agent, fields, field):
    with pytest.raises(InvalidInput) as caught:
        agents.change(agent, **fields, by=adam.actor)
    assert caught.value.field == field


def test_a_name_is_taken_once(scope, adam, agent):
    with pytest.raises(InvalidInput, match="taken"):
        agents.create("Reception", model="m", voice="marin", instructions="x", by=adam.actor)


def test_supervisors_change_and_publish_nothing(scope, sam, agent):
    with pytest.raises(NotAllowed):
        agents.change(agent, voice="cedar", by=sam.actor)
    with pytest.raises(NotAllowed):
        agents.write(agent, "Mine.", by=sam.actor)
    with pytest.raises(NotAllowed):
        agents.publish(agents.published(agent), by=sam.actor)


def test_writers_at_the_same_time_take_different_numbers(committed_db, acme, agent):
    gate = threading.Barrier(4)

    def write(text: str) -> int:
        gate.wait()
        try:
            with tenant_scope(acme.id):
                version = agents.write(agent, text, by=SYSTEM)
                agents.publish(version, by=SYSTEM)
                return version.number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(write, "abcd")) == [2, 3, 4, 5]
    with tenant_scope(acme.id):
        assert agent.versions.filter(published_at__isnull=False).count() == 1


def test_a_setting_goes_back_to_the_default(scope, adam, agent):
    agents.change(agent, settings={"speed": 1.2, "tool_choice": "none"}, by=adam.actor)
    agents.change(agent, settings={"speed": 1.1}, without={"speed", "tool_choice"}, by=adam.actor)
    assert Agent.objects.get().settings == {"speed": 1.1}


def test_the_audit_log_tells_what_changed_but_no_credential(scope, adam, agent):
    tools = [{"type": "mcp", "server_label": "crm", "server_url": "https://x.example", "authorization": "secret-1"}]
    agents.change(agent, name="Desk", settings={"speed": 1.2, "tools": tools}, by=adam.actor)
    detail = AuditEntry.objects.get().detail
    assert detail["values"]["name"] == ["Reception", "Desk"]
    assert detail["values"]["speed"] == [None, 1.2]
    assert detail["values"]["tools"] == ["…", "…"]
    assert "secret-1" not in str(detail)


def test_a_save_over_a_change_that_was_not_seen_is_refused(scope, adam, olivia, agent):
    seen = edits.stamp(agent, agents.SHOWN)
    agents.change(Agent.objects.get(), voice="cedar", by=olivia.actor)
    with pytest.raises(ChangedMeanwhile):
        agents.change(agent, voice="ash", seen=seen, by=adam.actor)
    assert Agent.objects.get().voice == "cedar"
    agents.change(agent, voice="ash", seen=edits.stamp(Agent.objects.get(), agents.SHOWN), by=adam.actor)


def test_two_writers_learn_of_each_other(scope, adam, olivia, agent):
    agents.write(agent, "Olivia's.", by=olivia.actor, latest_seen=1)
    with pytest.raises(ChangedMeanwhile, match="v2 was written by Olivia"):
        agents.write(agent, "Adam's.", by=adam.actor, latest_seen=1)
    assert agents.write(agent, "Adam's.", by=adam.actor, latest_seen=2).number == 3


def test_two_publishers_learn_of_each_other(scope, adam, olivia, agent):
    second, third = (agents.write(agent, text, by=adam.actor) for text in ("Two.", "Three."))
    agents.publish(second, by=olivia.actor, published_seen=1)
    with pytest.raises(ChangedMeanwhile, match="v2 was published"):
        agents.publish(third, by=adam.actor, published_seen=1)
    assert agents.published(agent).number == 2


def test_an_agent_that_routes_lead_to_stays(scope, adam, agent):
    factories.make_route(agent, "+4930*")
    with pytest.raises(InvalidInput, match=r"\+4930\*"):
        agents.remove(agent, by=adam.actor)
    assert Agent.objects.get().archived_at is None


def test_an_agent_without_calls_is_deleted_and_one_with_calls_is_put_away(scope, acme, adam, agent):
    call = factories.make_call(acme, agent=agent, state="ended")
    assert not agents.remove(agent, by=adam.actor)
    call.refresh_from_db()
    assert (call.agent_id, call.instruction_version.number) == (agent.pk, 1)
    with pytest.raises(InvalidInput, match="put away"):
        routes.create("*", agent, by=adam.actor)
    assert agents.restore(agent, by=adam.actor)
    assert not agents.restore(agent, by=adam.actor)
    assert routes.create("*", agent, by=adam.actor)
    spare = factories.make_agent(acme)
    assert agents.remove(spare, by=adam.actor)
    assert not Agent.objects.filter(name=spare.name).exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"name": " x"}, "name"), ({"name": "Taken"}, "name"), ({"greeting": "x" * 4_001}, "greeting")],
)
def test_names_and_greetings_are_checked(scope, acme, adam, agent, fields, field):
    factories.make_agent(acme, name="Taken")
    with pytest.raises(InvalidInput) as caught:
        agents.change(agent, **fields, by=adam.actor)
    assert caught.value.field == field
