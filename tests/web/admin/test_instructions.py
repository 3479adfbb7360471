"""Instructions: drafts, differences, publishing with what it touches, and two admins at the same text."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.models import InstructionVersion
from calls.tenancy import tenant_scope
from tests import factories


@pytest.fixture
def agent(acme):
    return factories.make_agent(acme, name="Nora", instructions="Offer a callback within two days.")


@pytest.fixture
def url(agent):
    return reverse("agent", args=["acme", agent.code])


def publish_url(agent, number):
    return reverse("agent_publish", args=["acme", agent.code, number])


def numbers(tenant):
    with tenant_scope(tenant.id):
        return list(InstructionVersion.objects.order_by("number").values_list("number", "text", "note"))


def published(tenant):
    with tenant_scope(tenant.id):
        return InstructionVersion.objects.get(published_at__isnull=False).number


NEW = "Offer a callback the same day."


def test_saving_makes_the_next_version_and_publishes_nothing(acme, adam, url):
    answer = adam.client.post(
        url, {"text": NEW.replace(" ", "\r\n", 1), "note": "sooner", "latest_seen": 1, "step": "save"}
    )
    assert answer.url == url
    assert numbers(acme)[1] == (2, NEW.replace(" ", "\n", 1), "sooner")
    assert published(acme) == 1


def test_save_and_publish_asks_first(acme, adam, agent, url):
    answer = adam.client.post(url, {"text": NEW, "latest_seen": 1, "step": "publish"})
    assert answer.url == publish_url(agent, 2)
    assert published(acme) == 1


def test_differences_are_shown_without_saving(acme, adam, url):
    answer = adam.client.post(url, {"text": NEW, "latest_seen": 1, "against": "1", "step": "compare"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<del> within two days.</del><ins> the same day.</ins>" in page
    assert NEW in page
    assert len(numbers(acme)) == 1


def test_publishing_tells_who_keeps_the_old_version(acme, adam, agent):
    for _ in range(3):
        factories.make_call(acme, agent=agent)
    factories.make_version(agent, NEW, published=False)
    factories.make_route(agent, "+4930*")
    page = adam.client.get(publish_url(agent, 2))
    words = " ".join(page.content.decode().split())
    assert "<b>3 live calls</b> keep v1 until they end" in words
    assert "<b>v2</b> instead of v1: +4930*" in words
    assert "<ins> the same day.</ins>" in words
    assert adam.client.post(publish_url(agent, 2), {"published_seen": "1"}).status_code == 302
    assert published(acme) == 2


def test_an_older_version_rolls_back(acme, adam, agent):
    factories.make_version(agent, NEW)
    assert "Roll back to v1?" in adam.client.get(publish_url(agent, 1)).content.decode()
    adam.client.post(publish_url(agent, 1), {"published_seen": "2"})
    assert published(acme) == 1


def test_who_writes_over_another_sees_theirs_and_keeps_the_text(acme, adam, olivia, url):
    olivia.client.post(url, {"text": "Olivia's.", "latest_seen": 1, "step": "save"})
    answer = adam.client.post(url, {"text": NEW, "latest_seen": 1, "step": "save"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "V2 was written by Olivia while you were editing." in page or "v2 was written by Olivia" in page
    assert NEW in page
    assert "<del>Olivia&#x27;s.</del>" in page
    assert len(numbers(acme)) == 2
    assert (
        adam.client.post(url, {"text": NEW, "latest_seen": answer.context["last"], "step": "save"}).status_code == 302
    )
    assert len(numbers(acme)) == 3


def test_who_publishes_over_another_is_shown_the_new_difference(acme, adam, olivia, agent):
    factories.make_version(agent, "Two.", published=False)
    factories.make_version(agent, "Three.", published=False)
    olivia.client.post(publish_url(agent, 2), {"published_seen": "1"})
    answer = adam.client.post(publish_url(agent, 3), {"published_seen": "1"})
    assert answer.status_code == 409
    assert "v2 was published while you were reading" in answer.content.decode()
    assert published(acme) == 2
    adam.client.post(publish_url(agent, 3), {"published_seen": "2"})
    assert published(acme) == 3


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "   \n"}, "text"),
        ({"text": "x" * 100_001}, "text"),
        ({"text": "a", "note": "n" * 201}, "note"),
    ],
)
def test_what_cannot_be_saved_says_why_and_is_kept(acme, adam, url, data, field):
    answer = adam.client.post(url, {"latest_seen": 1, "step": "save", **data})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert answer.context["form"][field].value() == data[field]
    assert len(numbers(acme)) == 1


def test_versions_are_listed_with_author_note_and_live_calls(acme, adam, agent):
    factories.make_version(agent, NEW, note="sooner", author=adam.user)
    factories.make_call(acme, agent=agent)
    url = reverse("agent_versions", args=["acme", agent.code])
    page = adam.client.get(f"{url}?show=2")
    words = page.content.decode()
    assert [version.number for version in page.context["versions"]] == [2, 1]
    assert page.context["live"] == {2: 1}
    assert "sooner" in words and "Adam" in words and "Roll back…" in words
    assert page.context["against"].number == 1
    assert "<ins>" not in adam.client.get(f"{url}?show=1").content.decode()
    assert adam.client.get(f"{url}?show=9").status_code == 404


def test_an_older_text_can_be_edited_anew(adam, agent, url):
    factories.make_version(agent, NEW)
    page = adam.client.get(f"{url}?from=1")
    assert page.context["form"]["text"].value() == "Offer a callback within two days."
    assert page.context["last"] == 2


def test_markup_in_instructions_is_text(adam, agent, url):
    factories.make_version(agent, "<script>alert(1)</script></textarea>")
    for address in (url, publish_url(agent, 2), publish_url(agent, 1)):
        page = adam.client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page
