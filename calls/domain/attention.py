"""Why a call needs somebody, and how badly: a pure judgement on a row of the feed at a moment.

Mirrored by js/lib/attention.js, which is given the same limits and words; a test runs both over one table of rows.
Quiet until something needs a person: what happens in every healthy call (a pause, one interruption) is no reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from calls.domain.states import LIVE, Attachment, CallState, EndReason

Row = Mapping[str, Any]

FAULTS = (EndReason.NOT_ACCEPTED, EndReason.PROVIDER_UNREACHABLE)
"""Reasons that turn an ended call into a failed one"""


class Severity(StrEnum):
    ACT = "act"
    """A caller is being lost: somebody should act now"""
    WARN = "warn"
    """It may come to that"""
    NOTE = "note"
    """Worth a mark in the row; needs nobody"""


class Reason(StrEnum):
    """In the order in which they are told where two weigh the same."""

    FAILED = "failed"
    ASKED = "asked"
    TOOL = "tool"
    REATTACHING = "reattaching"
    NO_NEWS = "no_news"
    SILENCE = "silence"
    UNCONFIRMED = "unconfirmed"
    INTERRUPTIONS = "interruptions"
    SLOW = "slow"


WORDS: Mapping[str, str] = {
    Reason.FAILED: "The call failed",
    Reason.ASKED: "Asks for a person",
    Reason.TOOL: "A tool failed",
    Reason.REATTACHING: "Not watched, attaching again",
    Reason.NO_NEWS: "No news",
    f"{Reason.NO_NEWS}.{Severity.WARN}": "No news, may have ended",
    f"{Reason.NO_NEWS}.{Severity.ACT}": "No news, may have ended",
    Reason.SILENCE: "Nobody speaks",
    Reason.UNCONFIRMED: "A command was not confirmed",
    Reason.INTERRUPTIONS: "Many interruptions",
    Reason.SLOW: "Long reply time",
}
"""At most eight words each. By reason, or by reason and severity"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, unless said otherwise. Starting values: field reports, and what a caller bears on a telephone."""

    news_note: float = 5
    """A talking call yields several events a second; a pause of five seconds is long, but people think"""
    news_warn: float = 15
    """Nobody pauses so long: the leg is probably gone, and only a probe can tell"""
    news_act: float = 60
    silence_warn: float = 8
    """Neither speaks nor is anything played: the caller is about to say "hello?" """
    silence_act: float = 30
    slow_ms: int = 4_000
    """Milliseconds. Half of all replies over 2 s is called bad in the field; one of 4 s is heard by everybody"""
    interruptions: int = 3
    """The caller cut in so often: the agent talks past them"""
    interruptions_for: float = 120
    """Since the latest one: later it has got better by itself"""
    tool_for: float = 300
    """A tool that failed and did not work since; then the conversation has gone elsewhere"""
    asked_for: float = 300
    unconfirmed_for: float = 120


LIMITS = Limits()
_RANK = {Severity.ACT: 0, Severity.WARN: 1, Severity.NOTE: 2}
_TALKING = frozenset({CallState.ACTIVE, CallState.TRANSFERRING})


@dataclass(frozen=True, slots=True)
class Need:
    """One reason. `since` is what its age is counted from; None where it has no age worth telling."""

    reason: Reason
    severity: Severity
    since: datetime | None = None

    @property
    def words(self) -> str:
        return WORDS.get(f"{self.reason}.{self.severity}") or WORDS[self.reason]

    @property
    def needs_you(self) -> bool:
        return self.severity is not Severity.NOTE


def needs(row: Row, now: datetime, limits: Limits = LIMITS) -> list[Need]:
    """All reasons of a row, the worst first."""
    if failed(row):
        return [Need(Reason.FAILED, Severity.ACT, moment(row.get("ended_at")))]
    if row.get("state") not in LIVE:
        return []
    found = [need for need in (*_line(row, now, limits), *_talk(row, now, limits)) if need is not None]
    return sorted(found, key=lambda need: (_RANK[need.severity], list(Reason).index(need.reason)))


