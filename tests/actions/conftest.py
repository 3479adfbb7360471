"""A call to export, and where its files go."""

from __future__ import annotations

import pytest

from tests import factories
from tests.actions.export_desk import FORMULA


@pytest.fixture
def directory(settings, tmp_path):
    """Where the files of exports go."""
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture
def call(committed_db, acme, directory):
    """A call whose agent and words a spreadsheet would run."""
    call = factories.make_call(acme, agent=factories.make_agent(acme, name=FORMULA), from_number="+442079460999")
    factories.make_turn(call, FORMULA)
    return call
