"""Agents: checked as the provider would, versions numbered and never edited, one of them published."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from calls.actions import agents
from calls.domain.actors import SYSTEM
from calls.exceptions import InvalidInput, NotAllowed
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
