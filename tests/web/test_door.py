"""The door: who is led there, with which word, and where they stand afterwards."""

from __future__ import annotations

import pytest
from django.test import Client

from calls.actions import people


@pytest.mark.usefixtures("db")
def test_a_stranger_is_told_nothing_of_sessions(client):
    assert client.get("/t/acme/calls/?q=a&b=c").url == "/sign-in/?next=/t/acme/calls/%3Fq%3Da%26b%3Dc"


def test_who_was_signed_in_reads_that_the_session_ended(sam):
    people.sign_out_everywhere(sam.user)
    answer = sam.client.get("/t/acme/live/")
    assert answer.url == "/sign-in/?next=/t/acme/live/&ended=page"
    assert "Your session has ended. Sign in to go on where you were." in sam.client.get(answer.url).content.decode()


def test_a_page_that_asks_in_the_background_does_not_use_that_word_up(sam):
    people.sign_out_everywhere(sam.user)
    assert sam.client.get("/t/acme/live/figures/", headers={"sec-fetch-dest": "empty"}).status_code == 302
    answer = sam.client.get("/t/acme/live/", headers={"sec-fetch-dest": "document"})
    assert answer.url.endswith("&ended=page")


def test_a_form_that_came_too_late_leads_back_to_its_page(sam):
    people.sign_out_everywhere(sam.user)
    page = "http://testserver/t/acme/calls/?q=a"
    answer = sam.client.post("/preferences/", {"theme": "dark"}, headers={"referer": page})
    assert answer.url == "/sign-in/?next=/t/acme/calls/%3Fq%3Da&ended=form"
    assert "nothing was changed" in sam.client.get(answer.url).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("came_from", ["https://evil.example/x", "javascript:alert(1)", ""])
def test_nobody_is_led_elsewhere(came_from):
    answer = Client().post("/preferences/", {"theme": "dark"}, headers={"referer": came_from})
    assert answer.url == "/sign-in/?next=/"


@pytest.mark.django_db
def test_words_of_the_address_are_not_repeated():
    assert "<b>" not in Client().get("/sign-in/?ended=%3Cb%3Ehello").content.decode()
