"""What the product knows of a provider account: address, key, and what its kind can do. Data only; opens
nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["openai", "azure", "gateway"]


@dataclass(frozen=True, slots=True)
class Account:
    """Where calls are controlled and with which key. The key is hidden in the repr."""

    base_url: str
    """As in the SDKs: `https://api.openai.com/v1`, `https://<resource>.openai.azure.com/openai/v1`"""
    api_key: str = field(repr=False)
    kind: Kind = "openai"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how a sideband is dialled. The headers hold the key and are hidden in the repr."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What can be asked of accounts of a kind; screens grey out the rest."""

    phone: bool
    """Announces phone calls by webhook, and takes accept, reject and refer for them"""
    hang_up: bool
    playback: bool
    """Tells when the caller hears the agent (`output_audio_buffer.*`)"""


CAPABILITIES: Mapping[Kind, Capabilities] = {
    "openai": Capabilities(phone=True, hang_up=True, playback=True),
    "azure": Capabilities(phone=True, hang_up=True, playback=True),
    # Gateways differ; what they lack they answer with 404, which control maps like any other refusal.
    "gateway": Capabilities(phone=True, hang_up=True, playback=False),
}

_KEY_HEADER: Mapping[Kind, tuple[str, str]] = {
    "openai": ("Authorization", "Bearer "),
    "azure": ("api-key", ""),
    "gateway": ("Authorization", "Bearer "),
}


def key_headers(account: Account) -> dict[str, str]:
    """The header that carries the account's key. Never a beta header: with one, live calls answer 404."""
    name, prefix = _KEY_HEADER[account.kind]
    return {name: prefix + account.api_key}
