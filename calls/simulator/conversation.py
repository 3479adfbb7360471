"""The conversation of one call: its items in order, each in the form in which it is sent.

Holds what was said as the script engine knows it; sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from calls.simulator import voice
from calls.simulator.wire import Json

Kind = Literal["message", "tool_call", "tool_output"]
Transcription = Literal["completed", "failed", "missing"]

SPEAKERS = {"user": "caller", "assistant": "agent", "system": "system"}
TOKENS_PER_IMAGE = 85
ITEM_OVERHEAD = 4
"""Text tokens that an item costs beside its words; an estimate, the provider names no number."""


@dataclass(slots=True)
class Item:
    """One item; `text` grows while it is generated."""

    id: str
    kind: Kind
    role: str
    text: str = ""
    status: str = "completed"
    spoken: bool = False
    """Said aloud (by the caller or the agent), not typed."""
    content: list[Json] | None = None
    """What a client sent, echoed as it came."""
    name: str | None = None
    tool_call_id: str | None = None
    arguments: str | None = None
    output: str | None = None
    transcription: Transcription | None = None
    heard_ms: int | None = None
    cut_off: bool = False
    deleted: bool = False
    started_at: float = 0.0
    final_at: float | None = None
    """When the frame with its last text was sent first."""
    added_seen: bool = False
    final_seen: bool = False
    """Whether a socket was attached when a frame with its last text was sent."""

    def final(self, at: float, seen: bool) -> None:
        if self.final_at is None:
            self.final_at = at
        self.final_seen = self.final_seen or seen

    def as_sent(self) -> Json:
        """The item as the provider shows it now."""
        if self.kind == "tool_call":
            return {
                "id": self.id,
                "type": "function_call",
                "status": self.status,
                "name": self.name,
                "call_id": self.tool_call_id,
                "arguments": self.arguments or "",
            }
        if self.kind == "tool_output":
            return {
                "id": self.id,
                "type": "function_call_output",
                "call_id": self.tool_call_id,
                "output": self.output,
            }
        return {
            "id": self.id,
            "type": "message",
            "status": self.status,
            "role": self.role,
            "content": self._content(),
        }

    def _content(self) -> list[Json]:
        if self.content is not None:
            return self.content
        if self.role == "user":
            return [{"type": "input_audio", "transcript": None}]
        if self.status == "in_progress":
            return []
        if self.spoken:
            return [{"type": "output_audio", "transcript": self.text}]
        return [{"type": "output_text", "text": self.text}]

    def as_retrieved(self) -> Json:
        """With its sound, and with a transcript where the provider still has one (not after a cut)."""
        if not self.spoken or self.kind != "message":
            return self.as_sent()
        sent = self.as_sent()
        if self.role == "user":
            transcript = self.text if self.transcription == "completed" else None
            sent["content"] = [{"type": "input_audio", "transcript": transcript, "audio": "AAAA"}]
        elif self.heard_ms is not None:
            sent["content"] = [{"type": "output_audio", "transcript": None, "audio": "AAAA"}]
        elif sent["content"]:
            sent["content"][0]["audio"] = "AAAA"
        return sent

    def tokens(self) -> tuple[int, int, int]:
        """What it costs as input of the next response: text, audio, image."""
        if self.kind == "tool_call":
            return ITEM_OVERHEAD + voice.text_tokens(f"{self.name} {self.arguments}"), 0, 0
        if self.kind == "tool_output":
            return ITEM_OVERHEAD + voice.text_tokens(self.output or ""), 0, 0
        if not self.spoken:
            images = sum(part.get("type") == "input_image" for part in self.content or ())
            return ITEM_OVERHEAD + voice.text_tokens(self.text), 0, images * TOKENS_PER_IMAGE
        if self.role == "user":
            return 0, round(voice.seconds(self.text) * voice.CALLER_TOKENS_PER_SECOND) or 3, 0
        heard = voice.seconds(self.text) if self.heard_ms is None else self.heard_ms / 1000
        return voice.text_tokens(self.text), round(heard * voice.AGENT_TOKENS_PER_SECOND), 0


@dataclass(slots=True)
class Conversation:
    """Items in the order of the talk. Deleted ones are kept aside: they were said."""

    items: list[Item] = field(default_factory=list)
    deleted: list[Item] = field(default_factory=list)

    def find(self, item_id: object) -> Item | None:
        return next((item for item in reversed(self.items) if item.id == item_id), None)

    def previous(self, item: Item) -> str | None:
        at = self.items.index(item)
        return self.items[at - 1].id if at else None

    def last_id(self) -> str | None:
        return self.items[-1].id if self.items else None

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Put the item at the end, after a named one, or at the "root"; returns the id before it."""
        if after is None:
            self.items.append(item)
        elif after == "root":
            self.items.insert(0, item)
        else:
            at = next(n for n, other in enumerate(self.items) if other.id == after)
            self.items.insert(at + 1, item)
        return self.previous(item)

    def delete(self, item: Item) -> None:
        item.deleted = True
        self.items.remove(item)
        self.deleted.append(item)

    def last_spoken_by(self, role: str) -> Item | None:
        return next((item for item in reversed(self.items) if item.role == role and item.spoken), None)
