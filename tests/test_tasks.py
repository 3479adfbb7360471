"""Tasks are entry points: ids in, one call of an action or the loop."""

from datetime import timedelta

from django.utils import timezone

from calls import tasks
from calls.domain.states import CommandState
from calls.models import Command
from calls.sideband.loop import SidebandLoop
from calls.tenancy import tenant_scope
from tests import factories


def test_attach_asks_the_loop_of_this_process(monkeypatch):
    asked = []

    class Loop:
        def attach(self, call):
            asked.append(call)

    monkeypatch.setattr(SidebandLoop, "current", Loop())
    tasks.attach(7)
    assert asked == [7]


def test_attach_in_a_process_without_a_loop_is_nothing(monkeypatch):
    monkeypatch.setattr(SidebandLoop, "current", None)
    tasks.attach(7)


def test_commands_that_nobody_claimed_expire_in_every_tenant(acme, globex):
    made = {}
    for tenant in (acme, globex):
        command = factories.make_command(factories.make_call(tenant=tenant))
        made[tenant.id] = command.pk
        with tenant_scope(tenant.id):
            Command.objects.filter(pk=command.pk).update(requested_at=timezone.now() - timedelta(minutes=1))
    tasks.settle_overdue()
    for tenant, command in made.items():
        with tenant_scope(tenant):
            assert Command.objects.get(pk=command).state == CommandState.EXPIRED
