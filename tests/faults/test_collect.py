"""What the rig reads out of the database is what the product exports."""

from __future__ import annotations

from django.db import connection

from calls.domain.periods import ALWAYS
from calls.selectors import exports
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON
from tests.faults import collect


def test_turns_are_those_of_the_export(acme):
    calls = [factories.make_call(acme, ended_at=ended_at) for ended_at in (None, NOON)]
    for call in calls:
        for transcription in (None, "pending", "completed", "failed", "missing"):
            factories.make_turn(call, transcription=transcription)
    with tenant_scope(acme.id):
        exported = [(row["item_id"], row["transcription"]) for row in exports.rows("transcripts", ALWAYS, reveal=True)]
        with connection.cursor() as cursor:
            cursor.execute(collect._TURNS, [[call.pk for call in calls]])
            at = [column.name for column in cursor.description].index
            found = [(row[at("item_id")], row[at("transcription")]) for row in cursor.fetchall()]
    assert sorted(found) == sorted(exported)
    assert len(found) == 10
