"""System checks of the installation: mistakes in settings that would only show when the first call rings."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from calls import sealing


@register(Tags.security)
def sealing_keys_can_be_used(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without a usable key no provider account can be stored or opened."""
    if not settings.SEALING_KEY:
        return []  # `make check` and the like: nothing is stored
    try:
        sealing.check_keys()
    except sealing.SealBroken as error:
        return [Error(str(error), hint="Make one: head -c 32 /dev/urandom | base64", id="calls.E001")]
    return []


@register(Tags.security, deploy=True)
def webhooks_arrive_encrypted(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Providers deliver to https only, and sessions must not travel in the clear."""
    if urlsplit(settings.PUBLIC_URL).scheme == "https":
        return []
    return [Warning("PUBLIC_URL is not an https address.", hint="Set it to what people type.", id="calls.W001")]
