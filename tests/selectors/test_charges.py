"""What calls cost, from their rows and the lists that migrations bring."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from calls.models import PriceList
from calls.selectors import charges
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON

USED = {"input_text": 1000, "input_audio": 500, "cached_text": 600, "cached_audio": 0, "output_text": 0}
COST = Decimal("0.02296")
"""400 fresh text, 500 fresh audio, 600 cached text, 80 audio out, at the prices of gpt-realtime"""


def add_list(model: str, valid_from: date, **prices: str) -> PriceList:
    return PriceList.objects.create(
        model=model, valid_from=valid_from, source="https://example.com", checked_on=valid_from, **prices
    )


def test_a_call_costs_what_its_usage_does(acme):
    call = factories.make_call(acme)
    factories.make_usage(call, **USED)
    factories.make_usage(call, model="gpt-realtime-2026-03-01", **USED)
    other = factories.make_call(acme)
    with tenant_scope(acme.id):
        assert charges.of_call(call).exact == 2 * COST
        assert charges.of_calls([call.pk, other.pk])[other.pk].exact == 0


def test_transcription_is_paid_by_its_own_model(acme):
    call = factories.make_call(acme)
    nothing = dict.fromkeys(("input_text", "input_audio", "cached_text", "output_text", "output_audio", "total"), 0)
    factories.make_usage(call, kind="transcription", model="whisper-1", seconds=Decimal("90"), **nothing)
    with tenant_scope(acme.id):
        found = charges.of_call(call)
    assert found.amounts == {"time": Decimal("0.009")}


def test_what_is_not_known_is_counted_and_named(acme):
    call = factories.make_call(acme)
    factories.make_usage(call, **USED)
    factories.make_usage(call, **USED, split_known=False)
    factories.make_usage(call, complete=False)
    factories.make_usage(call, model="my-deployment")
    factories.make_usage(call, model="")
    with tenant_scope(acme.id):
        found = charges.of_call(call)
    assert (found.exact, found.estimated, found.missing) == (COST, COST, 1)
    used = {"fresh_text": 36, "fresh_audio": 50, "cached_text": 64, "output_text": 20, "output_audio": 80}
    assert found.unpriced == {"my-deployment": used, "": used}


def test_a_new_list_re_rates_from_its_day_on(acme):
    call = factories.make_call(acme)
    midnight = NOON.replace(hour=0)
    factories.make_usage(call, **USED, at=midnight - timedelta(microseconds=1))
    factories.make_usage(call, **USED, at=midnight)
    add_list("gpt-realtime", NOON.date(), fresh_text="0", fresh_audio="0", cached_text="0", output_audio="100")
    with tenant_scope(acme.id):
        assert charges.of_call(call).exact == COST + Decimal("0.008")


def test_spend_counts_from_the_moment_of_use(acme, globex):
    call = factories.make_call(acme)
    for hours in (1, 2, 3):
        factories.make_usage(call, **USED, at=NOON - timedelta(hours=hours))
    factories.make_usage(factories.make_call(globex), **USED)
    with tenant_scope(acme.id):
        assert charges.spend_since(NOON - timedelta(hours=2)).exact == 2 * COST


def test_the_rivals_calls_cost_us_nothing(acme, globex):
    call = factories.make_call(acme)
    factories.make_usage(call, **USED)
    with tenant_scope(globex.id):
        assert charges.of_call(call).exact == 0
        assert charges.spend_since(datetime.min.replace(tzinfo=NOON.tzinfo)).bills == 0


def test_the_browsers_table_has_whole_numbers(db):
    found = charges.price_table(["gpt-realtime-2026-03-01", "gpt-realtime-whisper", "my-deployment"], NOON.date())
    assert found["currency"] == "USD"
    assert found["models"].keys() == {"gpt-realtime-2026-03-01", "gpt-realtime-whisper"}
    assert found["models"]["gpt-realtime-2026-03-01"]["output_audio"] == 64_000_000
    assert found["models"]["gpt-realtime-whisper"] == {"time": 283_333_333}


def test_every_list_of_ours_names_its_source_and_its_day(db):
    for one in PriceList.objects.all():
        assert one.source.startswith("https://"), one
        assert one.valid_from <= one.checked_on, one
        assert charges.price_table([one.model], one.valid_from)["models"][one.model], one


@pytest.mark.parametrize(
    "statement",
    ["update calls_pricelist set fresh_text = 0", "delete from calls_pricelist", "truncate calls_pricelist"],
)
def test_a_list_is_never_changed(db, database_url, statement):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    with psycopg.connect(database_url) as owner, pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        owner.execute(statement)


@pytest.mark.parametrize("fault", [{"fresh_text": "-1"}, {"per_minute": "-0.1"}, {"currency": "EUR"}])
def test_a_list_that_cannot_be_is_refused(db, fault):
    with pytest.raises(IntegrityError), transaction.atomic():
        add_list("m", NOON.date(), **fault)
