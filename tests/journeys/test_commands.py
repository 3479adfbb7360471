"""What a supervisor asks of a call: believed only when the provider itself proves it, and never done twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.rig.browser import Browser
from tests.rig.machine import Rig
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.journey

NATURAL = 1.0
OVER = {"confirmed", "refused", "not_confirmed", "expired", "cancelled"}


class Line:
    """One live call of acme's, its screen, and the supervisor at it."""

    def __init__(self, rig: Rig, **order: Any) -> None:
        self.rig = rig
        self.call_id = rig.provider.place(account=0, **{"speed": NATURAL} | order)
        self.code = rig.code(self.call_id)
        self.sam: Browser = rig.person("supervisor")
        self.screen = rig.watcher("tenant", f"call:{self.code}")
        rig.wait_until_attached(self.call_id)

    @property
    def shown(self) -> dict[str, Any]:
        return self.screen.picture.call(self.code)

    def ask(self, verb: str, text: str = "", *, key: str = "") -> str:
        """Returns the id of the command."""
        answer = self.sam.command("acme", self.code, verb, text, key=key)
        assert answer.status == 201, answer.text
        assert answer.json()["state"] == "requested"
        return str(answer.json()["id"])

    def settled(self, command: str, limit: float = LIMIT_S) -> dict[str, Any]:
        """The command as the screen shows it, once nothing more will happen to it."""

        def shown() -> dict[str, Any] | None:
            found = [one for one in self.shown["commands"] if one["id"] == command]
            return found[0] if found and found[0]["state"] in OVER else None

        wait_until(lambda: shown() is not None, limit, f"{command} to be settled")
        return shown() or {}

    def wait_for_speech(self) -> None:
        """Until the agent is being played to the caller."""
        seen = self.rig.provider
        wait_until(lambda: seen.frames(self.call_id, "output_audio_buffer.started"), LIMIT_S, "the agent to speak")


@pytest.fixture(scope="module")
def steered() -> list[str]:
    """Every call of this module, for the comparison at its end."""
    return []


@pytest.fixture
def line(rig: Rig, steered: list[str], request: pytest.FixtureRequest) -> Iterator[Line]:
    """A long chat at its natural pace, ended afterwards if it was not. An indirect parameter changes the order."""
    made = Line(rig, **{"scenario": "long_chat", "seed": 7} | getattr(request, "param", {}))
    with made.screen:
        made.screen.wait()
        yield made
        if any(one["call_id"] == made.call_id for one in rig.provider.live()):
            rig.provider.hang_up(made.call_id)
        rig.settle(made.call_id)
    steered.append(made.call_id)


def _times(command: dict[str, Any]) -> list[str]:
    return [command[name] or "" for name in ("requested_at", "sent_at", "settled_at")]


def test_words_to_the_agent_are_confirmed_by_what_the_provider_says(rig: Rig, line: Line) -> None:
    line.wait_for_speech()
    inform = line.settled(line.ask("inform", "The caller waited 20 minutes."))
    instruct = line.settled(line.ask("instruct", "You are Nora. Speak slowly."))
    say = line.settled(line.ask("say", "One moment please."))
    for command in (inform, instruct, say):
        assert command["state"] == "confirmed", command
        assert _times(command) == sorted(_times(command))
        assert all(_times(command))
        assert command["by"] == "supervisor@acme.example"

    added = [event["item"]["id"] for event in rig.provider.frames(line.call_id, "conversation.item.added")]
    assert inform["id"].replace("-", "") in added
    updated = [event["session"]["instructions"] for event in rig.provider.frames(line.call_id, "session.updated")]
    assert updated[-1] == "You are Nora. Speak slowly."
    created = rig.provider.frames(line.call_id, "response.created")
    marks = [(event["response"].get("metadata") or {}).get("command") for event in created]
    assert say["id"].replace("-", "") in marks


def test_stop_talking_silences_the_agent(rig: Rig, line: Line) -> None:
    line.wait_for_speech()
    stopped = line.settled(line.ask("stop_talking"))
    assert stopped["state"] == "confirmed", stopped
    cut = rig.provider.frames(line.call_id, "output_audio_buffer.cleared")
    cancelled = [
        e for e in rig.provider.frames(line.call_id, "response.done") if e["response"]["status"] == "cancelled"
    ]
    assert cut or cancelled


