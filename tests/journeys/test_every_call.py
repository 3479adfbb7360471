"""Every way in which a call can go, and every way in which the provider can fail, all at the same time.

The calls are placed once; each test waits for its own and asks what became of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from calls.simulator.faults import CLOSE_CODES
from calls.simulator.scenarios import BY_NAME
from tests.rig.machine import Rig
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.journey

LIMIT_S = 120.0
STEERED = 1.0
"""Speed of calls in which something of the product's own clock runs out (a ping 30 s, a transfer 30 s)"""
FRAMES = ("malformed", "oversized", "unknown", "missing_fields", "nul_and_surrogates", "flood")


def _strike(name: str, **options: Any) -> dict[str, Any]:
    """Early in the call, so that much of it comes after."""
    return {"name": name, "after_s": 8} | options


ORDERS: Mapping[str, dict[str, Any]] = {
    **{f"played {name}": {"scenario": name} for name in BY_NAME},
    "webhook doubled": {"faults": ["webhook_doubled"], "speed": 5},
    "webhook under two ids": {"faults": [{"name": "webhook_doubled", "new_id": True}], "speed": 5},
    "webhook late": {"faults": [{"name": "webhook_late", "delay_s": 10}], "speed": 5},
    "webhook shuffled 1": {"faults": [{"name": "webhook_shuffled", "within_s": 10}], "speed": 5},
    "webhook shuffled 2": {"faults": [{"name": "webhook_shuffled", "within_s": 10}], "speed": 5},
    "webhook old": {"faults": ["webhook_old"]},
    "accept 404": {"faults": ["accept_404"]},
    "accept 429": {"faults": [{"name": "accept_429", "times": 1}], "speed": 5},
    "accept 500": {"faults": [{"name": "accept_500", "times": 1}], "speed": 5},
    "accept slow": {"faults": ["accept_slow"], "speed": 5},
    "accept dead": {"faults": ["accept_dead"], "speed": 5},
    "dial 404": {"faults": ["dial_404"], "speed": 5},
    "dial 500": {"faults": ["dial_500"], "speed": 5},
    "socket silent": {"scenario": "long_chat", "faults": [_strike("stall", after_s=2)], "speed": STEERED},
    **{f"closed {code}": {"faults": [_strike(f"close_{code}")], "speed": 8} for code in CLOSE_CODES},
    "closed by reset": {"faults": [_strike("close_1006", reset=True)], "speed": 8},
    **{f"sent {name}": {"faults": [_strike(name)], "speed": 8} for name in FRAMES},
    "refer silent": {"scenario": "long_chat", "faults": ["refer_silent"], "speed": STEERED},
}


@dataclass
class Placed:
    """The calls by the names of their orders."""

    rig: Rig
    ids: dict[str, str]
    silent_transfer: str
    """The command whose transfer will never happen"""

    def settled(self, prefix: str) -> dict[str, tuple[str, str]]:
        """State and reason of the calls whose orders begin so, once they are over."""
        ids = {name: call_id for name, call_id in self.ids.items() if name.startswith(prefix)}
        self.rig.settle(*ids.values(), limit=LIMIT_S)
        query = "select call_id, state, end_reason from calls_call where call_id = any(%s)"
        rows = {row[0]: (row[1], row[2]) for row in self.rig.rows(query, list(ids.values()))}
        return {name: rows[call_id] for name, call_id in ids.items()}

    def gaps(self, name: str) -> list[tuple[str, float]]:
        """Cause and length in seconds."""
        query = """select g.cause, extract(epoch from g.ended_at - g.started_at)::float8
                   from calls_gap g join calls_call c on c.id = g.call_id where c.call_id = %s order by g.started_at"""
        return [(row[0], row[1]) for row in self.rig.rows(query, self.ids[name])]


@pytest.fixture(scope="module")
def placed(shared_rig: Rig) -> Placed:
    """Two tenants take turns. The call that nobody answers a transfer of is transferred as soon as it can be."""
    ids: dict[str, str] = {}
    for n, (name, order) in enumerate(ORDERS.items()):
        account = 0 if name == "refer silent" else n % 2
        ids[name] = shared_rig.provider.place(**{"scenario": "noise_turn", "account": account, "seed": n} | order)
    silent = ids["refer silent"]
    shared_rig.wait_until_attached(silent)
    answer = shared_rig.person("supervisor").command("acme", shared_rig.code(silent), "transfer", "tel:+442079460999")
    assert answer.status == 201
    return Placed(shared_rig, ids, answer.json()["id"])


def test_every_scenario_is_played_to_its_end(rig: Rig, placed: Placed) -> None:
    states = placed.settled("played")
    assert states.keys() == {f"played {name}" for name in rig.provider.scenarios()}
    assert {state for state, _ in states.values()} == {"ended"}
    assert states["played session_cap"] == ("ended", "max_duration")
    assert states["played caller_hang_up_mid_reply"] == ("ended", "remote_hang_up")


