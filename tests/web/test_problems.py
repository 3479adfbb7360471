"""Errors become pages or JSON; our own faults stay faults."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client

from calls.exceptions import CommandRejected, InvalidInput, NotFound, TenantScopeMissing
from calls.web import problems

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


def test_what_is_absent_says_nothing_of_itself(rf):
    texts = {problems.answer(rf.get(path), NotFound(why)).content for path, why in [("/a", "x"), ("/b", "y")]}
    assert len(texts) == 1


def test_a_500_has_a_reference_to_quote_in_page_and_log(rf, caplog):
    answer = problems.server_error(rf.get("/broken"))
    reference = caplog.records[0].reference
    assert answer.status_code == 500
    assert reference in answer.content.decode()


def test_the_pages_that_django_renders_itself_need_no_request():
    for name in ("400.html", "403_csrf.html", "500.html"):
        assert "<h1>" in render_to_string(name)


@pytest.mark.django_db
def test_a_post_without_its_token_is_refused_with_our_page(sam):
    client = Client(enforce_csrf_checks=True)
    client.force_login(sam.user)
    answer = client.post("/preferences/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "too old" in answer.content.decode()


@pytest.mark.django_db
def test_an_unknown_address_is_our_404():
    answer = Client().get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
