"""Search in transcripts: what is found, in which order, by which way, and what a rival finds: nothing."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from calls.domain.filters import Filters
from calls.exceptions import InvalidInput, TooWide
from calls.models import Call
from calls.selectors import history, search
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON


@pytest.fixture
def account(acme):
    return factories.make_account(acme)


def said(acme, account, *texts, minute=0, **fields):
    """An ended call in which these words were said."""
    started = NOON + timedelta(minutes=minute)
    call = factories.make_call(
        acme, account=account, state="ended", started_at=started, ended_at=started + timedelta(minutes=2), **fields
    )
    for text in texts:
        factories.make_turn(call, text)
    return call


def find(tenant, text, **filters):
    with tenant_scope(tenant.id):
        page = history.page(Filters(text=text, **filters), reveal=False, limit=50)
    return [row["call_id"] for row in page.rows]


@pytest.mark.parametrize(
    ("needle", "expected"),
    [
        ("invoice", ["late", "both"]),
        ("INVOICE", ["late", "both"]),
        ("invoice late", ["late"]),
        ('"is late"', ["late"]),
        ('"late is"', []),
        ("late or refund", ["refund", "late"]),
        ("invoice -late", ["both"]),
        ("invoices", []),
        ("invo", ["late", "both"]),
        ("in", ["refund"]),
        ("-lat invoice", ["both"]),
        ("o'clo", ["refund"]),
        ("4711", ["both"]),
        ("größe", ["refund"]),
        ("' | !:* <-> \\ --", None),
    ],
)
def test_words_are_found_as_in_a_web_search(acme, account, needle, expected):
    calls = {
        "both": said(acme, account, "Your invoice 4711.", minute=0),
        "late": said(acme, account, "The invoice is late.", "Another sentence.", minute=1),
        "refund": said(acme, account, "A refund, please, in Größe 40, at five o'clock.", minute=2),
    }
    if expected is None:
        with pytest.raises(InvalidInput):
            find(acme, needle)
    else:
        assert find(acme, needle) == [calls[name].call_id for name in expected]


@pytest.mark.parametrize("needle", ["-invoice", "?!", '""', "-a -b"])
def test_what_names_no_word_is_refused_at_the_field(acme, needle):
    with pytest.raises(InvalidInput) as raised:
        find(acme, needle)
    assert raised.value.field == "text"


def test_both_ways_find_the_same_in_the_same_order(acme, account, monkeypatch):
    calls = [said(acme, account, "invoice" if n % 3 else "refund", minute=n) for n in range(12)]
    expected = [call.call_id for n, call in enumerate(calls) if n % 3][::-1]
    assert find(acme, "invoice") == expected
    monkeypatch.setattr(search, "STEPS", (2,))
    assert find(acme, "invoice") == expected
    assert find(acme, "refund") == [calls[n].call_id for n in (9, 6, 3, 0)]


def test_pages_of_what_was_found_neither_repeat_nor_leave_out(acme, account, monkeypatch):
    monkeypatch.setattr(search, "STEPS", (1, 2))
    calls = [said(acme, account, "invoice", minute=n // 2) for n in range(9)]
    seen, before = [], None
    with tenant_scope(acme.id):
        while True:
            page = history.page(Filters(text="invoice"), reveal=False, limit=4, before=before)
            seen.append([row["call_id"] for row in page.rows])
            if not (before := page.older):
                break
    assert [len(page) for page in seen] == [4, 4, 1]
    assert [code for page in seen for code in page] == [call.call_id for call in calls[::-1]]


def test_too_many_calls_are_not_put_into_order(acme, account, monkeypatch):
    monkeypatch.setattr(search, "STEPS", (1,))
    monkeypatch.setattr(search, "MOST", 3)
    for minute in range(4):
        said(acme, account, "invoice", minute=minute)
    said(acme, account, "nothing", minute=9)
    with pytest.raises(TooWide):
        find(acme, "invoice")


def test_hits_come_with_the_best_words_marked(acme, account):
    call = said(acme, account, "The invoice, the invoice!", "Which invoice?", "None.", "An invoice \x02faked\x03 here")
    with tenant_scope(acme.id):
        found = search.hits([call.pk], "invoice")[call.pk]
    assert found.turns == 3
    assert len(found.snippets) == 2
    best = found.snippets[0]
    assert "".join(piece.text for piece in best.pieces) == "The invoice, the invoice!"
    assert [piece.text for piece in best.pieces if piece.hit] == ["invoice", "invoice"]
    assert not best.cut_before
    assert not best.cut_after
    assert all(piece.text == "invoice" for one in found.snippets for piece in one.pieces if piece.hit)


def test_a_snippet_out_of_a_longer_turn_says_that_it_is_cut(acme, account):
    words = " ".join(f"word{n}" for n in range(60))
    call = said(acme, account, f"  {words} invoice {words}")
    with tenant_scope(acme.id):
        (snippet,) = search.hits([call.pk], "invoice")[call.pk].snippets
    assert snippet.cut_before
    assert snippet.cut_after
    assert len(snippet.pieces) <= 3


def test_what_was_said_late_in_a_very_long_turn_does_not_break_its_storing(acme, account):
    call = said(acme, account, "word " * 30_000 + "needle", "x" * 100_000, "ü" * 3_000)
    with tenant_scope(acme.id):
        assert Call.objects.get(pk=call.pk).turns.count() == 3
    assert find(acme, "needle") == []
    assert find(acme, "word") == [call.call_id]


def test_a_rival_finds_nothing_by_either_way(acme, globex, account, monkeypatch):
    said(acme, account, "invoice")
    assert find(globex, "invoice") == []
    monkeypatch.setattr(search, "STEPS", (0,))
    theirs = factories.make_turn(factories.make_call(globex), "no such word").call
    assert find(globex, "invoice") == []
    # Neither does somebody who says the lexeme by which the index knows a tenant.
    assert find(globex, f'invoice or "@{acme.id}"') == []
    assert find(globex, "such") == [theirs.call_id]


@pytest.mark.parametrize("tenant", ["", "00000000-0000-0000-0000-000000000000"])
def test_the_door_stays_shut_without_a_tenant(acme, account, tenant):
    said(acme, account, "invoice")
    with connection.cursor() as cursor:
        cursor.execute("select set_config('app.tenant', %s, true)", [tenant])
        cursor.execute("select calls_search('invoice', 10)")
        assert cursor.fetchall() == []


def test_the_door_has_few_rights_and_a_key_for_nobody_else(database_url):
    with psycopg.connect(database_url) as owner:
        role = settings.SEARCH_ROLE
        found = owner.execute(
            "select rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb from pg_roles where rolname = %s",
            [role],
        ).fetchone()
        assert found == (False,) * 5
        readable = owner.execute(
            """select table_name, column_name from information_schema.column_privileges
               where grantee = %s and table_schema = 'public' order by 1, 2""",
            [role],
        ).fetchall()
        assert readable == [("calls_turn", name) for name in ("call_id", "search", "tenant_id")]
        assert owner.execute("select has_schema_privilege(%s, 'public', 'create')", [role]).fetchone() == (False,)
        definer, path, keeper = owner.execute(
            "select prosecdef, proconfig, pg_get_userbyid(proowner) from pg_proc where proname = 'calls_search'"
        ).fetchone()
        assert definer
        assert "search_path=pg_catalog, pg_temp" in path
        assert keeper == role
        function = "calls_search(text, integer)"
        for other, may in ((settings.APP_ROLE, True), (settings.SIDEBAND_ROLE, False), ("public", False)):
            told = owner.execute("select has_function_privilege(%s, %s, 'execute')", [other, function]).fetchone()
            assert told == (may,), other


def _plan(cursor, query, *parameters):
    cursor.execute(f"explain {query}", parameters)
    return "\n".join(row[0] for row in cursor.fetchall())


def test_only_the_door_can_use_the_index(database_url, acme, globex):
    """As the application's role the policy comes first and the index is out of reach; inside the function it is not."""
    with psycopg.connect(database_url) as owner:
        body = owner.execute("select prosrc from pg_proc where proname = 'calls_search'").fetchone()[0]
        body = body.replace("(needle)", "('invoice')").replace("most", "10")
        owner.execute("set local enable_seqscan = off")
        owner.execute("select set_config('app.tenant', %s, true)", [str(acme.id)])
        owner.execute("set local role realtime_ops_app")
        naive = "select id from calls_turn where search @@ websearch_to_tsquery('simple', 'invoice')"
        assert "Index Cond: (search @@" not in _plan(owner.cursor(), naive)
        owner.execute(f"set local role {settings.SEARCH_ROLE}")
        plan = _plan(owner.cursor(), body)
        assert "Bitmap Index Scan on turn_search" in plan
        asked = next(line for line in plan.splitlines() if "Index Cond: (search @@" in line)
        assert "current_setting('app.tenant'" in asked, "the tenant is part of what the index is asked"


def test_newest_calls_are_read_through_the_index_of_their_turns(acme, account):
    call = said(acme, account, "invoice")
    with tenant_scope(acme.id), connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        plan = _plan(cursor, search._AMONG, [call.pk], "invoice")
    assert "turn_once" in plan


def test_the_index_is_what_answers(committed_db, acme, account, monkeypatch):
    """Counted by PostgreSQL itself, through the whole way from the page's question."""
    said(acme, account, "invoice")
    monkeypatch.setattr(search, "STEPS", (0,))

    def scans():
        with psycopg.connect(committed_db, autocommit=True) as owner:
            return owner.execute("select idx_scan from pg_stat_user_indexes where indexrelname = 'turn_search'").fetchone()[0]  # fmt: skip

    before = scans()
    assert len(find(acme, "invoice")) == 1
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_force_next_flush()")
    assert scans() > before
