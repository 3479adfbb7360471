"""Everything the simulated provider knows: accounts, calls, faults, and how a call comes into being.

Speaks no HTTP; `server.py` and `control.py` do.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
import hmac
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calls.simulator import scenarios
from calls.simulator.call import Birth, Call
from calls.simulator.clock import Clock
from calls.simulator.faults import STRIKES, Fault, Faults
from calls.simulator.identifiers import Mint
from calls.simulator.ledger import Ledger
from calls.simulator.play import Play
from calls.simulator.scenarios import people
from calls.simulator.webhooks import Account, Courier, Invitation
from calls.simulator.wire import Json

ENDED_KEPT = 2000


@dataclass(frozen=True, slots=True)
class Order:
    """A call somebody wants to have; what is left open is drawn."""

    scenario: str = "mix"
    account: int | None = None
    caller: str | None = None
    dialled: str | None = None
    speed: float | None = None
    faults: Sequence[object] = ()
    call_id: str | None = None
    seed: int | None = None
    session_created: bool | None = None
    audio_deltas: bool = False


class BadOrder(ValueError):
    """Such a call cannot be made."""


class Provider:
    """The provider behind one port."""

    def __init__(self, accounts: Sequence[Account], courier: Courier, ledger: Ledger, *, speed: float = 1.0) -> None:
        self.accounts = tuple(accounts)
        self.ledger = ledger
        self.speed = speed
        self.patience = 30.0
        """Seconds that a caller lets it ring."""
        self.greeting_waits = 4.0
        """Seconds that the first word waits for a first socket."""
        self.least_patience_s = self.least_greeting_s = 0.0
        """Both wait at least so long in real time, however fast the call"""
        self.faults = Faults()
        self.taking_calls = True
        self.calls: dict[str, Call] = {}
        self.over: collections.OrderedDict[str, Json] = collections.OrderedDict()
        """The last ended calls, as they were shown."""
        self._courier = courier
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- accounts

    def account_of(self, bearer: str) -> int | None:
        """The account with this key."""
        for n, account in enumerate(self.accounts):
            if hmac.compare_digest(account.api_key.encode(), bearer.encode(errors="replace")):
                return n
        return None

    def find(self, call_id: str, account: int) -> Call | None:
        """A call that is not over, if it is this account's."""
        call = self.calls.get(call_id)
        return call if call is not None and call.birth.account == account else None

    # -- calls

    def place(self, order: Order) -> Call:
        """Let a caller dial. The call rings, and the tenant is told."""
        dice = random.Random(order.seed)
        scenario = scenarios.chosen(order.scenario, dice)
        if scenario is None:
            raise BadOrder(f"no scenario named {order.scenario}")
        account = dice.randrange(len(self.accounts)) if order.account is None else order.account
        if not 0 <= account < len(self.accounts):
            raise BadOrder(f"no account {account}")
        if order.call_id in self.calls:
            raise BadOrder(f"call {order.call_id} exists")
        announces = scenario.announces_session if order.session_created is None else order.session_created
        clock = Clock(order.speed or self.speed)
        call = Call(
            Birth(
                invitation=self._invitation(order, self.accounts[account], dice),
                account=account,
                scenario=scenario.name,
                clock=clock,
                dice=dice,
                ledger=self.ledger,
                faults=(Faults(order.faults), self.faults),
                announces_session=announces,
                audio_deltas=order.audio_deltas,
                greeting_waits=max(self.greeting_waits, self.least_greeting_s * clock.speed),
            )
        )
        call.force_session(scenario.session)
        self.calls[call.id] = call
        call.mark("ringing", scenario=scenario.name, account=account)
        trade = self.accounts[account].trades.get(call.birth.invitation.dialled, "")
        call.spawn(Play(call, scenario.write(dice, trade)).run())
        self.keep(self._watch(call))
        self.keep(self._courier.deliver(call.birth.invitation, call.clock, list(call.birth.faults)))
        return call

    def _invitation(self, order: Order, account: Account, dice: random.Random) -> Invitation:
        caller = people.caller(dice)
        return Invitation(
            call_id=order.call_id or Mint().call(),
            caller=order.caller or caller.number,
            caller_name=caller.name,
            dialled=order.dialled or dice.choice(account.numbers),
            account=account,
        )

    async def _watch(self, call: Call) -> None:
        """A caller who is not answered gives up; an ended call is put away."""
        patience = max(self.patience, self.least_patience_s * call.clock.speed)
        if not await call.clock.wait(call.ended, patience) and call.leg == "ringing":
            call.end("never_accepted")
        await call.ended.wait()
        self.over[call.id] = shown(call)
        if len(self.over) > ENDED_KEPT:
            self.over.popitem(last=False)
        del self.calls[call.id]

    def keep(self, work: Any) -> asyncio.Task[Any]:
        """Run something beside, for as long as the provider lives."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def switch_on(self, fault: Fault) -> None:
        """A fault for everybody. One that strikes does so now, and every `every_s` while it lasts."""
        if fault.name in STRIKES:
            self.keep(self._strike(fault))
        else:
            self.faults.add(fault)

    async def _strike(self, fault: Fault) -> None:
        while fault.active():
            for call in list(self.calls.values()):
                call.strike(fault)
            every = fault.options.get("every_s")
            if fault.until is None or every is None:
                return
            await asyncio.sleep(float(every))

    async def stop(self, outcome: str) -> None:
        """End every call and all work."""
        self.taking_calls = False
        for call in list(self.calls.values()):
            call.end(outcome)
        await asyncio.sleep(0)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def shown(call: Call) -> Json:
    """A call for the control port."""
    invitation = call.birth.invitation
    return {
        "call_id": call.id,
        "account": call.birth.account,
        "scenario": call.birth.scenario,
        "from": invitation.caller,
        "to": invitation.dialled,
        "state": call.leg,
        "outcome": call.outcome,
        "accepts": call.accepts,
        "sockets": len(call.sockets),
        "frames": call.frames,
        "turns": len(call.conversation.items),
        "started_at": call.started_at,
        "answered_at": call.answered_at or None,
        "ended_at": call.ended_at or None,
        "speed": call.clock.speed,
        "faults": call.birth.faults[0].listed(),
    }


def draw(seed: int | None, *parts: object) -> int | None:
    """A seed for one call out of many, or none."""
    if seed is None:
        return None
    return int.from_bytes(hashlib.blake2b(repr((seed, *parts)).encode(), digest_size=7).digest())
