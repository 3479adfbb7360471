"""The sample installation of `make demo`: two tenants, their people and agents, and a simulated provider."""

from __future__ import annotations

from typing import Any

PASSWORD = "realtime-demo"  # noqa: S105  printed for everybody; the demo listens on loopback only
_WEBHOOK_SECRET = "whsec_ZGVtby1zZWNyZXQtb2YtdGhlLXNpbXVsYXRvci0wMDE="  # noqa: S105  the simulator's

NEWCOMERS = ("supervisor@acme.example", "admin@acme.example", "analyst@acme.example")
STAFF = "staff@example.com"

TRADES = {
    "acme": {
        "+442079460100": "billing",
        "+442079460200": "booking",
        "+442079460300": "triage",
        "+442079460400": "telecoms",
    },
    "globex": {"+4930901820": "booking"},
}
"""Tenant → dialled number → what the simulator's callers talk about there"""

_AGENTS = [
    {
        "name": "Nora, billing",
        "model": "gpt-realtime-2.1",
        "voice": "marin",
        "greeting": "Greet the caller, say that you are Nora from billing, and ask how you can help.",
        "instructions": "You are Nora, the billing agent. Be brief and friendly. Look invoices up before you answer. "
        "Offer a callback when a payment is under review.",
    },
    {
        "name": "Theo, booking",
        "model": "gpt-realtime-2.1",
        "voice": "cedar",
        "greeting": "Greet the caller, say that you are Theo from booking, and ask how you can help.",
        "instructions": "You are Theo, the booking agent. Find a free slot, repeat it, and confirm it.",
    },
    {
        "name": "Iris, triage",
        "model": "gpt-realtime-2.1-mini",
        "voice": "sage",
        "greeting": "Greet the caller, say that you are Iris, and ask what the call is about.",
        "instructions": "You are Iris. Find out what the caller needs and pass the call on. Never give advice.",
    },
    {
        "name": "Max, support",
        "model": "gpt-realtime-2.1",
        "voice": "ash",
        "greeting": "Greet the caller, say that you are Max from support, and ask what does not work.",
        "instructions": "You are Max, technical support. One step at a time. Check the line before you send anybody.",
    },
]


def document(simulator_port: int) -> dict[str, Any]:
    """The document for `manage.py provision`."""
    return {
        "tenants": [
            {
                "slug": "acme",
                "name": "Acme Health",
                "timezone": "Europe/London",
                "currency": "GBP",
                "members": _members("acme"),
                "accounts": [_account("acme", simulator_port)],
                "agents": _AGENTS,
                "routes": [
                    {"number": "+442079460100", "agent": "Nora, billing"},
                    {"number": "+442079460200", "agent": "Theo, booking"},
                    {"number": "+442079460400", "agent": "Max, support"},
                    {"number": "*", "agent": "Iris, triage"},
                ],
            },
            {
                "slug": "globex",
                "name": "Globex Travel",
                "timezone": "Europe/Berlin",
                "currency": "EUR",
                "members": _members("globex"),
                "accounts": [_account("globex", simulator_port)],
                "agents": [agent for agent in _AGENTS if agent["name"] == "Theo, booking"],
                "routes": [{"number": "*", "agent": "Theo, booking"}],
            },
        ]
    }


def _account(slug: str, simulator_port: int) -> dict[str, Any]:
    return {
        "name": "Simulated provider",
        "kind": "openai",
        "base_url": f"http://127.0.0.1:{simulator_port}/v1",
        "api_key": _api_key(slug),
        "webhook_secrets": [_WEBHOOK_SECRET],
    }


def _api_key(slug: str) -> str:
    """The simulator knows its accounts apart by their keys."""
    return f"sk-simulator-{slug}"


def _members(slug: str) -> list[dict[str, str]]:
    return [
        {"email": f"{role}@{slug}.example", "password": PASSWORD, "role": role}
        for role in ("owner", "admin", "supervisor", "analyst")
    ]


def simulator_accounts(provisioned: dict[str, Any]) -> list[dict[str, Any]]:
    """Accounts for the simulator, from what `provision` printed."""
    return [
        {
            "webhook_url": account["webhook_url"],
            "webhook_secret": _WEBHOOK_SECRET,
            "api_key": _api_key(tenant["slug"]),
            "numbers": list(TRADES[tenant["slug"]]),
            "trades": TRADES[tenant["slug"]],
            "weight": 6 if tenant["slug"] == "acme" else 1,
        }
        for tenant in provisioned["tenants"]
        for account in tenant["accounts"]
    ]


def welcome(address: str, links: list[str], *, staff: bool) -> list[str]:
    """What the terminal says at the end; `links` sign the newcomers in, in their order."""
    first, *others = links
    names = [email.partition("@")[0] for email in NEWCOMERS]
    return [
        "",
        f"open  {first}",
        f"      and you are the {names[0]}; the link works once, within a day",
        "",
        *(f"as {name:8} {link}" for name, link in zip(names[1:], others, strict=True)),
        f"or sign in at {address}/ with the password {PASSWORD}, as",
        f"      {', '.join(NEWCOMERS)}, supervisor@globex.example (another tenant)",
        *([f"      {STAFF} (platform staff: {address}/admin/)"] if staff else []),
        "",
    ]
