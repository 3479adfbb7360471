"""What operators may ask of a call, when, and what becomes of it when nobody carries it out."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import connections
from django.utils import timezone

from calls.actions import commands
from calls.domain.commands import TEXT_LIMIT, Verb
from calls.domain.views import iso
from calls.exceptions import CommandRejected, InvalidInput, NotAllowed, NotFound
from calls.models import AuditEntry, Call, CallEvent, Command, TenantEvent
from calls.tenancy import tenant_scope
from tests import factories


@pytest.fixture
def call(acme):
    return factories.make_call(acme)


def ask(call, person, verb="inform", text="She is a VIP.", key=None, settings=None):
    with tenant_scope(person.tenant_id):
        return commands.request(
            call=call.code, verb=verb, text=text, key=key or str(uuid4()), by=person.actor, settings=settings
        )


def asked(tenant):
    with tenant_scope(tenant.id):
        return list(Command.objects.order_by("requested_at"))


def expire(tenant):
    with tenant_scope(tenant.id):
        return commands.settle_overdue()


def test_a_supervisor_asks_and_the_page_is_told(acme, call, sam):
    body = ask(call, sam)
    [command] = asked(acme)
    assert (body["id"], body["state"], body["verb"], body["text"]) == (
        str(command.pk), "requested", "inform", "She is a VIP.",
    )  # fmt: skip
    assert body["by"] == str(sam.user)
    with tenant_scope(acme.id):
        [entry] = CallEvent.objects.all()
        assert (entry.seq, entry.kind, entry.body) == (1, "command", body)
        assert Call.objects.get().last_seq == 1
        assert not TenantEvent.objects.exists()


def test_a_command_is_as_old_as_the_database_says(acme, call, sam, monkeypatch):
    """A host whose clock is behind would ask for nothing but commands that are too old to be claimed."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now - timedelta(minutes=4))
    body = ask(call, sam)
    [command] = asked(acme)
    assert abs(command.requested_at - now) < timedelta(seconds=30)
    assert body["requested_at"] == iso(command.requested_at)


def test_the_audit_says_who_and_what_but_not_the_words(acme, call, sam):
    ask(call, sam)
    with tenant_scope(acme.id):
        entry = AuditEntry.objects.get(verb="call.command_requested")
    assert (entry.actor_id, entry.object_code) == (sam.user.pk, str(call.code))
    assert entry.detail["command_verb"] == "inform"
    assert "VIP" not in str(entry.detail)


def test_the_same_key_is_the_same_command(acme, call, sam):
    first, again = ask(call, sam, key="k1"), ask(call, sam, text="Other words.", key="k1")
    assert again == first
    assert len(asked(acme)) == 1
    assert ask(call, sam, key="k2")["id"] != first["id"]


def test_the_same_key_on_another_call_is_another_command(acme, call, sam):
    assert ask(call, sam, key="k1")["id"] != ask(factories.make_call(acme), sam, key="k1")["id"]


def test_the_second_hang_up_gets_the_first_ones_command(acme, call, sam, adam):
    first = ask(call, sam, "hang_up")
    assert ask(call, adam, "hang_up")["id"] == first["id"]
    assert len(asked(acme)) == 1


def test_a_second_probe_gets_the_first_one_until_it_is_answered(acme, call, sam, adam):
    first = ask(call, sam, "probe")
    assert ask(call, adam, "probe")["id"] == first["id"]
    with tenant_scope(acme.id):
        Command.objects.update(state="confirmed")
    assert ask(call, adam, "probe")["id"] != first["id"]


RUNNING = {
    "model": "gpt-realtime",
    "audio": {
        "input": {"turn_detection": {"type": "server_vad", "threshold": 0.5, "create_response": False}},
        "output": {"voice": "marin", "speed": 1.0},
    },
}


def test_only_what_differs_is_changed_and_the_rest_of_its_field_stays(acme, sam):
    call = factories.make_call(acme, session=RUNNING)
    wanted = {"voice": "marin", "speed": 1.0, "turn_detection": "server_vad", "threshold": 0.7, "tools": False}
    body = ask(call, sam, "session", "not for the list", settings=wanted)
    [command] = asked(acme)
    assert command.settings == {
        "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7, "create_response": False}}},
        "tool_choice": "none",
    }
    assert body["text"] == "Turn detection server_vad, Threshold 0.7, Tools off"


def test_the_agents_own_settings_count_until_the_provider_has_told(acme, sam):
    agent = factories.make_agent(acme, settings={"speed": 1.2, "tool_choice": "required"})
    call = factories.make_call(acme, agent=agent)
    with pytest.raises(InvalidInput, match="nothing would change"):
        ask(call, sam, "session", settings={"speed": 1.2, "tools": True})


def test_the_voice_is_fixed_once_the_agent_has_spoken(acme, sam):
    call = factories.make_call(acme, session=RUNNING)
    factories.make_turn(call, speaker="caller")
    assert ask(call, sam, "session", settings={"voice": "ash"})["text"] == "Voice ash"
    factories.make_turn(call, speaker="agent")
    with pytest.raises(InvalidInput, match="fixed") as caught:
        ask(call, sam, "session", settings={"voice": "cedar"})
    assert caught.value.field == "voice"


