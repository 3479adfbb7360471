"""Sums of usage are those of its rows, whatever was written when, and whatever has been summed up yet."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from calls.actions import usage as action
from calls.domain import prices
from calls.domain.prices import TOKEN_BUCKETS, Used
from calls.models import Call, TokenUsage, UsageMark, UsageSum
from calls.selectors import charges
from calls.selectors import usage as selectors
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON
from tests.selectors.test_charges import add_list

HOUR = timedelta(hours=1)
EDGES = [NOON - 2 * HOUR, NOON, NOON + 2 * HOUR]


def _summed(edges=EDGES):
    found = Counter()
    for line in selectors.usage(edges, charges.price_lists()):
        key = (line.part, line.agent, line.version, line.record.model, line.record.complete, line.record.split_known)
        found[key, "bills"] += line.record.count
        found[key, "time"] += line.record.used.seconds
        for name, count in zip(TOKEN_BUCKETS, line.record.used.tokens, strict=True):
            found[key, name] += count
    return +found


def _counted(edges=EDGES):
    """The same, row by row."""
    found = Counter()
    for row in TokenUsage.objects.select_related("call"):
        part = sum(row.at >= edge for edge in edges)
        if not 0 < part < len(edges):
            continue
        key = (part, row.call.agent_id, row.call.instruction_version_id, row.model, row.complete, row.split_known)
        used = Used.of(row, row.seconds)
        found[key, "bills"] += 1
        found[key, "time"] += used.seconds
        for name, count in zip(TOKEN_BUCKETS, used.tokens, strict=True):
            found[key, name] += count
    return +found


def _sum_up(tenant):
    with tenant_scope(tenant.id):
        return action.sum_up()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(-130, 130), st.integers(0, 1), st.integers(1, 10**9)),
        st.tuples(st.just("update"), st.integers(0, 9), st.integers(-130, 130), st.integers(1, 10**9)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("regroup"), st.integers(0, 1)),
        st.tuples(st.just("sum up")),
    ),
    min_size=3,
    max_size=20,
)


@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_sums_are_those_of_the_rows(acme, steps):
    with tenant_scope(acme.id):
        TokenUsage.objects.all().delete()
    agents = [factories.make_agent(acme), factories.make_agent(acme)]
    calls = [factories.make_call(acme, agent=agents[0]), factories.make_call(acme)]
    for step in steps:
        with tenant_scope(acme.id):
            rows = list(TokenUsage.objects.order_by("id"))
            match step:
                case ("insert", minutes, which, count):
                    factories.make_usage(
                        calls[which], at=NOON + timedelta(minutes=minutes), input_text=count, complete=bool(count % 3),
                        split_known=bool(count % 5), seconds=Decimal(count % 7) / 8,
                    )  # fmt: skip
                case ("update", n, minutes, count) if n < len(rows):
                    TokenUsage.objects.filter(pk=rows[n].pk).update(
                        at=NOON + timedelta(minutes=minutes), output_audio=count
                    )
                case ("delete", n) if n < len(rows):
                    rows[n].delete()
                case ("regroup", which):
                    Call.objects.filter(pk=calls[0].pk).update(agent=agents[which], instruction_version=None)
                case ("sum up",):
                    action.sum_up()
    with tenant_scope(acme.id):
        assert _summed() == _counted()
        while action.sum_up():
            pass
        assert not UsageMark.objects.exists()
        assert _summed() == _counted()
        assert _summed([NOON - HOUR / 7, NOON + HOUR / 3]) == _counted([NOON - HOUR / 7, NOON + HOUR / 3])


def test_what_is_summed_up_is_read_from_the_sums(acme):
    call = factories.make_call(acme)
    factories.make_usage(call)
    _sum_up(acme)
    with tenant_scope(acme.id):
        UsageSum.objects.update(fresh_text=7)
        (line,) = selectors.usage(EDGES, charges.price_lists())
    assert line.record.used.tokens[0] == 7


def test_a_write_after_the_sums_is_in_the_figures_at_once(acme):
    call = factories.make_call(acme)
    factories.make_usage(call)
    _sum_up(acme)
    factories.make_usage(call)
    with tenant_scope(acme.id):
        assert _summed() == _counted()
        assert UsageMark.objects.count() == 1


def test_prices_that_change_in_the_middle_of_a_stretch(acme):
    call = factories.make_call(acme)
    midnight = NOON.replace(hour=0)
    for hours in (-1, 1):
        factories.make_usage(call, at=midnight + hours * HOUR)
    add_list(
        "gpt-realtime",
        NOON.date(),
        fresh_text="0",
        fresh_audio="0",
        cached_text="0",
        output_text="0",
        output_audio="100",
    )
    for _ in range(2):
        with tenant_scope(acme.id):
            lists = charges.price_lists()
            lines = list(selectors.usage([midnight - 5 * HOUR, midnight + 5 * HOUR], lists))
            whole = prices.cost((line.record for line in lines), lists)
            assert whole.exact == charges.of_call(call).exact
        _sum_up(acme)


def test_calls_count_where_they_began(acme):
    agent = factories.make_agent(acme)
    factories.make_call(acme, agent=agent, started_at=NOON - HOUR, state="ended", end_reason="hung_up", ended_at=NOON)
    factories.make_call(acme, started_at=NOON, state="missed", ended_at=NOON)
    factories.make_call(acme, started_at=NOON + 3 * HOUR)
    with tenant_scope(acme.id):
        found = {(line.part, line.agent, line.state): (line.calls, line.seconds) for line in selectors.calls(EDGES)}
    assert found == {(1, agent.pk, "ended"): (1, Decimal(3599)), (2, None, "missed"): (1, Decimal(0))}


def test_replies_are_counted_in_steps(acme):
    call = factories.make_call(acme)
    for ms in (412, 418, 421, 2345, None):
        factories.make_turn(call, speaker="agent", reply_ms=ms, started_at=NOON)
    with tenant_scope(acme.id):
        found = {line.ms: line.count for line in selectors.replies(EDGES)}
    assert found == {410: 2, 420: 1, 2300: 1}


def test_the_rival_sees_nothing_of_it(acme, globex):
    call = factories.make_call(acme)
    factories.make_usage(call)
    factories.make_turn(call, reply_ms=400)
    _sum_up(acme)
    with tenant_scope(globex.id):
        assert list(selectors.usage(EDGES, charges.price_lists())) == []
        assert selectors.calls(EDGES) == selectors.replies(EDGES) == []
        assert selectors.nearest_call(NOON) is None
        assert selectors.names() == ({}, {})


@pytest.mark.parametrize(("at", "expected"), [(NOON + HOUR, NOON), (NOON, NOON), (NOON - HOUR, NOON)])
def test_the_nearest_call(acme, at, expected):
    factories.make_call(acme)
    with tenant_scope(acme.id):
        assert selectors.nearest_call(at) == expected
