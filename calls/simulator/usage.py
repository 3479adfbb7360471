"""Token counts: what one response costs, and the sums that a right observer must arrive at.

Counts tokens only; knows no prices.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from calls.simulator import voice
from calls.simulator.conversation import Conversation
from calls.simulator.wire import Json

BUCKETS = (
    "input_text", "input_audio", "input_image", "cached_text", "cached_audio", "cached_image", "output_text",
    "output_audio",
)  # fmt: skip
CACHE_BLOCK = 64
"""Cached counts come in whole blocks (recorded: 64)."""


@dataclass(slots=True)
class Meter:
    """Counts the responses of one call; each re-bills the whole conversation, partly from the cache."""

    _before: tuple[int, int, int] = (0, 0, 0)

    def response(self, conversation: Conversation, instructions: str, text: int, audio: int) -> Json:
        """The `usage` of a response that generated so many tokens."""
        sums = [voice.text_tokens(instructions), 0, 0]
        for item in conversation.items:
            for n, count in enumerate(item.tokens()):
                sums[n] += count
        cached = [min(before, now) // CACHE_BLOCK * CACHE_BLOCK for before, now in zip(self._before, sums, strict=True)]
        self._before = (sums[0], sums[1], sums[2])
        return usage(sums, cached, text, audio)


def usage(counts: list[int], cached: list[int], text: int, audio: int) -> Json:
    return {
        "total_tokens": sum(counts) + text + audio,
        "input_tokens": sum(counts),
        "output_tokens": text + audio,
        "input_token_details": {
            "text_tokens": counts[0],
            "audio_tokens": counts[1],
            "image_tokens": counts[2],
            "cached_tokens": sum(cached),
            "cached_tokens_details": {
                "text_tokens": cached[0],
                "audio_tokens": cached[1],
                "image_tokens": cached[2],
            },
        },
        "output_token_details": {"text_tokens": text, "audio_tokens": audio},
    }


def nothing() -> Json:
    return usage([0, 0, 0], [0, 0, 0], 0, 0)


def buckets(spent: Json) -> dict[str, int]:
    """A `usage` object as one flat row."""
    into, out = spent["input_token_details"], spent["output_token_details"]
    cached = into["cached_tokens_details"]
    return {
        "input_text": into["text_tokens"],
        "input_audio": into["audio_tokens"],
        "input_image": into["image_tokens"],
        "cached_text": cached["text_tokens"],
        "cached_audio": cached["audio_tokens"],
        "cached_image": cached["image_tokens"],
        "output_text": out["text_tokens"],
        "output_audio": out["audio_tokens"],
    }


def transcription(model: str, text: str, spoken_seconds: float) -> Json:
    """Seconds for the whisper models, tokens for the others."""
    if "whisper" in model:
        return {"type": "duration", "seconds": max(1, round(spoken_seconds))}
    heard = max(1, round(spoken_seconds * voice.CALLER_TOKENS_PER_SECOND))
    said = voice.text_tokens(text)
    return {
        "type": "tokens",
        "total_tokens": heard + said,
        "input_tokens": heard,
        "output_tokens": said,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
    }


@dataclass(slots=True)
class Tally:
    """Every cost that was announced for a call, with whether anybody could hear the announcement."""

    responses: list[Json] = field(default_factory=list)
    transcriptions: list[Json] = field(default_factory=list)

    def response(self, response_id: str, status: str, spent: Json, *, at: float, seen: bool) -> None:
        row = {"response_id": response_id, "status": status, "at": at, "seen": seen}
        self.responses.append({**row, **buckets(spent)})

    def transcription(self, item_id: str, spent: Json, *, at: float, seen: bool) -> None:
        self.transcriptions.append(
            {
                "item_id": item_id,
                "at": at,
                "seen": seen,
                "seconds": spent.get("seconds", 0),
                "input_tokens": spent.get("input_tokens", 0),
                "output_tokens": spent.get("output_tokens", 0),
            }
        )

    def sums(self, *, seen_only: bool) -> dict[str, float]:
        rows = [row for row in self.responses if row["seen"] or not seen_only]
        heard = [row for row in self.transcriptions if row["seen"] or not seen_only]
        return {
            **{bucket: sum(row[bucket] for row in rows) for bucket in BUCKETS},
            "transcription_seconds": sum(row["seconds"] for row in heard),
            "transcription_input_tokens": sum(row["input_tokens"] for row in heard),
            "transcription_output_tokens": sum(row["output_tokens"] for row in heard),
        }
