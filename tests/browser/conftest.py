"""One Chromium and one product for all pages. Every test ends with nothing to complain of, in browser and logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser

from realtime_ops import command_lines
from tests.browser import chromium
from tests.browser.early import Early, begun
from tests.browser.people import Line, Seat, Switchboard
from tests.rig import machine
from tests.rig.machine import Plan, Rig
from tests.rig.waiting import LIMIT_S, wait_until

# Both live as long as this folder only: Playwright's event loop would be in the way of asynchronous tests, and the
# journeys have a product of their own.


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = chromium.found()
    if not executable:
        pytest.skip(
            "no Chromium is installed: no page was opened. `make browser` installs it; CHROMIUM=/path names one"
        )
    with chromium.running(executable) as made:
        yield made


@pytest.fixture(scope="package")
def product() -> Iterator[Rig]:
    """The product, with callers of our own at its provider."""
    with machine.rig(settings.STATE_DIR / "browser", Plan(workers=1)) as made:
        made.handles["simulator"].stop()
        command = command_lines.simulator(made.provider.port, made.directory / "accounts.json")
        command[command.index("calls.simulator")] = "tests.browser.callers"
        made.add("simulator", [*command, "--ledger", str(made.provider.ledger)])
        wait_until(made.provider.healthy, LIMIT_S, "the simulator")
        yield made


@pytest.fixture(scope="package")
def switchboard(browser: Browser, product: Rig) -> Switchboard:
    return Switchboard(browser, product)


@pytest.fixture(scope="package")
def early(switchboard: Switchboard) -> Iterator[Early]:
    """Pages on which something takes its time while other tests run."""
    with begun(switchboard) as made:
        yield made


@pytest.fixture
def rig(product: Rig) -> Iterator[Rig]:
    """The product, whole again after the test, and with nothing in any log that should not be there."""
    yield product
    for handle in product.handles.values():
        if not handle.alive:
            handle.start()
    assert product.problems() == []


@pytest.fixture
def seat(switchboard: Switchboard, rig: Rig) -> Iterator[Callable[..., Seat]]:
    """Sit somebody down at a browser of their own: `seat("supervisor", "globex")`. Nobody complains at the end."""
    taken: list[Seat] = []

    def sit(role: str = "supervisor", tenant: str = "acme", **options: object) -> Seat:
        taken.append(switchboard.seat(role, tenant, **options))
        return taken[-1]

    yield sit
    complaints = [said for one in taken for said in one.complaints.unexpected()]
    for one in taken:
        one.leave()
    assert complaints == []


@pytest.fixture
def ring(switchboard: Switchboard) -> Iterator[Callable[..., Line]]:
    """Have somebody call, and wait until the call is watched; who still talks at the end is hung up on."""
    placed: list[Line] = []

    def place(scenario: str = "talking", *, wait: bool = True, **order: object) -> Line:
        placed.append(switchboard.ring(scenario, wait=wait, **order))
        return placed[-1]

    yield place
    for one in placed:
        one.hang_up()
