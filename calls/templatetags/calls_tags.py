"""Time, figures and states for templates. Formats as js/lib/format.js does; builds no markup."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template

from calls.domain import attention, phrases
from calls.domain.actors import Actor
from calls.domain.attention import Need
from calls.domain.roles import Capability
from calls.domain.states import LIVE
from calls.web import facts, lane, session_panel, words
from calls.web import guide as first_steps
from calls.web import pretty as json_text
from calls.web.rows import moment
from calls.web.times import clock, took
from calls.web.transcript import Line

register = template.Library()
register.filter("pretty", json_text.pretty)
register.filter("setting", session_panel.words)
register.filter("costs", facts.cost_words)
register.filter("cost_notes", facts.cost_notes)
register.filter("took", took)
register.filter("clock", clock)


@register.filter
def face(row: Mapping[str, Any]) -> words.Face:
    return words.face(row)


@register.filter
def is_live(row: Mapping[str, Any]) -> bool:
    return row.get("state") in LIVE


@register.filter
def grouped(number: int) -> str:
    """`1,048,575`."""
    return f"{number:,}"


@register.filter
def percent(share: float) -> str:
    """`12.5%`, for a width in a drawing."""
    return f"{share:.1%}"


@register.filter
def command_face(command: Mapping[str, Any]) -> words.Face:
    return words.COMMAND_STATES[command["state"]]


@register.filter
def word(key: str, table: str) -> str:
    """The word for a key of one of the tables in calls.web.words; the key itself where there is none."""
    found: Mapping[str, str] = getattr(words, table)
    return found.get(key, str(key or "").replace("_", " "))


@register.simple_tag
def sprite_icons() -> list[str]:
    """Icons of badges that change while the page is open."""
    tables = (words.FACES, words.COMMAND_STATES, words.SEVERITIES)
    return sorted({face.icon for table in tables for face in table.values()})


@register.filter
def outcome(row: Mapping[str, Any]) -> str:
    """How a call ended: the reason, and what the provider or the product added."""
    reason = words.REASONS.get(row.get("end_reason") or "", "")
    return ". ".join(filter(None, [reason, row.get("detail")])) or words.face(row).word


@register.filter
def why(row: Mapping[str, Any]) -> str:
    """The same, for a list."""
    return ". ".join(filter(None, [words.WHY.get(row.get("end_reason") or "", ""), row.get("detail")]))


@register.filter
def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


@register.filter
def tool_state(line: Line, call: Mapping[str, Any]) -> str:
    """`asked` while its arguments are being written; then `running`, until there is an answer, or the call is over."""
    if line.body.get("status") == "incomplete" or (line.output and phrases.tool_failed(line.output["output"])):
        return "failed"
    if line.output is not None:
        return "done"
    if (call or {}).get("ended_at"):
        return "no result"
    return "asked" if line.body.get("status") == "open" else "running"


@register.filter
def news_age(row: Mapping[str, Any], now: datetime) -> str:
    last = moment(row.get("last_event_at"))
    return age((now - last).total_seconds()) if last else ""


@register.filter
def age(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    return f"{int(seconds)} s" if seconds < 120 else f"{int(seconds // 60)} min"


def whole_age(seconds: float) -> str:
    """`4 s`, `12 s`, `3 min`: for what is counted up each second."""
    return f"{max(0, int(seconds))} s" if seconds < 120 else f"{int(seconds // 60)} min"


@register.filter
def timer(row: Mapping[str, Any], now: datetime | None = None) -> str:
    """How long a call rings, runs or ran."""
    start = moment(row.get("answered_at")) or moment(row.get("started_at"))
    end = moment(row.get("ended_at")) or now
    return clock((end - start).total_seconds()) if start and end else ""


@register.filter
def since(at: object, call: Mapping[str, Any]) -> str:
    """Place of a moment in its call, as the transcript's gutter shows it."""
    start = moment(call.get("answered_at")) or moment(call.get("started_at"))
    here = moment(at)
    return clock((here - start).total_seconds()) if start and here else ""


@register.filter
def cut_words(line: Line) -> str:
    """What stands behind a turn that is not whole."""
    flag = words.FLAGS.get(str(line.body.get("status")), "")
    return " ".join(filter(None, [flag, dict(facts.CUT_BY).get(line.cut_by, "")])) if flag else ""


@register.filter
def between(end: object, start: object) -> str:
    """The time from `start` to `end`, both moments of the feed."""
    first, last = moment(start), moment(end)
    return took((last - first).total_seconds() * 1000) if first and last else ""


@register.filter
def gap_length(gap: Mapping[str, Any]) -> str:
    return between(gap.get("ended_at"), gap.get("started_at"))


