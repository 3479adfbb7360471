"""Agents: the list, a new one, the session's form with errors at its fields, a save that was overtaken, removal."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from calls.models import Agent, AuditEntry
from calls.tenancy import tenant_scope
from calls.web.admin import session_settings
from tests import factories

SETTINGS = {
    "turn_detection": {"type": "server_vad", "threshold": 0.6, "silence_duration_ms": 300},
    "transcription": {"model": "m", "language": "de", "keywords": ["Acme"]},
    "tools": [{"type": "function", "name": "find"}],
}


@pytest.fixture
def agent(acme):
    return factories.make_agent(acme, name="Nora", settings=SETTINGS)


@pytest.fixture
def url(agent):
    return reverse("agent_session", args=["acme", agent.code])


def typed(person, url, **changes):
    """What the form holds when it is opened, with changes."""
    form = person.client.get(url).context["form"]
    data = {name: value for name in form.fields if (value := form[name].value()) is not None}
    return {**data, **changes}


def stored():
    return Agent.objects.get(name="Nora")


def test_the_list_tells_versions_live_calls_and_routes(acme, adam, agent):
    factories.make_version(agent, "Draft.", published=False)
    factories.make_route(agent, "+4930*")
    factories.make_call(acme, agent=agent)
    factories.make_call(acme, agent=agent, state="ended")
    page = adam.client.get(reverse("agents", args=["acme"]))
    [row] = page.context["current"]
    assert (row.published, row.draft, row.live, row.routes) == (1, 2, 1, ["+4930*"])
    assert "draft v2" in page.content.decode()


def test_without_agents_the_list_leads_to_a_sample(adam):
    page = adam.client.get(reverse("agents", args=["acme"])).content.decode()
    assert "No agent yet." in page
    assert reverse("agent_new", args=["acme"]) in page


def test_a_new_agent_has_its_first_instructions_published(acme, adam):
    url = reverse("agent_new", args=["acme"])
    form = adam.client.get(url).context["form"]
    answer = adam.client.post(url, {name: form[name].value() for name in form.fields})
    with tenant_scope(acme.id):
        made = Agent.objects.get(name="Reception")
        assert made.versions.get().published_at is not None
    assert answer.url == reverse("agent", args=["acme", made.code])


def test_a_new_agent_that_cannot_be_says_why_and_keeps_the_text(adam, agent):
    url = reverse("agent_new", args=["acme"])
    data = {"name": "Nora", "model": "m", "voice": "marin", "text": "My long text."}
    answer = adam.client.post(url, data)
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"name": ["Is taken."]}
    assert "My long text." in answer.content.decode()
    answer = adam.client.post(url, {**data, "name": "Other", "voice": "nobody"})
    assert list(answer.context["form"].errors) == ["voice"]


def test_saving_what_was_shown_changes_nothing(acme, adam, agent, url):
    assert adam.client.post(url, typed(adam, url)).status_code == 302
    with tenant_scope(acme.id):
        assert stored().settings == SETTINGS
        assert not AuditEntry.objects.filter(verb="agent.changed").exists()


def test_changes_are_saved_and_what_is_emptied_goes_back_to_the_default(acme, adam, agent, url):
    data = typed(adam, url, name="Nora", voice="cedar", threshold="", speed="1.25", tools="", eagerness="")
    assert adam.client.post(url, data).status_code == 302
    with tenant_scope(acme.id):
        made = stored()
        assert made.voice == "cedar"
        assert made.settings == {
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
            "transcription": SETTINGS["transcription"],
            "speed": 1.25,
        }
        assert AuditEntry.objects.get(verb="agent.changed").detail["values"]["voice"] == ["marin", "cedar"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"voice": "nobody"}, "voice", ""),
        ({"threshold": "3"}, "threshold", "less than or equal to 1"),
        ({"speed": "9"}, "speed", "1.5"),
        ({"language": "deutsch!"}, "language", ""),
        ({"max_output_tokens": "9000"}, "max_output_tokens", "4096"),
        ({"max_output_tokens": "many"}, "max_output_tokens", ""),
        ({"truncation": "retention_ratio", "retention_ratio": "2"}, "retention_ratio", "1"),
        ({"tools": "[\n{]"}, "tools", "Line 2, column 2"),
        ({"tools": "{}"}, "tools", "Must be a list"),
        ({"tools": '[{"type": "function", "name": "a"},\n {"type": "function"}]'}, "tools", "Tool in line 2"),
        ({"tools": '[{"type": "function", "name": "a", "parameters": {"x": NaN}}]'}, "tools", "cannot be stored"),
        ({"tools": '[{"type": "function", "name": "a", "description": "\\u0000"}]'}, "tools", "cannot be stored"),
        ({"tool_choice": "missing"}, "tool_choice", "no function"),
        ({"other": '{"temperature": 1}'}, "other", "temperature"),
        ({"other": '{"output_modalities": ["smell"]}'}, "other", "output_modalities"),
        ({"name": ""}, "name", "required"),
        ({"threshold": "loud"}, "threshold", "number"),
    ],
)
def test_the_field_that_the_provider_would_refuse_says_why(acme, adam, url, changes, field, words):
    answer = adam.client.post(url, typed(adam, url, **changes))
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert list(errors) == [field]
    assert words in errors[field][0]
    assert answer.context["form"][field].value() == changes[field]
    with tenant_scope(acme.id):
        assert stored().settings == SETTINGS


def test_a_save_over_a_newer_one_shows_the_difference_and_asks(acme, adam, olivia, agent, url):
    mine = typed(adam, url, voice="ash")
    olivia.client.post(url, typed(olivia, url, voice="cedar", speed="1.1"))
    answer = adam.client.post(url, mine)
    assert answer.status_code == 409
    assert [row[0] for row in answer.context["differing"]] == ["Voice", "Speed of speech"]
    assert ("Voice", "cedar", "ash") in answer.context["differing"]
    with tenant_scope(acme.id):
        assert stored().voice == "cedar"
    again = {**mine, "seen": answer.context["seen"]}
    assert adam.client.post(url, again).status_code == 302
    with tenant_scope(acme.id):
        assert stored().voice == "ash"


def test_an_agent_that_routes_lead_to_is_not_removed(acme, adam, agent):
    factories.make_route(agent, "+4930*")
    answer = adam.client.post(reverse("agent_remove", args=["acme", agent.code]), follow=True)
    assert "+4930*; change or remove these first" in answer.content.decode()
    with tenant_scope(acme.id):
        assert stored().archived_at is None


def test_an_agent_is_put_away_and_brought_back(acme, adam, agent):
    factories.make_call(acme, agent=agent, state="ended")
    page = adam.client.post(reverse("agent_remove", args=["acme", agent.code]), follow=True)
    assert [row.agent.name for row in page.context["away"]] == ["Nora"]
    page = adam.client.post(reverse("agent_restore", args=["acme", agent.code]), follow=True)
    assert page.context["agent"].archived_at is None


def test_where_it_is_used(acme, adam, agent):
    factories.make_call(acme, agent=agent)
    factories.make_route(agent, "*")
    context = adam.client.get(reverse("agent_used", args=["acme", agent.code])).context
    assert [route.number for route in context["routes"]] == ["*"]
    assert context["running"] == [(1, 1)]


def test_markup_in_a_name_is_text(acme, adam):
    factories.make_agent(acme, name="<script>alert(1)</script>")
    assert "<script>alert" not in adam.client.get(reverse("agents", args=["acme"])).content.decode()


def test_tools_are_shown_as_they_were_written(adam, url):
    assert json.loads(typed(adam, url)["tools"]) == SETTINGS["tools"]
    assert session_settings.pretty({"ü": 1}) == '{\n  "ü": 1\n}'
