"""Commands by plain form and by script: same rules, same command; what is refused says why."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.models import Command
from calls.tenancy import tenant_scope
from tests import factories

JSON = {"accept": "application/json"}


@pytest.fixture
def call(acme):
    return factories.make_call(acme)


def post(person, call, *, script=True, **data):
    url = reverse("command", args=["acme", call.code])
    return person.client.post(url, {"key": "key-1", "text": "", **data}, headers=JSON if script else {})


def stored(call):
    with tenant_scope(call.tenant_id):
        return list(Command.objects.filter(call=call))


def test_a_script_gets_the_command(sam, call):
    answer = post(sam, call, verb="inform", text="Card under\r\nreview")
    assert answer.status_code == 201
    assert answer.json()["state"] == "requested"
    assert answer.json()["text"] == "Card under\nreview"
    assert [str(command.id) for command in stored(call)] == [answer.json()["id"]]


def test_a_form_goes_back_to_the_call_with_a_message(sam, call):
    answer = post(sam, call, script=False, verb="say", text="One moment")
    assert answer.status_code == 302
    assert answer.url == reverse("call", args=["acme", call.code])
    assert "Say: requested." in sam.client.get(answer.url).content.decode()


def test_the_same_key_is_the_same_command(sam, call):
    first, second = (post(sam, call, verb="inform", text="Once") for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert len(stored(call)) == 1


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"verb": "inform", "text": "  "}, "text"),
        ({"verb": "dance"}, "verb"),
        ({"verb": "transfer", "text": "nonsense"}, "text"),
        ({"verb": "hang_up", "key": ""}, "key"),
        ({"verb": "hang_up", "key": "k" * 65}, "key"),
        ({"verb": "say", "text": "x" * 8001}, "text"),
        ({"verb": "say", "text": "a\x00b"}, "text"),
    ],
)
def test_what_cannot_be_used_names_its_field(sam, call, data, field):
    answer = post(sam, call, **data)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["message"].endswith((".", "!"))
    assert stored(call) == []


def test_a_form_that_is_refused_says_why_and_stores_nothing(sam, call):
    answer = post(sam, call, script=False, verb="transfer", text="nonsense")
    assert answer.status_code == 302
    assert 'data-tone="error"' in sam.client.get(answer.url).content.decode()
    assert stored(call) == []


def test_a_call_that_is_over_takes_no_command(sam, acme):
    call = factories.make_call(acme, state="ended", ended_at=factories.NOON)
    answer = post(sam, call, verb="hang_up")
    assert answer.status_code == 409
    assert answer.json()["message"] == "The call is over."


def test_a_role_that_may_only_look_is_refused(ana, call):
    answer = post(ana, call, verb="inform", text="hello")
    assert answer.status_code == 403
    assert "owner, admin and supervisor" in answer.json()["message"]


def test_looking_changes_nothing(sam, call):
    assert sam.client.get(reverse("command", args=["acme", call.code])).status_code == 405
