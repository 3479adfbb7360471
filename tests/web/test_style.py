"""The style page is for staff, and alive: whatever the shared style sheets offer stands on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from calls.web import contrast, words

SHEETS = ("layout", "frame", "buttons", "forms", "tables", "marks", "surfaces")
ELSEWHERE = {
    "narrow-rail": "how a page asks for the narrow rail",
    "call-page": "the page of one call",
    "tenants": "the switch of those who have several",
}


@pytest.fixture
def staff(sam):
    sam.user.is_staff = True
    sam.user.save()
    return sam


@pytest.fixture
def page(staff):
    answer = staff.client.get("/style/")
    assert answer.status_code == 200
    return answer.content.decode()


def _classes(sheet: str) -> set[str]:
    css = Path(finders.find(f"calls/css/{sheet}.css")).read_text()
    selectors = re.sub(r"/\*.*?\*/|\{[^{}]*\}", ";", css, flags=re.S)
    return set(re.findall(r"\.([a-z][a-z-]*)", selectors))


def test_only_staff_sees_it(sam, client):
    assert sam.client.get("/style/").status_code == 404
    assert client.get("/style/").url == "/sign-in/?next=/style/"


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_class_of_the_shared_sheets_stands_on_it(page, sheet):
    shown = {name for value in re.findall(r'class="([^"]*)"', page) for name in value.split()}
    assert _classes(sheet), sheet
    assert _classes(sheet) - shown - ELSEWHERE.keys() == set()


def test_both_themes_show_every_state_and_every_colour(page):
    for scheme in contrast.SCHEMES:
        start = page.index(f'data-scheme="{scheme}"')
        part = page[start : page.find("data-scheme", start + 20)]
        assert all(f'data-face="{key}"' in part for key in words.FACES)
        assert all(f'data-state="{key}"' in part for key in words.COMMAND_STATES)
        assert all(f'fill="var(--{token.name})"' in part for token in contrast.tokens())


def test_ids_are_unique(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))
