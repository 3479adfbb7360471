"""Single values: what is taken, what is refused, and that a refusal never quotes the value."""

from __future__ import annotations

import pytest

from calls.domain import values
from calls.exceptions import InvalidInput

TAKEN = [
    (values.slug, ["a", "acme", "acme-2", "a_b"]),
    (values.timezone, ["UTC", "Europe/Berlin"]),
    (values.currency, ["EUR"]),
    (values.email, ["a@b.example", "a+b@localhost", "o'hara@x-y.example"]),
    (values.role, ["owner", "analyst"]),
    (values.account_kind, ["openai"]),
    (values.base_url, ["https://api.openai.com/v1", "http://127.0.0.1:8080/v1", "http://[::1]:9/"]),
    (values.api_key, ["sk-1", "x" * 1000]),
    (values.webhook_secret, ["plain", "whsec_c2VjcmV0"]),
    (values.number_pattern, ["*", "+4930123456", "+49*", "49*", "0*"]),
    (values.name, ["Reception", "Zoë's desk"]),
]
REFUSED = [
    (values.slug, ["", "Acme", "a b", "-a", "a--b", "ä", "x" * 51]),
    (values.timezone, ["", "Mars", "../etc/passwd", "/etc/passwd", "Europe"]),
    (values.currency, ["", "eur", "EURO", "E1R"]),
    (values.email, ["", "a", "a@", "@b", "a b@c", "a@b@c", "a@-b", "a@b\n", "x" * 251 + "@b.c"]),
    (values.role, ["", "Owner", "emperor"]),
    (values.account_kind, ["", "azure"]),
    (values.base_url, ["", "api.openai.com", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://[x", "http://x:99999"]),
    (values.api_key, ["", "a b", "a\n", "ä", "x" * 1001]),
    (values.webhook_secret, ["", "whsec_", "whsec_!", "a b"]),
    (values.number_pattern, ["", "+", "0800", "+0800", "**", "*1", "+49 30", "+1234567890123456", "+49*\n"]),
    (values.name, ["", " a", "a\nb", "x" * 81, "a\0"]),
    (values.text, ["", "  ", "\0", "\ud800"]),
]  # fmt: skip


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, some in TAKEN for value in some])
def test_what_can_be_used_is_taken(check, value):
    assert check(value) == value


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, some in REFUSED for value in some])
def test_what_cannot_be_used_is_refused_without_quoting_it(check, value):
    with pytest.raises(InvalidInput) as caught:
        check(value)
    assert len(value) < 8 or value not in str(caught.value)


def test_an_e_mail_address_is_kept_in_lower_case():
    assert values.email("Sam@Acme.Example") == "sam@acme.example"


def test_text_may_be_blank_where_that_is_meant():
    assert values.text("", blank=True) == ""


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "api.localhost.",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "metadata.google.internal",
        "0.0.0.0",  # noqa: S104  refused here
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "224.0.0.1",
    ],
)
def test_what_lies_inside_is_no_public_address(host):
    with pytest.raises(InvalidInput):
        values.public_address(f"https://{host}:8443/v1")


@pytest.mark.parametrize("host", ["api.openai.com", "8.8.8.8", "[2606:4700::1111]", "10.example.com"])
def test_others_are(host):
    assert values.public_address(f"https://{host}/v1")
