"""The form in the address: what a person wrote, as filters, and back as chips."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from calls.domain.actors import Actor
from calls.domain.filters import Filters, Outcome
from calls.selectors.members import Member
from calls.web import filters

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(
    2026, 3, 29, 22, 30, tzinfo=UTC
)  # half past midnight of the 30th in Berlin, a day after the clocks changed
CODE = "6a0f7f5e-9f4e-4a64-8b5c-8b1a0c8b4a10"


def form(query, *, reveal=False):
    member = Member(
        tenant_id=CODE, slug="acme", tenant_name="Acme", timezone="Europe/Berlin", currency="EUR",
        actor=Actor(user_id=1, label="x", role="analyst"),
    )  # fmt: skip
    return filters.FilterForm(QueryDict(query), member=member, agents=[(CODE, "Nora")], reveal=reveal)


def read(query):
    made = form(query)
    found = made.filters(NOW)
    assert found is not None, made.errors
    return found


def day(number, month=3):
    return datetime(2026, month, number, tzinfo=BERLIN)


def test_nothing_asks_for_everything():
    assert read("") == Filters()
    assert read("q=+&outcome=&since=&unknown=1") == Filters()


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ("when=today", day(30), day(31)),
        ("when=yesterday", day(29), day(30)),
        ("when=week", day(24), day(31)),
        ("since=2026-03-28&until=2026-03-29", day(28), day(30)),
        ("since=2026-03-28", day(28), None),
        ("until=2026-03-28", None, day(29)),
        ("when=today&since=2026-03-01", day(1), None),
    ],
)
def test_days_are_the_tenants_own(query, since, until):
    period = read(query).period
    assert (period.since, period.until) == (since, until)
    assert all(end is None or end.hour == 0 for end in (period.since, period.until))


def test_a_day_may_be_an_hour_shorter():
    period = read("when=yesterday").period
    assert (period.until.astimezone(UTC) - period.since.astimezone(UTC)).total_seconds() == 23 * 3600


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("outcome=great", "outcome"),
        ("agent=nobody", "agent"),
        ("version=0", "version"),
        ("version=99999999999999999999", "version"),
        ("shortest=soon", "shortest"),
        ("since=tomorrow", "since"),
        ("since=2026-03-30&until=2026-03-29", "until"),
        ("when=ever", "when"),
        (f"q={'x' * 201}", "q"),
        ("mark=loud", "mark"),
        ("caller=%00", "caller"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field_and_stays_there(query, field):
    made = form(query)
    assert made.filters(NOW) is None
    assert list(made.errors) == [field]
    assert str(made[field].value()) in QueryDict(query).get(field)


def test_chips_say_what_is_on_and_lead_to_the_rest():
    made = form(f"q=a+b&outcome=live&agent={CODE}&when=week&version=3&before=2026_1")
    found = {chip.name: chip for chip in filters.chips(made, made.filters(NOW))}
    assert {name: (chip.label, chip.value) for name, chip in found.items()} == {
        "text": ("Words", "a b"),
        "outcome": ("State", "Live"),
        "agent": ("Agent", "Nora"),
        "version": ("Version", "3"),
        "period": ("When", "last 7 days"),
    }
    assert found["period"].query == f"q=a+b&outcome=live&agent={CODE}&version=3"
    assert found["outcome"].query == f"q=a+b&agent={CODE}&when=week&version=3"


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("since=2026-03-02&until=2026-03-03", "2 Mar 2026 to 3 Mar 2026"),
        ("since=2026-03-02", "since 2 Mar 2026"),
        ("until=2026-03-02", "until 2 Mar 2026"),
    ],
)
def test_dates_are_said_as_people_say_them(query, value):
    made = form(query)
    (chip,) = filters.chips(made, made.filters(NOW))
    assert (chip.value, chip.query) == (value, "")


def test_other_words_of_the_address_do_not_survive_but_the_filters_do():
    made = form("q=a%26b&after=x&outcome=live")
    assert made.filters(NOW).outcome is Outcome.LIVE
    assert filters.query(made) == "q=a%26b&outcome=live"
    assert filters.query(made, when="today", q="") == "outcome=live&when=today"


def test_fields_that_fold_away_unfold_where_one_is_used():
    assert not form("q=a&when=week").more_used
    assert form("shortest=1:00").more_used
    names = {field.name for field in form("").more}
    assert names.isdisjoint(filters.FEW)


def test_the_number_field_says_what_it_takes():
    assert form("").fields["caller"].widget.attrs["placeholder"] == "last four digits"
    assert form("", reveal=True).fields["caller"].widget.attrs["placeholder"] == "part of the number"
