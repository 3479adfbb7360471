"""The page of past calls: rows, hits, pages, and a word for every kind of nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.exceptions import TooWide
from calls.selectors import history
from tests import factories
from tests.factories import NOON

RIGHT_TO_LEFT = "\u202eevil\u202c"
HOSTILE = f"</bdi><img src=x onerror=alert(1)>{{{{ 7|add:7 }}}}{RIGHT_TO_LEFT}=1+1"
LONG = "x" * 10_000


def page(person, status=200, tenant="acme", **query):
    answer = person.client.get(reverse("calls", args=[tenant]), query)
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def words(text):
    """What is read, without markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def past(acme, **fields):
    ended = NOON + timedelta(minutes=2, seconds=1)
    return factories.make_call(acme, **{"state": "ended", "end_reason": "hung_up", "ended_at": ended, **fields})


def test_a_row_says_what_became_of_the_call(sam, acme):
    call = past(acme, agent=factories.make_agent(acme, name="Nora"), usage_incomplete=True)
    factories.make_turn(call, "Hello", speaker="agent", status="cut_off", reply_ms=640)
    factories.make_gap(call)
    text = words(page(sam))
    for expected in ("Ended", "Nora v1", "Hung up from here", "20 Nov, 12:00", "2:00", "640 ms", "gap", "usage incomplete"):  # fmt: skip
        assert expected in text, expected


def test_a_live_call_is_marked_live(sam, acme):
    live = factories.make_call(acme, started_at=timezone.now())
    past(acme)
    text = page(sam)
    assert text.count("data-live") == text.count('class="live-mark"') == 1
    assert f'href="/t/acme/calls/{live.code}/"' in text.split("data-live")[1].split("</tr>")[0]


def test_hits_are_marked_and_lead_to_their_turn(sam, acme):
    call = past(acme)
    turn = factories.make_turn(call, "Your invoice is late.", speaker="agent", item_id="item/1 ä")
    text = page(sam, q="invoice")
    assert "Your <mark>invoice</mark> is late." in text
    item = "item%2F1%20%C3%A4"
    assert f'href="/t/acme/calls/{call.code}/?turn={item}#turn-{item}"' in text
    assert turn.item_id not in text
    there = sam.client.get(reverse("call", args=["acme", call.code])).content.decode()
    assert f'id="turn-{turn.item_id}"' in there


def test_hostile_words_stay_words(sam, acme):
    agent = factories.make_agent(acme, name=HOSTILE[:80])
    call = past(acme, agent=agent, from_number=HOSTILE, to_number=HOSTILE, detail=HOSTILE)
    factories.make_turn(call, f"{HOSTILE} needle \x02faked\x03 {LONG}")
    factories.make_turn(call, f"{LONG} needle")
    for query in ({}, {"q": "needle"}, {"q": '<img src=x onerror=alert(1)> "needle"'}):
        text = page(sam, **query)
        assert "<img" not in text
        assert "\x02" not in text
        assert "<mark>faked" not in text
        # Marks of writing direction end with the field that they came in.
        for field in re.findall(r"[^<>]*\u202e[^<>]*(?=<)", text):
            assert f"<bdi>{field}</bdi>" in text or 'title="' in text, field
    assert len(text) < 40_000, "what is long is cut"


def test_names_of_ten_thousand_characters_do_not_get_in(adam, acme):
    text = page(adam, 422, q=LONG)
    assert "at most 200 characters" in text
    assert page(adam, 422, caller=LONG)


def test_a_page_leads_to_its_neighbours_and_keeps_the_filters(sam, acme):
    account = factories.make_account(acme)
    for minute in range(103):
        factories.make_call(acme, account=account, started_at=NOON + timedelta(minutes=minute))
    pattern = r'href="/t/acme/calls/([0-9a-f-]{36})/"'

    def follow(text, rel):
        return sam.client.get(reverse("calls", args=["acme"]) + unescape(re.search(rf'rel="{rel}" href="([^"]+)"', text)[1])).content.decode()  # fmt: skip

    first = page(sam, outcome="live")
    assert 'rel="prev"' not in first
    second = follow(first, "next")
    third = follow(second, "next")
    assert 'rel="next"' not in third
    codes = [re.findall(pattern, text) for text in (first, second, third)]
    assert [len(one) for one in codes] == [50, 50, 3]
    assert len(set(sum(codes, []))) == 103  # noqa: RUF017  three pages
    assert re.findall(pattern, follow(third, "prev")) == codes[1]
    assert all("outcome=live" in text.split('rel="next"')[1] for text in (first, second))


def test_before_the_first_call_those_who_manage_read_where_calls_are_announced(adam, ana, acme):
    account = factories.make_account(acme)
    text = page(adam)
    assert "No calls yet." in text
    assert f"http://testserver/webhooks/openai/{account.path_token}/" in text
    assert "/webhooks/" not in page(ana)


def test_where_nothing_matches_the_filter_in_the_way_is_named(sam, acme):
    past(acme)
    text = page(sam, outcome="ended", reason="busy")
    assert "Nothing matches." in text
    way = text.split("There are calls without this:")[1].split("</p>")[1]
    assert "Why it ended" in way
    assert 'href="?outcome=ended"' in way
    assert "All words must stand in one turn" in page(sam, q="nothing")


def test_what_cannot_be_used_is_said_at_its_field_and_kept(sam, acme):
    past(acme)
    for query, said in (
        ({"shortest": "soon"}, "Is neither seconds"),
        ({"q": "-no"}, "Names no word"),
        ({"caller": "441"}, "Takes the last four digits"),
    ):
        text = page(sam, 422, **query)
        (value,) = query.values()
        assert f'value="{value}"' in text
        assert said in text
        assert "history-list" not in text


@pytest.mark.parametrize("cursor", ["before", "after"])
def test_a_place_that_is_none_is_refused(sam, acme, cursor):
    assert "start again from its first page" in page(sam, 422, **{cursor: "nonsense"})


def test_a_question_that_is_too_wide_offers_shorter_ones_and_keeps_the_form(sam, acme, monkeypatch):
    def slow(*args, **kwargs):
        raise TooWide

    monkeypatch.setattr(history, "page", slow)
    text = page(sam, q="hello", outcome="ended")
    assert "This question is too wide." in text
    assert 'href="?q=hello&amp;outcome=ended&amp;when=today"' in text
    assert 'value="hello"' in text


def test_the_rival_sees_neither_rows_nor_agents(rita, acme, globex):
    agent = factories.make_agent(acme, name="Nora")
    past(acme, agent=agent)
    page(rita, 404)
    text = page(rita, tenant="globex")
    assert "Nora" not in text
    assert "No calls yet." in text
    page(rita, 422, tenant="globex", agent=str(agent.code))