def worst(row: Row, now: datetime, limits: Limits = LIMITS) -> Need | None:
    return next(iter(needs(row, now, limits)), None)


def failed(row: Row) -> bool:
    state = row.get("state")
    return state == CallState.LOST or (state == CallState.ENDED and row.get("end_reason") in FAULTS)


def rank(need: Need | None) -> int:
    """Place in a list: act now, warning, everybody else."""
    return _RANK[need.severity] if need and need.needs_you else 2


def moment(value: object) -> datetime | None:
    """The feed carries times as ISO 8601 text."""
    if isinstance(value, datetime) or not value:
        return value or None  # type: ignore[return-value]  # a datetime, or nothing
    return datetime.fromisoformat(str(value))


def news_age(row: Row, now: datetime) -> float:
    """Seconds since the last event of a call that should have some; 0 for all others."""
    if row.get("state") not in _TALKING:
        return 0
    last = _last(row)
    return (now - last).total_seconds() if last else 0


def table() -> dict[str, Any]:
    """Limits and words, for the browser."""
    return {"limits": asdict(LIMITS), "words": dict(WORDS), "order": [reason.value for reason in Reason]}


def _last(row: Row) -> datetime | None:
    return moment(row.get("last_event_at")) or moment(row.get("answered_at"))


def _line(row: Row, now: datetime, limits: Limits) -> tuple[Need | None, ...]:
    """The connection, and who speaks on it."""
    if row.get("state") == CallState.ACTIVE and row.get("attachment") == Attachment.REATTACHING:
        return (Need(Reason.REATTACHING, Severity.WARN, _last(row)),)  # the rest is not known meanwhile
    age = news_age(row, now)
    last = _last(row)
    if age >= limits.news_warn:
        # Who speaks now is not known either.
        return (Need(Reason.NO_NEWS, Severity.ACT if age >= limits.news_act else Severity.WARN, last),)
    news = Need(Reason.NO_NEWS, Severity.NOTE, last) if age >= limits.news_note else None
    quiet = moment(row.get("quiet_since")) if row.get("state") == CallState.ACTIVE else None
    seconds = (now - quiet).total_seconds() if quiet else 0
    if seconds < limits.silence_warn:
        return (news,)
    return news, Need(Reason.SILENCE, Severity.ACT if seconds >= limits.silence_act else Severity.WARN, quiet)


def _talk(row: Row, now: datetime, limits: Limits) -> tuple[Need | None, ...]:
    """What was said and done. A confirmed command of an operator counts as help for what was before it."""
    helped = moment(row.get("helped_at"))

    def fresh(name: str, seconds: float) -> datetime | None:
        at = moment(row.get(name))
        within = at is not None and (now - at).total_seconds() < seconds
        return at if within and (helped is None or at > helped) else None  # type: ignore[operator]  # at is no None

    asked = fresh("asked_for_person_at", limits.asked_for)
    tool = fresh("tool_failed_at", limits.tool_for)
    unconfirmed = fresh("unconfirmed_at", limits.unconfirmed_for)
    cut_in = fresh("interrupted_at", limits.interruptions_for)
    many = cut_in is not None and int(row.get("interruptions") or 0) >= limits.interruptions
    slow = int(row.get("reply_ms") or 0) >= limits.slow_ms
    return (
        Need(Reason.ASKED, Severity.ACT, asked) if asked else None,
        Need(Reason.TOOL, Severity.ACT, tool) if tool else None,
        Need(Reason.UNCONFIRMED, Severity.WARN, unconfirmed) if unconfirmed else None,
        Need(Reason.INTERRUPTIONS, Severity.WARN, cut_in) if many else None,
        Need(Reason.SLOW, Severity.WARN) if slow else None,
    )
