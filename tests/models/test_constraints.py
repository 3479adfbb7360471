"""Constraints that rules rely on: what the database refuses whoever writes it."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from calls.migrations import _usage_sql
from calls.models import User
from calls.tenancy import tenant_scope
from tests import factories


def _refused(make) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make()


def test_an_agent_has_one_published_version(acme):
    agent = factories.make_agent(acme)
    _refused(lambda: factories.make_version(agent, published=False, published_at=factories.NOON))


def test_a_call_id_is_one_call_of_its_account(acme, globex):
    account = factories.make_account(acme)
    factories.make_call(acme, account=account, call_id="rtc_1")
    _refused(lambda: factories.make_call(acme, account=account, call_id="rtc_1"))
    factories.make_call(globex, call_id="rtc_1")


def test_an_item_is_one_turn_and_a_response_is_billed_once(acme):
    call = factories.make_call(acme)
    factories.make_turn(call, item_id="item_a")
    _refused(lambda: factories.make_turn(call, item_id="item_a"))
    factories.make_usage(call, ref_id="resp_a")
    _refused(lambda: factories.make_usage(call, ref_id="resp_a"))


def test_one_key_is_one_command_and_a_call_is_hung_up_once(acme):
    call = factories.make_call(acme)
    factories.make_command(call, key="k")
    _refused(lambda: factories.make_command(call, key="k"))
    factories.make_command(call, verb="hang_up")
    _refused(lambda: factories.make_command(call, verb="hang_up"))
    factories.make_command(factories.make_call(acme), verb="hang_up")


def test_names_are_taken_once_in_a_tenant_and_free_in_another(acme, globex):
    for make in (
        lambda tenant: factories.make_agent(tenant, name="A", instructions=None),
        lambda tenant: factories.make_account(tenant, name="A"),
    ):
        make(acme)
        _refused(lambda make=make: make(acme))
        make(globex)


def test_a_person_is_a_member_once(acme, sam):
    _refused(lambda: factories.make_member(acme, user=sam.user))


def test_e_mail_addresses_are_kept_in_lower_case(db):
    user = User.objects.create_user(" Sam@Acme.Example ", "x")
    assert user.email == "sam@acme.example"
    assert User.objects.get_by_natural_key("SAM@acme.example") == user


def test_a_deleted_user_leaves_their_entries_behind(acme, sam):
    from calls.actions import audit
    from calls.models import AuditEntry

    with tenant_scope(acme.id):
        audit.record("test.done", by=sam.actor, kind="test", code=1)
        sam.user.memberships.all().delete()
        sam.user.delete()
        entry = AuditEntry.objects.get()
    assert entry.actor_label == "sam@acme.example"


@pytest.mark.parametrize(
    ("table", "added"),
    [
        ("calls_user", {"guide", "density", "letter_keys", "session_round", "id"}),
        ("calls_call", {"interruptions", "id"}),
        ("calls_command", {"settings"}),
    ],
)
def test_a_process_of_the_version_before_may_insert_without_the_new_columns(acme, sam, table, added):
    """What it names is copied from a row that is there, but for what must be unique."""
    call = factories.make_call(acme)
    factories.make_command(call)
    unique = {"code": "gen_random_uuid()", "call_id": "'rtc_old'", "email": "'old@acme.example'", "key": "'old'"}
    unique |= {"id": "gen_random_uuid()"} | ({"call_id": "call_id"} if table == "calls_command" else {})
    with tenant_scope(acme.id), connection.cursor() as cursor:
        cursor.execute("select current_user")
        assert cursor.fetchone() == (settings.APP_ROLE,)
        cursor.execute(
            "select column_name from information_schema.columns where table_schema = 'public' and table_name = %s",
            [table],
        )
        names = [name for (name,) in cursor.fetchall() if name not in added]
        taken = ", ".join(unique.get(name, f'"{name}"') for name in names)
        columns = ", ".join(f'"{name}"' for name in names)
        cursor.execute(f"insert into {table} ({columns}) select {taken} from {table} limit 1")
        assert cursor.rowcount == 1


@pytest.mark.django_db
def test_workers_could_mark_usage_before_the_triggers_came():
    """The grants of `migrate` follow its last migration; the first batch of usage may come sooner."""
    assert _usage_sql.CREATE.index("grant") < _usage_sql.CREATE.index("create trigger")
    assert settings.SIDEBAND_ROLE in _usage_sql.GRANT
