"""What an operator may ask of a running call: imperative, plain values. Holds no rule and no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Verb(StrEnum):
    """The kinds of command, as stored and as posted by the call page."""

    INFORM = "inform"
    """Silent context: an item that only the model sees"""
    INSTRUCT = "instruct"
    """Replace the session's instructions"""
    SAY = "say"
    """Have the model speak these words to the caller"""
    SESSION = "session"
    """Change settings of the running session, each as a whole"""
    PROBE = "probe"
    """Ask the provider for a sign of life"""
    STOP_TALKING = "stop_talking"
    """Cancel the running response and clear what is still to be played"""
    TRANSFER = "transfer"
    """SIP REFER to a target URI"""
    HANG_UP = "hang_up"


TEXT_VERBS = frozenset({Verb.INFORM, Verb.INSTRUCT, Verb.SAY})
CONTROL_VERBS = frozenset({Verb.TRANSFER, Verb.HANG_UP})
"""Carried out by a REST call; all others are client events on the sideband."""

REPEATABLE_VERBS = frozenset({Verb.HANG_UP, Verb.INSTRUCT, Verb.SESSION, Verb.PROBE})
"""Safe to send a second time when nobody knows whether the first one arrived (reliability: whole-field
updates)."""

TEXT_LIMIT = 8_000
"""Characters of an operator's text."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command as the owner of the call claims it."""

    id: UUID
    verb: Verb
    text: str = ""
    """The operator's words for text verbs; the target URI for a transfer"""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What Session changes: a checked part of the session body, without secrets"""
