"""Tests stand where the code stands: calls/x/y.py has tests/x/test_y.py, or a reason why not."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

EXEMPT = {
    "apps.py": "configuration",
    "conf.py": "a view of settings without a rule",
    "exceptions.py": "declarations; each is raised in somebody's test",
    "models/*": "shape and constraints, shown by tests/contracts/test_isolation.py and by what uses them",
    "migrations/*": "run before the first test",
    "domain/changes.py": "declarations",
    "domain/commands.py": "declarations",
    "domain/events.py": "declarations",
    "domain/inputs.py": "declarations",
    "domain/outgoing.py": "declarations",
    "management/commands/migrate.py": "runs before the first test",
}
LATER = {
    "actions/audit.py",
    "actions/commands.py",
    "actions/ingest.py",
    "actions/leases.py",
    "checks.py",
    "domain/actors.py",
    "domain/plan.py",
    "domain/roles.py",
    "domain/views.py",
    "feed.py",
    "live/*",
    "providers/base.py",
    "selectors/calls.py",
    "selectors/live.py",
    "selectors/members.py",
    "selectors/sideband.py",
    "sideband/*",
    "simulator/*",
    "tasks.py",
    "templatetags/*",
    "web/*",
}
"""Modules that still wait for tests of their own. The list may only get shorter."""


def _missing() -> set[str]:
    missing = set()
    for path in (ROOT / "calls").rglob("*.py"):
        name = path.relative_to(ROOT / "calls")
        # A private module is tested through the one that it belongs to.
        if name.name.startswith("_") or {name.as_posix(), f"{name.parts[0]}/*"} & (EXEMPT.keys() | LATER):
            continue
        folder = Path(*(part for part in name.parent.parts if part != "commands"))
        if not list((ROOT / "tests" / folder).glob(f"test_{name.stem}*.py")):
            missing.add(name.as_posix())
    return missing


def test_every_module_has_tests_of_its_own():
    assert _missing() == set(), "no tests: write them, or add a reason to EXEMPT"


def test_every_exemption_is_still_needed():
    for name in EXEMPT:
        assert list((ROOT / "calls").glob(name)), f"{name} is gone"
