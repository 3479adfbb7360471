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
    "domain/exports.py": "declarations",
    "domain/inputs.py": "declarations",
    "domain/outgoing.py": "declarations",
    "management/commands/migrate.py": "runs before the first test",
    "domain/orders.py": "declarations",
    "domain/plan.py": "declarations",
    "providers/base.py": "declarations",
    "live/routing.py": "an address",
    "live/streams.py": "shown by tests/live/test_consumers.py and test_away.py",
    "live/channel.py": "shown by tests/live/test_away.py",
    "sideband/claims.py": "shown by tests/sideband/test_supervisor.py",
    "live/database.py": "shown by tests/live/test_away.py",
    "simulator/*": "played as a whole: a test for each thing that it offers, not for each module",
    "templatetags/*": "shown by tests/web/test_pages.py",
    "selectors/export_list.py": "shown by tests/web/test_exports.py",
    "selectors/processes.py": "shown by tests/web/test_status.py",
    "web/urls.py": "addresses",
    "web/admin/urls.py": "addresses; tests/web/admin/test_pages.py opens each",
    "web/admin/agent_frame.py": "shown by tests/web/admin/test_agents.py",
    "web/admin/session_form.py": "shown by tests/web/admin/test_agents.py and test_session_settings.py",
    "web/admin/saving.py": "shown by every test of a form in tests/web/admin",
    "web/staff/urls.py": "addresses",
    "web/usage_tables.py": "shown by tests/web/test_usage.py",
    "web/times.py": "shown by tests/web/test_pages.py",
    "web/call.py": "shown by tests/web/test_pages.py",
    "web/calls.py": "shown by tests/web/test_pages.py",
    "selectors/figures.py": "shown by tests/web/test_figures.py",
    "web/live.py": "shown by tests/web/test_pages.py",
    "web/rows.py": "shown by tests/web/test_pages.py",
    "web/facts.py": "shown by tests/web/test_pages.py",
    "web/words.py": "shown by tests/web/test_pages.py",
    "web/pretty.py": "shown by tests/web/test_transcript.py",
    "web/forms.py": "shown by tests/web/test_session.py and tests/web/test_commands.py",
}


def _missing() -> set[str]:
    missing = set()
    for path in (ROOT / "calls").rglob("*.py"):
        name = path.relative_to(ROOT / "calls")
        # A private module is tested through the one that it belongs to.
        if name.name.startswith("_") or {name.as_posix(), f"{name.parts[0]}/*"} & EXEMPT.keys():
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
