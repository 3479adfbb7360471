"""Faults by name: which exist, which are switched on, and for how long.

Decides nothing about a call; whoever does a thing asks here whether it should go wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from calls.simulator.wire import Json

CLOSE_CODES = (1000, 1001, 1006, 1008, 1011, 1012, 1013, 4000)

WEBHOOK_FAULTS = {
    "webhook_late": "delivered delay_s later (20)",
    "webhook_doubled": "delivered copies (2) times at once; new_id: each with its own delivery id",
    "webhook_shuffled": "held up to within_s (3), so that calls overtake one another",
    "webhook_old": "created_at lies age_s (600) back, signature fresh",
}
VERB_FAULTS = {
    "accept_dead": "200, then the sideband answers 404 for ever",
    "accept_404": "the caller is gone",
    "accept_429": "too many requests",
    "accept_500": "provider failure",
    "accept_slow": "answers after delay_s (5.3)",
    "accept_mute": "takes the call at once, answers after delay_s (20) of real time",
    "dial_404": "refuses times (3) dials",
    "dial_429": "refuses times (3) dials",
    "dial_500": "refuses times (3) dials",
    "refer_500": "provider failure",
    "refer_silent": "200 and nothing happens",
    "hangup_500": "provider failure",
    "hangup_mute": "hangs up at once, answers after delay_s (20) of real time",
    "item_never_added": "conversation.item.create is swallowed",
}
STRIKES = {
    "stall": "the sockets of the moment go silent: no frames, no pong",
    "malformed": "broken JSON",
    "nested": "an event with an array of 10,000 levels in it",
    "oversized": "one frame of bytes (5 MiB)",
    "unknown": "an event type nobody knows",
    "missing_fields": "known types without their fields",
    "nul_and_surrogates": "text with NUL and lone surrogates",
    "flood": "frames (1000) deltas at once, of words that are over; spoken: per_s (500) of a reply for lasts_s (5)",
    **{f"close_{code}": f"closes the sockets with {code}" for code in CLOSE_CODES},
}
"""Faults that happen to a live call at a moment, rather than to something asked of it."""

EVERY_FAULT = {**WEBHOOK_FAULTS, **VERB_FAULTS, **STRIKES}
# Unless a time or a number is given, these wear off.
LIMITED = {"dial_404": 3, "dial_429": 3, "dial_500": 3}


class NoSuchFault(ValueError):
    """The name is not in EVERY_FAULT."""


@dataclass(slots=True)
class Fault:
    """One fault that is switched on."""

    name: str
    options: Json = field(default_factory=dict)
    until: float | None = None
    times: int | None = None

    def active(self) -> bool:
        return (self.times is None or self.times > 0) and (self.until is None or time.monotonic() < self.until)


def parsed(given: object) -> Fault:
    """A fault from its name, or from {name, for_s, options} (options may lie beside the name)."""
    if isinstance(given, str):
        given = {"name": given}
    if not isinstance(given, dict) or given.get("name") not in EVERY_FAULT:
        raise NoSuchFault(str(given.get("name") if isinstance(given, dict) else given))
    name = given["name"]
    options = {key: value for key, value in given.items() if key not in ("name", "for_s", "options")}
    options |= given.get("options") or {}
    for_s = given.get("for_s")
    return Fault(
        name=name,
        options=options,
        until=time.monotonic() + float(for_s) if for_s is not None else None,
        times=int(options["times"]) if "times" in options else LIMITED.get(name) if for_s is None else None,
    )


class Faults:
    """The faults of one call, or of the whole provider."""

    def __init__(self, given: Iterable[object] = ()) -> None:
        self._faults = [parsed(one) for one in given]

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self, name: str | None = None) -> None:
        self._faults = [fault for fault in self._faults if name is not None and fault.name != name]

    def take(self, name: str) -> Json | None:
        """The options of the fault if it is on (one of its times is used up), else None."""
        for fault in self._faults:
            if fault.name == name and fault.active():
                if fault.times is not None:
                    fault.times -= 1
                return fault.options
        return None

    def strikes(self) -> list[Fault]:
        return [fault for fault in self._faults if fault.name in STRIKES and fault.active()]

    def listed(self) -> list[Json]:
        now = time.monotonic()
        return [
            {
                "name": fault.name,
                "options": fault.options,
                "for_s": None if fault.until is None else round(fault.until - now, 3),
                "times": fault.times,
            }
            for fault in self._faults
            if fault.active()
        ]
