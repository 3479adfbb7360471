"""The agent's responses: running, playing, cut off; and how much of a reply the caller can have heard.

Playback, end of generation and truncation come from different sources in no promised order, so each is kept
as a fact and the outcome is worked out anew from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from calls.domain.drafts import Draft, milliseconds
from calls.domain.events import Tokens
from calls.domain.usage import spoken_ms

LONGEST_MS = 24 * 60 * 60 * 1000


@dataclass(slots=True, eq=False)
class Reply:
    """One response. `active` until its response.done, or until it must be over."""

    id: str
    out_of_band: bool = False
    active: bool = True
    done: bool = False
    gapped: bool = False
    """Was running when the sideband dropped: its end may never be told"""
    cancelled: bool = False
    interrupted: bool = False
    """The interruption is noted"""
    tokens: Tokens | None = None
    started_at: datetime | None = None
    """When the caller began to hear it; gateways and plain WebSockets never say"""
    cleared_at: datetime | None = None
    cancelled_at: datetime | None = None
    command_id: UUID | None = None
    worded: bool = False
    """Some words of it have come"""
    drafts: list[Draft] = field(default_factory=list)

    def messages(self) -> list[Draft]:
        return [draft for draft in self.drafts if draft.kind == "message"]


def weigh(reply: Reply, *, playback_known: bool) -> list[Draft]:
    """Work out what was heard of each message of a reply that was cut off; return the ones cut.

    The heard part is `conversation.item.truncated`'s audio_end_ms where there is one; else the time from the
    start of playback to its clearing (to the cancelling, where nothing was cleared), shared out over the
    messages in order; else, where nobody tells of playback, the time since the first words. Where playback is
    told of but never began, nothing was heard. The whole lasts audio tokens / 20 seconds, or is estimated
    from the length of the text. The words follow in proportion, cut back to the end of a word.
    """
    messages = reply.messages()
    cut_at = reply.cleared_at or reply.cancelled_at
    characters = sum(len(draft.text) for draft in messages)
    whole_ms = spoken_ms(reply.tokens, characters)
    left_ms = _heard_ms(reply, messages, cut_at, playback_known=playback_known)
    cut = []
    for draft in messages:
        own_ms = whole_ms * len(draft.text) // characters if characters else 0
        heard_ms = min(left_ms, own_ms)
        left_ms -= heard_ms
        if draft.truncated_ms is not None:
            heard_ms = min(draft.truncated_ms, LONGEST_MS)
        elif cut_at is None or _heard_out(reply, draft, heard_ms, own_ms):
            continue
        draft.cut = True
        draft.heard_ms = heard_ms
        draft.heard_text = heard_words(draft.text, heard_ms, own_ms)
        cut.append(draft)
    return cut


def _heard_ms(reply: Reply, messages: list[Draft], cut_at: datetime | None, *, playback_known: bool) -> int:
    since = reply.started_at
    if since is None and not playback_known:
        since = next((draft.worded_at for draft in messages if draft.worded_at), None)
    return milliseconds(since, cut_at) if since and cut_at else 0


def _heard_out(reply: Reply, draft: Draft, heard_ms: int, own_ms: int) -> bool:
    """An item that was finished before the cut, and played to its end where the playback was cut."""
    if draft.item_status != "completed":
        return False
    return reply.cleared_at is None or (heard_ms >= own_ms > 0 and draft is not reply.messages()[-1])


def heard_words(text: str, heard_ms: int, whole_ms: int) -> str:
    """Return the beginning of a text that `heard_ms` of its `whole_ms` cover, up to the end of a word."""
    if heard_ms >= whole_ms:
        return text if heard_ms else ""
    length = len(text) * heard_ms // whole_ms
    head = text[:length]
    if length < len(text) and not text[length].isspace() and any(letter.isspace() for letter in text):
        # A language without spaces is cut where it is.
        cut = max(head.rfind(" "), head.rfind("\n"))
        head = head[: max(cut, 0)]
    return head.rstrip()
