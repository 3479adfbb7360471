"""What a supervisor does with the controls of the page, each proven by the provider's own event in its ledger."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import entry, lines
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.browser

TOOK = re.compile(r"\d+ ms|\d\.\d\d s")


def _write(page: Page, key: str, button: str, words: str) -> None:
    """The key of the verb, the words, the button."""
    page.locator("main").click(position={"x": 2, "y": 2})
    page.keyboard.press(key)
    expect(page.locator("textarea[name=text]")).to_be_focused()
    page.keyboard.type(words)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("textarea[name=text]")).to_have_value("")


def _is(page: Page, words: str, state: str) -> None:
    """The entry with these words came to that state, and says how long it took."""
    chip = entry(page, words).locator(".chip")
    expect(chip).to_have_attribute("data-state", state)
    expect(chip.locator("[data-f=took]")).to_have_text(TOOK)


def _asked(rig, line, verb: str) -> list[tuple[Any, ...]]:
    query = """select k.id::text, k.state, a.email from calls_command k join calls_call c on c.id = k.call_id
               join calls_user a on a.id = k.by_id where c.code = %s and k.verb = %s"""
    return rig.rows(query, line.code, verb)


def test_words_for_the_agent_are_sent_and_proven(seat, ring, rig):
    line = ring()
    page = seat().call(line)
    line.wait_for_speech()
    _write(page, "w", "Inform the model", "The caller waited 20 minutes.")
    _is(page, "The caller waited 20 minutes.", "confirmed")
    _write(page, "i", "Replace instructions", "You are Nora. Speak slowly.")
    _is(page, "You are Nora. Speak slowly.", "confirmed")
    _write(page, "s", "Say it", "One moment please.")
    _is(page, "One moment please.", "confirmed")

    provider = rig.provider
    added = [event["item"] for event in provider.frames(line.call_id, "conversation.item.added")]
    informed = [item for item in added if item.get("role") == "system"]
    assert [part["text"] for item in informed for part in item["content"]] == ["The caller waited 20 minutes."]
    updated = provider.frames(line.call_id, "session.updated")[-1]["session"]
    assert updated["instructions"] == "You are Nora. Speak slowly."
    heard = "response.output_audio_transcript.done"
    wait_until(
        lambda: "One moment please." in [event["transcript"] for event in provider.frames(line.call_id, heard)],
        LIMIT_S,
        "the provider to have said it",
    )

    # The transcript holds them too: what only the model sees says so, and what was said carries its command.
    private = lines(page, "[data-speaker=operator]")
    expect(private).to_contain_text("only the model sees this")
    expect(private).to_contain_text("The caller waited 20 minutes.")
    said = lines(page, "[data-speaker=agent]").filter(has_text="One moment please.")
    expect(said.locator(".chip")).to_contain_text("Say confirmed")
    expect(page.locator("[data-part=ledger] > .entry")).to_have_count(3)
    for one in page.locator("[data-part=ledger] [data-f=steps]").all_inner_texts():
        assert re.match(r"requested → .*sent .* → confirmed ", one), one
    expect(page.locator("[data-part=ledger] [data-f=by]").first).to_have_text("supervisor@acme.example")


def test_stop_talking_silences_the_agent(seat, ring, rig):
    line = ring("reciting")
    page = seat().call(line)
    line.wait_for_speech()
    page.get_by_role("button", name="Stop talking").click()
    _is(page, "Stop talking", "confirmed")
    provider = rig.provider
    done = [event["response"]["status"] for event in provider.frames(line.call_id, "response.done")]
    assert provider.frames(line.call_id, "output_audio_buffer.cleared") or "cancelled" in done
    expect(lines(page, "[data-status=cut_off]")).to_have_count(1)


def test_a_transfer_asks_where_to_and_is_proven_by_the_end_of_the_call(seat, ring, rig):
    line = ring()
    me = seat()
    me.complaints.expect("status of 422")
    page = me.call(line)
    page.keyboard.press("x")
    dialog = page.locator("#transfer")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Transfer to")).to_be_focused()
    page.keyboard.type("nowhere at all")
    page.keyboard.press("Enter")
    expect(dialog.locator("[data-error]")).not_to_be_empty()
    expect(dialog.get_by_label("Transfer to")).to_have_value("nowhere at all")
    expect(dialog.get_by_label("Transfer to")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Transfer to").fill("+442079460999")
    dialog.get_by_role("button", name="Transfer", exact=True).click()
    expect(dialog).to_be_hidden()
    _is(page, "Transfer", "confirmed")
    expect(page.locator("[data-part=head] [data-f=reason]")).to_contain_text("Transferred")
    expect(page.get_by_role("button", name="Transfer…")).to_be_disabled()
    assert [one["status"] for one in rig.provider.requests(line.call_id, "refer")] == [200]
    assert rig.provider.truths()[line.call_id]["outcome"] == "transferred"


def test_hanging_up_asks_once_and_shows_whom(seat, ring, rig):
    line = ring(**{"from": "+447700900815"})
    page = seat("owner").call(line)
    expect(page.get_by_role("heading", level=1)).to_contain_text("+447700900815")
    page.get_by_role("button", name="Hang up").click()
    dialog = page.locator("#hang-up")
    expect(dialog.get_by_role("heading")).to_have_text("Hang up on +447700900815?")
    timer = dialog.locator("[data-timer]")
    first = timer.inner_text()
    assert re.fullmatch(r"\d+:\d\d", first)
    expect(timer).not_to_have_text(first)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert not _asked(rig, line, "hang_up")

    page.get_by_role("button", name="Hang up").click()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    _is(page, "Hang up", "confirmed")
    expect(page.locator("[data-part=head] [data-f=reason]")).to_contain_text("Hung up from here")
    assert [one["status"] for one in rig.provider.requests(line.call_id, "hangup")] == [200]
    assert rig.provider.truths()[line.call_id]["outcome"] == "hung_up_by_server"
    assert [row[1:] for row in _asked(rig, line, "hang_up")] == [("confirmed", "owner@acme.example")]
    expect(page.locator("[data-reason]")).to_have_text("The call is over.")


def test_what_the_provider_refuses_is_told_in_its_words(seat, ring, rig):
    line = ring(faults=["refer_500"])
    page = seat().call(line)
    page.get_by_role("button", name="Transfer…").click()
    page.locator("#transfer input[name=text]").fill("tel:+442079460999")
    page.keyboard.press("Enter")
    _is(page, "Transfer", "refused")
    stored = rig.rows(
        "select k.detail from calls_command k join calls_call c on c.id = k.call_id where c.code = %s", line.code
    )
    detail = entry(page, "Transfer").locator("[data-f=detail]")
    expect(detail).to_have_text(stored[0][0])
    expect(detail).to_contain_text("server")
    assert [one["status"] for one in rig.provider.requests(line.call_id, "refer")] == [500]
    assert rig.state(line.call_id) == "active"
    expect(page.get_by_role("button", name="Transfer…")).to_be_enabled()


def test_words_stay_when_they_could_not_be_sent_and_go_out_once(seat, ring, rig):
    line = ring()
    me = seat()
    page = me.call(line)
    line.wait_for_speech()
    me.complaints.expect("ERR_FAILED", "status of 500")
    text = page.locator("textarea[name=text]")
    error = page.locator("#steer-error")
    send = page.get_by_role("button", name="Inform the model", exact=True)
    text.fill("Her card was stolen.")
    page.route("**/commands/", lambda route: route.abort())
    send.click()
    expect(error).to_have_text("The server was not reached. Your text is kept; send again.")
    expect(text).to_have_value("Her card was stolen.")
    page.unroute("**/commands/")

    # The answer is lost on its way: the server has the command, the page cannot know.
    page.route("**/commands/", lambda route: (route.fetch(), route.fulfill(status=500, body="<h1>proxy</h1>")))
    send.click()
    expect(error).to_have_text("The server could not take it (500). Your text is kept; send again.")
    expect(text).to_have_value("Her card was stolen.")
    page.unroute("**/commands/")
    send.click()
    expect(text).to_have_value("")
    expect(error).to_be_empty()
    _is(page, "Her card was stolen.", "confirmed")
    assert len(_asked(rig, line, "inform")) == 1
    items = [event["item"] for event in rig.provider.frames(line.call_id, "conversation.item.added")]
    assert len([item for item in items if item.get("role") == "system"]) == 1


def test_two_supervisors_see_what_the_other_one_asks(seat, ring):
    line = ring()
    mine = seat("supervisor").call(line)
    theirs = seat("admin").call(line)
    line.wait_for_speech()
    _write(mine, "w", "Inform the model", "Asked by Sam.")
    _write(theirs, "w", "Inform the model", "Asked by Adam.")
    for page in (mine, theirs):
        for words, who in (("Asked by Sam.", "supervisor"), ("Asked by Adam.", "admin")):
            _is(page, words, "confirmed")
            expect(entry(page, words).locator("[data-f=by]")).to_have_text(f"{who}@acme.example")
        wait_until(
            lambda page=page: lines(page, "[data-speaker=operator]").count() == 2, LIMIT_S, "both in the transcript"
        )


def test_words_that_were_changed_after_a_lost_answer_are_a_command_of_their_own(seat, ring, rig):
    line = ring("waiting")
    me = seat()
    me.complaints.expect("ERR_FAILED")
    page = me.call(line)

    def lose(route) -> None:
        route.fetch()  # it did arrive
        route.abort()

    page.route("**/commands/", lose, times=1)
    field = page.locator("textarea[name=text]")
    field.fill("First words.")
    page.get_by_role("button", name="Inform the model", exact=True).click()
    expect(page.locator("#steer-error")).to_contain_text("Your text is kept")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{me.origin}{line.path}")  # Esc leads nowhere while words wait
    field.fill("Other words.")
    page.get_by_role("button", name="Inform the model", exact=True).click()
    _is(page, "First words.", "confirmed")
    _is(page, "Other words.", "confirmed")
    assert len(_asked(rig, line, "inform")) == 2