@register.filter
def need(row: Mapping[str, Any], now: datetime | None) -> Need | None:
    """Why the call needs somebody, if it does."""
    return attention.worst(row, now) if now else None


@register.filter
def severity_face(one: Need) -> words.Face:
    return words.SEVERITIES[one.severity]


@register.filter
def aged(one: Need, now: datetime) -> str:
    return whole_age((now - one.since).total_seconds()) if one.since else ""


@register.filter
def row_sentence(row: Mapping[str, Any], now: datetime) -> str:
    """The whole row for those who listen; mirrored by js/live/rows.js."""
    one = attention.worst(row, now)
    warning = ": ".join(filter(None, [words.SEVERITIES[one.severity].word, one.words])) if one else ""
    agent = " ".join(filter(None, [row.get("agent"), f"v{row['version']}" if row.get("version") else ""]))
    parts = [warning, f"open call {row.get('from') or 'from an unknown number'}", agent, words.face(row).word.lower()]
    return ", ".join(filter(None, parts))


@register.filter
def talk_of(talk: Mapping[str, list[Any]], row: Mapping[str, Any]) -> list[Any]:
    return talk.get(row.get("code", ""), [])


@register.filter
def lane_paths(spans: list[Any], now: datetime | None) -> Mapping[str, str]:
    """Path data by speaker."""
    return lane.paths(spans, now) if now else {}


@register.filter
def iso(value: object) -> str:
    found = moment(value)
    return found.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if found else ""


@register.filter
def local(value: object, zone: str) -> str:
    """`20 Nov, 14:02:11` in the tenant's own time."""
    found = moment(value)
    if found is None:
        return ""
    here = found.astimezone(ZoneInfo(zone))
    return f"{here.day} {here:%b}, {here:%H:%M:%S}"


@register.filter
def local_minute(value: object, zone: str) -> str:
    """`20 Nov, 14:02`; of another year `20 Nov 2025`. For lists."""
    found = moment(value)
    if found is None:
        return ""
    here = found.astimezone(ZoneInfo(zone))
    recent = here.year == datetime.now(ZoneInfo(zone)).year
    return f"{here.day} {here:%b}, {here:%H:%M}" if recent else f"{here.day} {here:%b %Y}"


@register.filter
def tail(turn: Mapping[str, Any]) -> str:
    """What the caller did not hear of a reply that was cut off."""
    heard, text = turn.get("heard_text"), turn.get("text") or ""
    if heard is None or turn.get("status") != "cut_off":
        return ""
    return text[len(heard) :] if text.startswith(heard) else text


@register.filter
def plain(turn: Mapping[str, Any]) -> str:
    """What was said and heard."""
    heard = turn.get("heard_text")
    return heard if heard is not None and turn.get("status") == "cut_off" else turn.get("text") or ""


@register.filter
def waiting_words(turn: Mapping[str, Any]) -> str:
    """Stands where words are still due, or will never come."""
    if turn.get("text"):
        return ""
    state = str(turn.get("transcription") or "")
    if state in words.TRANSCRIPTION:
        return words.TRANSCRIPTION[state]
    return "…" if state == "pending" or turn.get("status") == "open" else ""


@register.filter
def note_sentence(note: Mapping[str, Any]) -> str:
    body = note.get("body") or {}
    extra = next((str(body[key]) for key in words.NOTE_WORDS if body.get(key)), "")
    sentence = word(note["kind"], "NOTES")
    return f"{sentence}: {extra}" if extra else sentence


@register.filter
def step_times(command: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every step that a command has made, with the time since it was asked for."""
    steps = [("requested", command.get("requested_at")), ("picked up", command.get("claimed_at"))]
    steps.append(("sent", command.get("sent_at")))
    if command.get("settled_at"):
        steps.append((command_face(command).word, command["settled_at"]))
    return [(name, between(at, command["requested_at"])) for name, at in steps if at]


@register.inclusion_tag("_guide.html", takes_context=True)
def guide(context: Mapping[str, Any]) -> dict[str, Any]:
    """The newcomer's first steps, where there are some left."""
    request = context["request"]
    found = first_steps.strip(request.user, context["member"])
    return {"guide": found, "back": request.get_full_path(), "csrf_token": context.get("csrf_token")}


@register.filter
def of(table: Mapping[Any, Any], key: Any) -> Any:
    """The entry of a mapping; empty where there is none."""
    return table.get(key, "")


@register.filter
def may(actor: Actor, capability: str) -> bool:
    """Whether the member's role has a capability: an entry that leads nowhere is not shown."""
    return actor.may(Capability(capability))