def test_a_sideband_that_dropped_is_resumed_and_the_stretch_is_shown(rig: Rig, placed: Placed) -> None:
    placed.settled("played drop_and_resume")
    gaps = placed.gaps("played drop_and_resume")
    assert [cause for cause, _ in gaps] == ["socket_closed", "socket_closed"]


def test_webhooks_that_come_twice_late_or_shuffled_open_one_call_each(rig: Rig, placed: Placed) -> None:
    states = placed.settled("webhook")
    assert states.pop("webhook old") == ("missed", "too_old")
    assert set(states.values()) == {("ended", "remote_hang_up")}
    truths = rig.provider.truths()
    assert {truths[placed.ids[name]]["accepts"] for name in states} == {1}
    assert truths[placed.ids["webhook old"]]["accepts"] == 0
    counts = rig.rows("select call_id, count(*) from calls_call group by 1 having count(*) > 1")
    assert counts == []
    deliveries = rig.provider.lines("webhook", placed.ids["webhook under two ids"])
    assert [line["status"] for line in deliveries] == [200, 200]


def test_an_accept_that_fails_is_tried_again_or_the_call_is_missed(rig: Rig, placed: Placed) -> None:
    states = placed.settled("accept")
    assert states["accept 404"] == ("missed", "not_accepted")
    assert states["accept dead"] == ("missed", "not_accepted")
    for name in ("accept 429", "accept 500", "accept slow"):
        assert states[name][0] == "ended", name
        answers = [line["status"] for line in rig.provider.requests(placed.ids[name], "accept")]
        assert answers[-1] == 200
        assert answers.count(200) == 1


def test_a_leg_that_is_being_set_up_is_dialled_until_it_answers(rig: Rig, placed: Placed) -> None:
    states = placed.settled("dial")
    assert {state for state, _ in states.values()} == {"ended"}
    answers = [line["status"] for line in rig.provider.requests(placed.ids["dial 404"], "dial")]
    # The last one, after the end, is how the end is known.
    assert answers.count(101) == 1
    assert answers[-1] == 404


def test_no_close_code_ends_a_call_that_lives_on(rig: Rig, placed: Placed) -> None:
    states = placed.settled("closed")
    assert set(states.values()) == {("ended", "remote_hang_up")}
    for name in states:
        gaps = placed.gaps(name)
        assert [cause for cause, _ in gaps] == ["socket_closed"], name


def test_nonsense_from_the_provider_costs_nothing_but_itself(rig: Rig, placed: Placed) -> None:
    states = placed.settled("sent")
    assert {state for state, _ in states.values()} == {"ended"}
    odd = rig.rows("select oddities from calls_call where call_id = %s", placed.ids["sent malformed"])
    assert odd[0][0] > 0
    # A frame over the limit closes the socket; the call is attached to again.
    assert [cause for cause, _ in placed.gaps("sent oversized")] in ([], ["socket_closed"])


def test_a_socket_that_fell_silent_is_noticed_and_dialled_again(rig: Rig, placed: Placed) -> None:
    call_id = placed.ids["socket silent"]
    query = "select count(*) from calls_gap g join calls_call c on c.id = g.call_id where c.call_id = %s"
    wait_until(lambda: rig.rows(query, call_id)[0][0], LIMIT_S, "the silence to be noticed")
    rig.provider.hang_up(call_id)
    assert placed.settled("socket silent")["socket silent"] == ("ended", "remote_hang_up")


def test_a_transfer_that_never_happens_is_shown_as_not_confirmed(rig: Rig, placed: Placed) -> None:
    query = "select state from calls_command where id = %s and state not in ('requested', 'claimed', 'sent')"
    settled = wait_until(lambda: rig.rows(query, placed.silent_transfer), LIMIT_S, "the transfer to be settled")
    assert settled == [("not_confirmed",)]
    call_id = placed.ids["refer silent"]
    assert rig.state(call_id) == "active", "the caller is still on the line"
    assert [line["status"] for line in rig.provider.requests(call_id, "refer")] == [200]
    rig.provider.hang_up(call_id)
    assert placed.settled("refer silent")["refer silent"] == ("ended", "remote_hang_up")


def test_ledger_and_database_agree_on_every_call(rig: Rig, placed: Placed) -> None:
    """The last word on all of the above: calls, final turns and token sums, to the letter."""
    rig.settle(*placed.ids.values(), limit=LIMIT_S)
    names = {call_id: name for name, call_id in placed.ids.items()}
    found = [{"order": names[one["call_id"]], **one} for one in rig.differences(*names)]
    assert found == []
