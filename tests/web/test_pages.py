"""First paint: what the pages hold before any script ran, and what they never hold."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import factories

HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7|add:7 }}\u202e"


def text_of(person, name, *args):
    answer = person.client.get(reverse(name, args=["acme", *args]))
    assert answer.status_code == 200
    return answer.content.decode()


def data(text, block):
    return json.loads(re.search(rf'<script id="{block}" type="application/json">(.*?)</script>', text, re.S)[1])


def test_live_shows_rows_and_the_position_that_the_feed_goes_on_from(sam, acme):
    agent = factories.make_agent(acme, name="Nora")
    call = factories.make_call(acme, agent=agent, last_words="my balance", started_at=timezone.now())
    text = text_of(sam, "live")
    assert f'data-code="{call.code}"' in text
    assert "my balance" in text
    first = data(text, "snapshot")
    assert (first["stream"], first["seq"]) == ("tenant", 0)
    assert [row["code"] for row in first["body"]["rows"]] == [str(call.code)]


def test_callers_are_masked_for_those_who_may_not_see_them(sam, adam, acme):
    factories.make_call(acme, from_number="+4930123456")
    assert "+4930123456" not in text_of(sam, "live")
    assert "+4930123456" in text_of(adam, "live")


def test_live_finds_by_words_without_script(sam, acme):
    factories.make_call(acme, last_words="one about apples")
    factories.make_call(acme, last_words="one about pears")
    text = sam.client.get(reverse("live", args=["acme"]), {"q": "PEARS"}).content.decode()
    assert re.findall(r'class="words" data-f="words"[^>]*>([^<]+)<', text) == ["one about pears"]


def test_an_empty_live_page_says_so_and_draws_no_figure(sam, acme):
    ended = timezone.now() - timedelta(hours=1)
    factories.make_call(acme, state="ended", end_reason="hung_up", started_at=ended, ended_at=ended)
    text = text_of(sam, "live")
    assert "All quiet." in text
    assert "hung up from here" in text
    assert text.count("no data") == 3


@pytest.mark.parametrize("page", ["live", "call", "calls"])
def test_speech_is_text_wherever_it_stands(sam, acme, page):
    call = factories.make_call(acme, last_words=HOSTILE, from_number=HOSTILE, detail=HOSTILE, started_at=timezone.now())
    factories.make_turn(call, HOSTILE)
    factories.make_turn(call, "", kind="tool_call", name=HOSTILE, tool_call_id="t", arguments=HOSTILE)
    factories.make_command(call, text=HOSTILE, detail=HOSTILE, state="refused")
    text = text_of(sam, page, *([call.code] if page == "call" else []))
    assert "<img" not in text
    assert "{{ 7" in text or page != "call"
    assert not re.search(r"<script(?! type=\"module\"| id=)", text)
    assert not re.search(
        r"\s(style|on\w+)=", re.sub(r"<script.*?</script>", "", text, flags=re.S).replace("onerror=alert", "")
    )


def test_a_call_page_holds_every_kind_of_line(sam, acme):
    call = factories.make_call(acme)
    command = factories.make_command(call, text="Card under review", state="confirmed", settled_at=factories.NOON)
    factories.make_turn(call, "I said two things", speaker="agent", status="cut_off", heard_text="I said")
    factories.make_turn(call, "Card under review", speaker="operator", command_id=command.id)
    factories.make_turn(call, "", transcription="pending")
    factories.make_turn(call, "", transcription="failed")
    factories.make_gap(call)
    text = text_of(sam, "call", call.code)
    assert '<s data-f="tail"> two things</s>' in text
    assert "only the model sees this" in text
    assert "could not be transcribed" in text
    assert "Not watched" in text
    assert "the connection to the provider was cut" in text


def test_controls_stand_with_the_reason_where_they_cannot_be_used(sam, ana, acme):
    ringing = factories.make_call(acme, state="ringing", answered_at=None)
    assert "The call is not answered yet." in text_of(sam, "call", ringing.code)
    active = factories.make_call(acme)
    assert re.findall(r'<[^<]* disabled [^>]*data-now="(\w+)"', text_of(sam, "call", active.code)) == ["model"]
    denied = text_of(ana, "call", active.code)
    assert "Your role, analyst, may watch this call, not steer it. Owner, admin and supervisor can." in denied
    assert denied.count(" disabled") == 8


def test_every_form_has_a_key_of_its_own(sam, acme):
    call = factories.make_call(acme)
    keys = re.findall(r'name="key" value="([0-9a-f-]{36})"', text_of(sam, "call", call.code))
    assert len(keys) == len(set(keys)) == 6


def test_a_finished_call_stays_readable_and_has_no_controls(sam, acme):
    call = factories.make_call(
        acme, state="ended", end_reason="hung_up", ended_at=factories.NOON + timedelta(minutes=3)
    )
    factories.make_turn(call, "Good bye")
    text = text_of(sam, "call", call.code)
    assert "Good bye" in text
    assert "Hung up from here" in text
    assert "data-command" not in text


def test_history_goes_page_by_page_without_repeating(sam, acme):
    account = factories.make_account(acme)
    for minute in range(53):
        factories.make_call(acme, account=account, started_at=factories.NOON + timedelta(minutes=minute))
    first = text_of(sam, "calls")
    older = re.search(r'rel="next" href="\?before=([^"]+)"', first)[1]
    second = sam.client.get(reverse("calls", args=["acme"]) + f"?before={older}").content.decode()
    pattern = r'href="/t/acme/calls/([0-9a-f-]{36})/"'
    codes = re.findall(pattern, first) + re.findall(pattern, second)
    assert len(codes) == len(set(codes)) == 53
    assert sam.client.get(reverse("calls", args=["acme"]), {"before": "nonsense"}).status_code == 422