@pytest.mark.parametrize("state", ["refused", "not_confirmed", "expired", "cancelled"])
def test_a_hang_up_that_failed_may_be_asked_for_again(acme, call, sam, state):
    failed = factories.make_command(call, verb="hang_up", state=state)
    assert ask(call, sam, "hang_up")["id"] != str(failed.pk)


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("who", ["olivia", "adam", "sam", "ana"])
def test_who_may_ask_for_what(request, call, who, verb):
    person = request.getfixturevalue(who)
    text = "+14155550123" if verb is Verb.TRANSFER else "Hello."
    if who == "ana":
        with pytest.raises(NotAllowed):
            ask(call, person, verb.value, text)
    else:
        settings = {"speed": 1.1} if verb is Verb.SESSION else None
        assert ask(call, person, verb.value, text, settings=settings)["verb"] == verb.value


def test_another_tenants_call_is_not_there(acme, call, rita):
    with pytest.raises(NotFound):
        ask(call, rita)
    assert asked(acme) == []


@pytest.mark.parametrize("state", ["ended", "refused", "missed", "lost"])
def test_nothing_is_asked_of_a_call_that_is_over(acme, sam, state):
    with pytest.raises(CommandRejected, match="over"):
        ask(factories.make_call(acme, state=state), sam, "hang_up")


@pytest.mark.parametrize("state", ["ringing", "accepted"])
def test_a_call_that_is_not_answered_takes_none_yet(acme, sam, state):
    with pytest.raises(CommandRejected, match="not answered yet"):
        ask(factories.make_call(acme, state=state), sam)


def test_one_transfer_at_a_time(acme, sam):
    call = factories.make_call(acme, state="transferring")
    with pytest.raises(CommandRejected, match="under way"):
        ask(call, sam, "transfer", "+14155550123")
    assert ask(call, sam, "hang_up")["state"] == "requested"


@pytest.mark.parametrize(
    ("verb", "text", "key", "field"),
    [
        ("dance", "x", "k", "verb"),
        ("", "x", "k", "verb"),
        ("inform", "", "k", "text"),
        ("say", " \n\x00 ", "k", "text"),
        ("instruct", "x" * (TEXT_LIMIT + 1), "k", "text"),
        ("transfer", "", "k", "text"),
        ("transfer", "12345", "k", "text"),
        ("transfer", "sip:a@b?Header=x", "k", "text"),
        ("inform", "x", "k" * 65, "key"),
    ],
)
def test_what_cannot_be_used_is_refused_by_the_name_of_its_field(acme, call, sam, verb, text, key, field):
    with pytest.raises(InvalidInput) as refusal:
        ask(call, sam, verb, text, key)
    assert refusal.value.field == field
    assert asked(acme) == []


def test_a_key_is_needed(call, sam):
    with tenant_scope(sam.tenant_id), pytest.raises(InvalidInput) as refusal:
        commands.request(call=call.code, verb="hang_up", text="", key="", by=sam.actor)
    assert refusal.value.field == "key"


def test_words_are_trimmed_and_those_of_wordless_verbs_dropped(call, sam):
    assert ask(call, sam, "say", " Good\x00bye. \n")["text"] == "Goodbye."
    assert ask(call, sam, "say", "x" * TEXT_LIMIT)["text"] == "x" * TEXT_LIMIT
    assert ask(call, sam, "hang_up", "whatever")["text"] == ""
    assert ask(call, sam, "transfer", "+1 (415) 555-0123")["text"] == "tel:+14155550123"


def test_what_nobody_claims_expires(acme, call, sam):
    body = ask(call, sam)
    assert expire(acme) == 0
    with tenant_scope(acme.id):
        Command.objects.update(requested_at=timezone.now() - commands.EXPIRES_AFTER - timedelta(seconds=1))
    assert expire(acme) == 1
    assert expire(acme) == 0
    [command] = asked(acme)
    assert (command.state, bool(command.settled_at), bool(command.detail)) == ("expired", True, True)
    with tenant_scope(acme.id):
        told = CallEvent.objects.get(seq=2).body
        assert AuditEntry.objects.filter(verb="call.command_expired").count() == 1
    assert (told["id"], told["state"], told["detail"]) == (body["id"], "expired", command.detail)


def test_a_clock_that_is_ahead_expires_nothing(acme, call, sam, monkeypatch):
    ask(call, sam)
    ahead = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(commands.timezone, "now", lambda: ahead)
    assert expire(acme) == 0


@pytest.mark.parametrize("state", ["claimed", "sent", "confirmed", "not_confirmed"])
def test_what_was_claimed_does_not_expire(acme, call, state):
    factories.make_command(call, state=state)
    with tenant_scope(acme.id):
        Command.objects.update(requested_at=timezone.now() - timedelta(hours=1))
    assert expire(acme) == 0
    assert asked(acme)[0].state == state


def test_another_tenants_commands_do_not_expire_here(acme, globex, call):
    factories.make_command(call)
    with tenant_scope(acme.id):
        Command.objects.update(requested_at=timezone.now() - timedelta(hours=1))
    assert expire(globex) == 0
    assert asked(acme)[0].state == "requested"


def test_the_owner_is_woken_at_the_commit(committed_db, acme, call, sam):
    with psycopg.connect(committed_db, autocommit=True) as listening:
        listening.execute("listen sideband_commands")
        ask(call, sam)
        [notice] = listening.notifies(timeout=5, stop_after=1)
    assert notice.payload == str(call.pk)


def test_eight_people_hang_up_at_once_and_it_is_one_command(committed_db, acme, call, sam):
    answers, start = [], threading.Barrier(8)

    def press():
        try:
            start.wait()
            answers.append(ask(call, sam, "hang_up")["id"])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [command] = asked(acme)
    assert answers == [str(command.pk)] * 8
    with tenant_scope(acme.id):
        assert CallEvent.objects.count() == 1
