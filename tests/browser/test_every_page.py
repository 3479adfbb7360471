"""Every page for every role in both themes: who may open it, and nothing to complain of for those who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.browser.looks import look
from tests.browser.people import NARROW, WIDE, Seat, Switchboard
from tests.rig.browser import Browser
from tests.rig.machine import Rig
from tests.rig.pages import NOBODY, NOT_PAGES, PLACES, STAFF, Place
from tests.rig.world import World

pytestmark = pytest.mark.browser

ROLES = ("owner", "admin", "supervisor", "analyst")
RIVAL = "globex"


def _names(resolver: URLResolver) -> Iterator[str]:
    """Of all addresses of ours; Django's own admin has a name space."""
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            if one.name:
                yield one.name
        elif not one.namespace:
            yield from _names(one)


THERE = frozenset(_names(get_resolver()))
HERE = [place for place in PLACES if place.name in THERE]
INSIDE = [place for place in HERE if place.inside]


@pytest.fixture(scope="module")
def world(product: Rig, switchboard: Switchboard) -> Iterator[World]:
    """A finished call, a live one, and what was provisioned."""
    finished = switchboard.ring("everything", speed=20)
    finished.settle()
    live = switchboard.ring("waiting")
    yield World.of(product, finished.code, live.code, word="pay")
    live.hang_up()


def test_every_address_is_in_the_table():
    listed = {place.name for place in PLACES} | NOT_PAGES.keys()
    assert THERE - listed == set(), "add a row to tests/rig/pages.py"
    assert len({place.key for place in PLACES}) == len(PLACES)


@pytest.mark.parametrize("place", INSIDE, ids=lambda place: place.key)
def test_a_page_is_for_those_whose_role_has_it(place: Place, rig, world):
    path = world.path(place)
    statuses = {role: rig.person(role).get(path).status for role in ROLES}
    assert statuses == {role: place.status if role in place.who else 403 for role in ROLES}
    # For others the tenant does not exist, whatever they may do in their own.
    assert {rig.person(role, RIVAL).get(path).status for role in ("owner", "analyst")} == {404}
    theirs = path.replace("/t/acme/", f"/t/{RIVAL}/")
    if "{" in place.path.replace("{slug}", "").replace("{word}", ""):
        assert rig.person("owner", RIVAL).get(theirs).status == 404, "found by another tenant's id"


@pytest.mark.parametrize("place", INSIDE, ids=lambda place: place.key)
def test_a_page_sends_strangers_to_the_door(place: Place, rig, world):
    answer = Browser(rig.port).get(world.path(place))
    assert (answer.status, answer.location.split("?")[0]) == (302, "/sign-in/")


@pytest.fixture(scope="module")
def seats(switchboard: Switchboard, world: World) -> Iterator[Callable[[str], Seat]]:
    """A seat for each role: what its browser has fetched once it has for all pages."""
    taken: dict[str, Seat] = {}

    def of(role: str) -> Seat:
        if role not in taken:
            taken[role] = switchboard.seat("", "acme")
            if role:
                taken[role].take(world.staff() if role == STAFF else world.rig.person(role))
        return taken[role]

    yield of
    for one in taken.values():
        one.leave()


@pytest.mark.parametrize(
    ("place", "role"),
    [(place, role) for place in HERE for role in (*ROLES, STAFF, NOBODY) if role in place.who],
    ids=lambda one: one.key if isinstance(one, Place) else one or "nobody",
)
def test_a_page_is_sound_for_each_role_in_both_themes(place: Place, role: str, rig: Rig, seats, world):
    me = seats(role)
    page = me.open(world.path(place), me.context.new_page())
    sizes = (WIDE, NARROW) if role == place.sitter else (WIDE,)
    assert look(page, f"{place.key} as {role or 'nobody'}", sizes=sizes) == []
    assert me.complaints.unexpected() == []
    page.close()
