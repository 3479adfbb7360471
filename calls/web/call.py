"""The page of one call, live and finished alike. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.domain.actors import Actor
from calls.domain.commands import TEXT_LIMIT
from calls.domain.roles import Capability
from calls.domain.states import LIVE, CallState
from calls.models import Call
from calls.selectors import calls as selectors
from calls.selectors import charges
from calls.web import facts, session_panel, transcript, words
from calls.web.access import TenantRequest, tenant_view

LINES = 300
"""Lines of a transcript in the page; the browser has the earlier ones in memory (js/call/transcript.js)"""


@require_safe
@tenant_view(Capability.SEE)
def page(request: TenantRequest, code: UUID) -> HttpResponse:
    actor = request.member.actor
    call = selectors.get(code)
    snapshot = selectors.snapshot_of(call, reveal=actor.may(Capability.REVEAL))
    body = snapshot.body
    lines = transcript.lines(body)
    live = body["call"]["state"] in LIVE
    context: dict[str, Any] = {
        "member": request.member,
        "section": "live" if live else "calls",
        "first": snapshot.first(),
        "call": body["call"],
        "lines": lines[-LINES:],
        "earlier": max(0, len(lines) - LINES),
        "commands": sorted(body["commands"], key=lambda one: str(one["requested_at"]), reverse=True),
        "facts": facts.of(body),
        "rare": facts.RARE,
        "cost": charges.of_call(call),
        "prices": _prices(call, body),
        "session": session_panel.panel(body, selectors.published_session(call)),
        "choices": session_panel.choices(),
        "reasons": {"model": session_panel.MODEL_REASON, "voice": session_panel.VOICE_REASON},
        "now": timezone.now(),
        "live": live,
        "denied": (denied := _denied(actor)),
        "blocked": denied or _blocked(body["call"]["state"]),
        "text_limit": TEXT_LIMIT,
        "words": words.table(),
        "blank": {},
        "blank_lines": transcript.blanks(),
        "keys": {verb: uuid4() for verb in ("text", "session", "probe", "stop_talking", "transfer", "hang_up")},
    }
    return render(request, "call.html", context)


def _prices(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """For the sum in the browser: prices of the day on which the call began, for all models that it may be billed for.

    A call over midnight may see other prices from then on; the server's own sum, with each page, knows them.
    """
    used = {one["model"] for one in body["usage"]}
    own = selectors.published_session(call)
    hearing = ((own.get("audio") or {}).get("input") or {}).get("transcription") or {}
    session = body["session"] or {}
    named = {own.get("model"), hearing.get("model"), session.get("model"), session.get("transcription")}
    return charges.price_table({str(model) for model in used | named if model}, call.started_at.date())


def _denied(actor: Actor) -> str:
    """Why this member may not steer, or nothing."""
    if actor.may(Capability.WHISPER) and actor.may(Capability.ACT):
        return ""
    can = words.who_can(Capability.ACT)
    return f"Your role, {actor.role}, may watch this call, not steer it. {can[0].upper()}{can[1:]} can."


def _blocked(state: str) -> str:
    """Why nobody may steer yet; js/call/controls.js says the same."""
    return "The call is not answered yet." if state in {CallState.RINGING, CallState.ACCEPTED} else ""
