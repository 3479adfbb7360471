"""Mistakes in settings are found at the start, not by the first caller."""

import base64

import pytest
from django.core.checks import Tags, run_checks


def _ids(*, deploy=False):
    found = run_checks(tags=[Tags.security], include_deployment_checks=deploy)
    return {message.id for message in found if message.id.startswith("calls.")}


@pytest.mark.parametrize("key", ["not base64 at all!", base64.b64encode(b"too short").decode()])
def test_a_sealing_key_that_cannot_seal_is_an_error(settings, key):
    settings.SEALING_KEY = key
    assert _ids() == {"calls.E001"}


def test_a_good_key_passes(settings):
    settings.SEALING_KEY = base64.b64encode(bytes(32)).decode()
    assert _ids() == set()


def test_a_public_address_without_tls_is_a_warning_where_it_is_deployed(settings):
    settings.PUBLIC_URL = "http://ops.example.com"
    assert _ids(deploy=True) == {"calls.W001"}
    settings.PUBLIC_URL = "https://ops.example.com"
    assert _ids(deploy=True) == set()
