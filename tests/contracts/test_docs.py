"""Docs that can go stale are compared with what they describe."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from calls.domain.diagrams import diagrams

ROOT = Path(settings.BASE_DIR)
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("name", diagrams())
def test_the_state_diagrams_are_those_of_the_tables(name):
    assert f"```mermaid\n{diagrams()[name].strip()}\n```" in ARCHITECTURE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_docs_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_setting_of_the_environment_is_in_the_example():
    read = set()
    for file in (ROOT / "realtime_ops").glob("*.py"):
        read |= set(re.findall(r'env\.(?:text|flag|number|words|secret)\(\s*"([A-Z_]+)"', file.read_text()))
        read |= set(re.findall(r'os\.environ\.get\("([A-Z_]+)"', file.read_text()))
    described = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read - described - {"DEBUG", "XDG_RUNTIME_DIR"} == set()


def test_lock_files_name_no_host():
    for lock in ROOT.glob("requirements*.txt"):
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock.read_text()), lock.name
