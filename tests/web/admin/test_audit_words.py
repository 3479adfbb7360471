"""Whatever is written into the audit log has words."""

from __future__ import annotations

import re
from pathlib import Path

from calls.models import AuditEntry
from calls.web.admin import audit_words

CALLS = Path(audit_words.__file__).resolve().parents[2]
WRITTEN = re.compile(r'record\(\s*f?"([a-z_]+\.[a-z_{}.]+)"')


def _written() -> set[str]:
    files = [path for folder in ("actions", "management", "sideband", "web") for path in (CALLS / folder).rglob("*.py")]
    return {verb for path in [*files, CALLS / "tasks.py"] for verb in WRITTEN.findall(path.read_text())}


def test_every_verb_that_is_written_has_words():
    written = _written()
    assert {"agent.published", "member.invited", "export.begun", "call.command_requested"} <= written
    assert {verb for verb in written if "{" not in verb} - audit_words.VERBS.keys() == set()


def test_verbs_that_are_put_together_have_words():
    """calls.actions.commands settles commands under a verb made of their state."""
    assert {"call.command_expired", "call.command_not_confirmed"} <= audit_words.VERBS.keys()


def test_an_entry_is_a_sentence():
    entry = AuditEntry(
        verb="agent.published", object_kind="agent", object_code="x", detail={"name": "Nora", "number": 2, "before": 1}
    )
    assert (audit_words.did(entry), audit_words.about(entry)) == ("published instructions", "Nora v2")
    assert audit_words.changes(entry) == [("agent", 1, 2)]
    entry = AuditEntry(verb="new.verb", object_kind="thing", object_code="x", detail={"fields": ["a", "b"]})
    assert (audit_words.did(entry), audit_words.about(entry)) == ("new.verb", "x")
    assert audit_words.facts(entry) == [("fields", "a, b")]