# After the greetings of application and script nobody says a word for six seconds.
@pytest.mark.parametrize("line", [{"scenario": "silence_timeout"}], indirect=True)
def test_there_is_nothing_to_stop_where_nothing_plays(rig: Rig, line: Line) -> None:
    spoken = rig.provider
    wait_until(
        lambda: len(spoken.frames(line.call_id, "output_audio_buffer.stopped")) == 2,
        LIMIT_S,
        "the greetings to be over",
    )
    command = line.settled(line.ask("stop_talking"))
    assert command["state"] == "refused", command
    assert command["detail"]


def test_a_transfer_is_confirmed_by_the_end_of_the_leg(rig: Rig, line: Line) -> None:
    command = line.settled(line.ask("transfer", "tel:+442079460999"))
    assert command["state"] == "confirmed", command
    assert [one["status"] for one in rig.provider.requests(line.call_id, "refer")] == [200]
    assert rig.provider.truths()[line.call_id]["outcome"] == "transferred"
    assert rig.wait_for_state(line.call_id, "ended") == "ended"
    wait_until(lambda: line.shown["call"]["end_reason"] == "transferred", LIMIT_S, "the screen to say why")


@pytest.mark.parametrize("line", [{"faults": ["refer_500"]}], indirect=True)
def test_a_transfer_that_the_provider_refuses_is_shown_as_refused(rig: Rig, line: Line) -> None:
    command = line.settled(line.ask("transfer", "tel:+442079460999"))
    assert command["state"] == "refused", command
    assert [one["status"] for one in rig.provider.requests(line.call_id, "refer")] == [500]
    assert rig.state(line.call_id) == "active"


def test_hanging_up_twice_is_one_request_and_one_effect(rig: Rig, line: Line) -> None:
    first = line.ask("hang_up")
    second = line.sam.command("acme", line.code, "hang_up")
    assert (second.status, second.json().get("id")) in {(201, first), (409, None)}
    command = line.settled(first)
    assert command["state"] == "confirmed", command
    assert [one["status"] for one in rig.provider.requests(line.call_id, "hangup")] == [200]
    assert rig.provider.truths()[line.call_id]["outcome"] == "hung_up_by_server"
    wait_until(lambda: line.shown["call"]["end_reason"] == "hung_up", LIMIT_S, "the screen to say why")
    late = line.sam.command("acme", line.code, "inform", "Too late.")
    assert late.status == 409


@pytest.mark.parametrize("line", [{"faults": ["item_never_added"]}], indirect=True)
def test_another_tenants_people_can_neither_read_hear_nor_command_a_call(rig: Rig, line: Line) -> None:
    rival = rig.person("supervisor", "globex")
    with rig.watcher(tenant="globex") as theirs, rig.watcher(role="supervisor", tenant="acme") as ours:
        theirs.wait()
        ours.wait()
        assert theirs.follow("tenant", f"call:{line.code}").picture.gone == {f"call:{line.code}"}
        for slug in ("acme", "globex"):
            assert rival.get(f"/t/{slug}/calls/{line.code}/").status == 404
            assert rival.command(slug, line.code, "hang_up").status == 404
            assert rival.command(slug, line.code, "inform", "Listen to me.").status == 404
        assert rival.get("/t/acme/live/").status == 404
        assert rival.get("/t/acme/calls/").status == 404
        assert line.code not in rival.get("/t/globex/calls/").text
        command = line.settled(line.ask("inform", "Only for acme."))
        assert command["state"] == "not_confirmed", command
        wait_until(lambda: any(line.code in frame for frame in ours.raw), LIMIT_S, "our own screen to hear of the call")
        told = [frame for frame in theirs.raw if not frame.startswith('{"type":"gone"')]
        assert told
        assert not any(line.code in frame or line.call_id in frame for frame in told)
    with rig.watcher(tenant="globex", at="acme") as stranger:
        wait_until(lambda: stranger.closed_with, LIMIT_S, "the rival to be turned away")
    assert stranger.closed_with == 4404
    assert not rig.provider.requests(line.call_id, "hangup")


def test_an_analyst_sees_a_call_and_may_not_steer_it(rig: Rig, line: Line) -> None:
    analyst = rig.person("analyst")
    assert analyst.get(f"/t/acme/calls/{line.code}/").status == 200
    assert analyst.command("acme", line.code, "hang_up").status == 403
    assert not rig.provider.requests(line.call_id, "hangup")


def test_steered_calls_are_stored_as_they_were(rig: Rig, steered: list[str]) -> None:
    """What operators added is part of the truth too."""
    assert rig.differences(*steered) == []
