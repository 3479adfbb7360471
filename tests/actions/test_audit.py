"""The audit log keeps who did what, in the tenant where it was done."""

from calls.actions import audit
from calls.domain.actors import SYSTEM
from calls.models import AuditEntry
from calls.tenancy import tenant_scope


def test_an_entry_tells_who_what_and_on_what(acme, globex, sam):
    with tenant_scope(acme.id):
        audit.record("call.command_requested", by=sam.actor, kind="call", code="c-1", command_verb="hang_up")
        audit.record("call.command_expired", by=SYSTEM, kind="call", code="c-1")
        first, second = AuditEntry.objects.order_by("id")
        assert (first.actor_id, first.actor_label, first.object_code) == (sam.user.pk, sam.user.email, "c-1")
        assert first.detail == {"command_verb": "hang_up"}
        assert (second.actor_id, second.actor_label) == (None, "system")
    with tenant_scope(globex.id):
        assert AuditEntry.objects.count() == 0
