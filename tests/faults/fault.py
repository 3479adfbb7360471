"""What a fault is, and the list of all of them. A topic's module registers its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.histories import Histories
    from tests.faults.scene import Scene

Verdict = Callable[["Histories"], Iterable[str]]
Inject = Callable[["Scene"], "Verdict | None"]
Ground = Callable[[Path], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """`inject` breaks something, waits until it is whole again, and says what it expects beyond the invariants.

    What it returns is asked about the histories, when they are whole.
    """

    id: str
    title: str
    expected: str
    inject: Inject
    speed: float = 2.0
    """Of the calls; slow enough that most of them outlive the fault"""
    scenario: str = "long_chat"
    commands: bool = True
    """Operators ask for commands all the while"""
    forgives: tuple[str, ...] = ()
    """Words of log lines that this fault causes (levels error and critical, said once by libraries), forgiven from the
    injection until FORGIVEN_S after all is whole again"""
    outage_s: float = 0.0
    """So long nobody can settle a command: PostgreSQL or all workers are away"""
    clocks_agree: bool = True
    ground: Ground | None = None
    """Makes the directory of a product of its own for each run; without one it shares the product of others"""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Settings of the product; faults with the same ones share it"""


FAULTS: dict[str, Fault] = {}


def fault(id_: str, title: str, expected: str, **more: object) -> Callable[[Inject], Inject]:
    """Register the decorated function."""

    def register(inject: Inject) -> Inject:
        assert id_ not in FAULTS, id_
        FAULTS[id_] = Fault(id_, title, expected, inject, **more)  # type: ignore[arg-type]
        return inject

    return register


class Skipped(Exception):
    """This machine cannot do it; the reason is printed, and the run counts as skipped, never as passed."""
