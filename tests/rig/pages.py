"""The table of pages: what each address promises to whom. Tests open all of them, and `make screenshots` pictures them.

A new page is a new row. An address that people do not look at (a form's target, a file, a figure for a script) goes to
NOT_PAGES with a word on what it is; a test fails where an address is in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calls.domain.roles import CAPABILITIES, Capability, Role

STAFF = "staff"
NOBODY = ""


def may(capability: Capability) -> tuple[str, ...]:
    return tuple(role.value for role in Role if capability in CAPABILITIES[role])


SEE, BILL = may(Capability.SEE), may(Capability.BILL)
PUBLISH, MANAGE = may(Capability.PUBLISH), may(Capability.MANAGE)


@dataclass(frozen=True)
class Place:
    """A page. `path` has places for what a `World` knows."""

    key: str
    """Names the picture, and the test"""
    name: str
    """Of the address, as in calls/web/urls.py"""
    path: str
    who: tuple[str, ...]
    """Roles that may see it; STAFF and NOBODY (without signing in) are none of a tenant's"""
    status: int = 200
    """302: leads on to the first of what it lists"""
    pictured: str = ""
    """Who is sat down for the picture; without a word, the last one of `who` that has most of the page"""

    @property
    def sitter(self) -> str:
        return self.pictured or ("admin" if "admin" in self.who else self.who[0])

    @property
    def inside(self) -> bool:
        """Belongs to a tenant: for members of others it does not exist."""
        return self.path.startswith("/t/")


T = "/t/{slug}"
AGENT, ACCOUNT = f"{T}/agents/{{agent}}", f"{T}/admin/accounts/{{account}}"
PLACES = (
    Place("sign-in", "sign_in", "/sign-in/", (NOBODY,)),
    Place("style", "style", "/style/", (STAFF,)),
    Place("status", "status", "/status/", (STAFF,)),
    Place("live", "live", f"{T}/live/", SEE, pictured="supervisor"),
    Place("connect", "connect", f"{T}/connect/", MANAGE),
    Place("calls", "calls", f"{T}/calls/", SEE),
    Place("calls-found", "calls", f"{T}/calls/?q={{word}}", SEE, pictured="supervisor"),
    Place("calls-filtered", "calls", f"{T}/calls/?outcome=ended&when=week&shortest=0:01", SEE),
    Place("calls-nothing", "calls", f"{T}/calls/?q=unheard-of&outcome=live", SEE, pictured="supervisor"),
    Place("call-live", "call", f"{T}/calls/{{live}}/", SEE, pictured="supervisor"),
    Place("call-finished", "call", f"{T}/calls/{{finished}}/", SEE, pictured="supervisor"),
    Place("usage", "usage", f"{T}/usage/", BILL, pictured="analyst"),
    Place("exports", "exports", f"{T}/exports/", BILL, pictured="analyst"),
    Place("agents", "agents", f"{T}/agents/", PUBLISH),
    Place("agent", "agent", f"{AGENT}/", PUBLISH),
    Place("agent-session", "agent_session", f"{AGENT}/session/", MANAGE),
    Place("agent-new", "agent_new", f"{T}/agents/new/", MANAGE),
    Place("routes", "routes", f"{T}/routes/", MANAGE),
    Place("members", "members", f"{T}/admin/members/", MANAGE),
    Place("accounts", "accounts", f"{T}/admin/accounts/", MANAGE, 302),
    Place("account", "account", f"{ACCOUNT}/", MANAGE),
    Place("account-new", "account_new", f"{T}/admin/accounts/new/", MANAGE),
    Place("audit", "audit", f"{T}/admin/audit/", MANAGE),
    Place("settings", "tenant_settings", f"{T}/admin/settings/", MANAGE),
)

NOT_PAGES: Mapping[str, str] = {
    "home": "leads on; its chooser is looked at in tests/browser/test_pages.py",
    "sign_in_link": "signs in once; looked at in tests/browser",
    "invitation": "opens once",
    "sign_out": "a form's target",
    "status_json": "figures for a program",
    "sign_out_everywhere": "a form's target",
    "preferences": "a form's target",
    "theme": "a form's target",
    "figures": "figures for a script",
    "guide_progress": "steps for a script",
    "guide_dismiss": "a form's target",
    "first_event": "news for a script",
    "calls_csv": "a file",
    "command": "a form's target",
    "usage_table": "a file",
    "export_ask": "a form's target",
    "export_status": "progress for a script",
    "export_file": "a file",
    "export_cancel": "a form's target",
    "export_again": "a form's target",
    "agent_versions": "a form's target",
    "agent_publish": "a form's target",
    "agent_used": "a form's target",
    "agent_remove": "a form's target",
    "agent_restore": "a form's target",
    "route_change": "a form's target",
    "route_remove": "a form's target",
    "admin": "leads on",
    "member_role": "a form's target",
    "member_remove": "a form's target",
    "invitation_withdraw": "a form's target",
    "account_rotate": "a form's target",
    "account_drop": "a form's target",
    "account_test": "a form's target",
    "account_deliveries": "news for a script",
    "audit_csv": "a file",
}
