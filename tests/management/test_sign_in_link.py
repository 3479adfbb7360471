"""`manage.py sign_in_link`: addresses that work, in the order of the users."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests import factories


def _run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("sign_in_link", *arguments, stdout=out)
    return out.getvalue().split()


@pytest.mark.django_db
def test_each_user_gets_an_address_that_signs_in(settings):
    users = [factories.make_user() for _ in range(2)]
    for user, address in zip(users, _run(*(user.email for user in users)), strict=True):
        assert address.startswith(f"{settings.PUBLIC_URL}/sign-in/link/")
        client = Client()
        client.post(address.removeprefix(settings.PUBLIC_URL))
        assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [("nobody@example.com",), ("x",), ("--minutes", "1441")])
def test_what_cannot_be_is_said(arguments):
    user = factories.make_user()
    with pytest.raises(CommandError):
        _run(*arguments, *([user.email] if arguments[0].startswith("--") else []))
