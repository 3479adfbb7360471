"""Errors become pages or JSON; our own faults stay faults."""

from __future__ import annotations

import psycopg
import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.test import Client
from psycopg.errors import IdleInTransactionSessionTimeout
from psycopg_pool import PoolTimeout

from calls.exceptions import CommandRejected, InvalidInput, NotFound, ProviderRefused, TenantScopeMissing, TooWide
from calls.web import problems
from tests import factories

JSON = {"accept": "application/json"}


@pytest.fixture
def middleware():
    return problems.ProblemsMiddleware(lambda request: None)


def test_json_for_programs_with_code_sentence_and_field(middleware, rf):
    answer = middleware.process_exception(rf.get("/", headers=JSON), InvalidInput("write something", "text"))
    assert answer.status_code == 422
    assert answer.content == b'{"code": "invalid_input", "message": "Write something.", "field": "text"}'


def test_a_page_for_people(middleware, rf):
    answer = middleware.process_exception(rf.get("/"), CommandRejected("The call is over."))
    assert answer.status_code == 409
    assert "The call is over." in answer.content.decode()
    assert "<script>" not in answer.content.decode()


def test_a_browser_that_takes_anything_gets_a_page(rf):
    assert not problems.wants_json(rf.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}))
    assert not problems.wants_json(rf.get("/"))


@pytest.mark.parametrize("fault", [TenantScopeMissing("calls"), ValueError("x")])
def test_our_own_faults_are_left_to_django(middleware, rf, fault):
    assert middleware.process_exception(rf.get("/"), fault) is None


def test_a_question_that_takes_too_long_has_its_own_sentence(middleware, rf):
    answer = middleware.process_exception(rf.get("/"), TooWide("canceled"))
    assert answer.status_code == 503
    assert "Ask about a shorter time" in answer.content.decode()


def test_what_is_absent_says_nothing_of_itself(rf):
    texts = {problems.answer(rf.get(path), NotFound(why)).content for path, why in [("/a", "x"), ("/b", "y")]}
    assert len(texts) == 1


def test_a_500_has_a_reference_to_quote_in_page_and_log(rf, caplog):
    answer = problems.server_error(rf.get("/broken"))
    reference = caplog.records[0].reference
    assert answer.status_code == 500
    assert reference in answer.content.decode()


@pytest.mark.django_db
def test_a_post_without_its_token_is_refused_with_our_page(sam):
    client = Client(enforce_csrf_checks=True)
    client.force_login(sam.user)
    answer = client.post("/preferences/", {"theme": "dark"}, headers={"referer": "http://testserver/t/acme/live/"})
    assert answer.status_code == 403
    assert "too old" in answer.content.decode()
    assert 'href="http://testserver/t/acme/live/"' in answer.content.decode()
    elsewhere = client.post("/preferences/", {"theme": "dark"}, headers={"referer": "https://evil.example/"})
    assert "evil.example" not in elsewhere.content.decode()
    told = client.post("/preferences/", {"theme": "dark"}, headers=JSON)
    assert (told.status_code, told.json()["code"]) == (403, "page_too_old")


@pytest.mark.django_db
def test_an_unknown_address_is_our_404():
    answer = Client().get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


@pytest.mark.django_db
def test_an_address_that_takes_forms_only_says_so(sam):
    answer = sam.client.get("/preferences/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "takes no such request" in answer.content.decode()
    assert sam.client.get("/preferences/", headers=JSON).json()["code"] == "method_not_allowed"


@pytest.mark.django_db
def test_more_than_the_server_takes_is_a_413(sam, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = sam.client.post("/preferences/", {"theme": "x" * 200})
    assert answer.status_code == 413
    assert "That is too much at once" in answer.content.decode()


def test_what_cannot_be_read_is_a_400_without_any_host(rf):
    answer = problems.bad_request(rf.get("/", headers={"host": "stranger.example"}), SuspiciousOperation("x"))
    assert answer.status_code == 400
    assert "could not be read" in answer.content.decode()


def woken_too_late():
    """As Django raises it where a process stood still inside its transaction."""
    error = InternalError("terminated")
    error.__cause__ = IdleInTransactionSessionTimeout()
    return error


@pytest.mark.parametrize(
    "fault", [OperationalError("gone"), InterfaceError("closed"), PoolTimeout("none free"), woken_too_late()]
)
def test_without_a_database_the_page_says_come_back_and_asks_none(rf, fault, caplog):
    try:
        raise fault
    except type(fault):
        answer = problems.server_error(rf.get("/t/acme/live/"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "out of reach" in answer.content.decode()
    assert caplog.records[0].reference in answer.content.decode()


def test_what_a_process_that_stands_still_holds_is_not_called_a_database_that_is_away(committed_db, acme, sam):
    call = factories.make_call(acme)
    with psycopg.connect(committed_db) as connection:
        connection.execute("select from calls_call for update")
        sam.client.raise_request_exception = False
        ask = {"verb": "hang_up", "text": "", "key": "1"}
        answer = sam.client.post(f"/t/acme/calls/{call.code}/commands/", ask, headers=JSON)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["code"] == "held"
    assert "did not let go in time" in answer.json()["message"]


def test_where_the_database_is_away_a_404_is_still_a_404(rf):
    class Away:
        @property
        def is_authenticated(self):
            raise OperationalError("gone")

    request = rf.get("/nowhere/")
    request.user = Away()
    assert problems.not_found(request).status_code == 404


def test_the_provider_is_quoted_or_said_to_be_silent(middleware, rf):
    answer = middleware.process_exception(rf.get("/"), ProviderRefused("no such key"))
    assert answer.status_code == 502
    assert "No such key." in answer.content.decode()
    assert "No reason was given." in problems.answer(rf.get("/"), ProviderRefused()).content.decode()


def test_a_page_that_broke_can_be_asked_for_again_and_a_form_leads_back_to_its_page(rf):
    page = problems.server_error(rf.get("/broken")).content.decode()
    assert "Try again" in page
    assert "Back to the page" not in page
    form = problems.server_error(rf.post("/broken", headers={"referer": "http://testserver/t/acme/live/"}))
    assert "Try again" not in form.content.decode()
    assert 'href="http://testserver/t/acme/live/"' in form.content.decode()
