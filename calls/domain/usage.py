"""Token arithmetic, and which bills of a call have been written down. Knows no price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from calls.domain.changes import UsageRecorded
from calls.domain.events import Tokens

AUDIO_TOKENS_PER_SECOND = 20
"""Of the agent's own speech: one token per 50 ms (the provider's page on Realtime costs)."""

CHARACTERS_PER_SECOND = 15
"""Of English speech, about 150 words a minute: the estimate where the provider counted no audio tokens."""


@dataclass(frozen=True, slots=True)
class Counts:
    """One direction of a bill as the provider sent it: a sum and its details, any of them absent."""

    total: int | None = None
    text: int | None = None
    audio: int | None = None
    image: int | None = None

    @property
    def detailed(self) -> bool:
        return self.text is not None or self.audio is not None or self.image is not None


def settle(given: Counts, cached: Counts, made: Counts, total: int | None) -> Tokens:
    """Return whole counts for partial ones: `given` and `cached` are input, `made` is output.

    What a sum holds beyond its details is counted as text and clears `split_known` (reasoning tokens,
    gateways without details). Cached counts are a subset of the input, so they are capped by it; a cached sum
    without details is taken from the text first.
    """
    known = True
    text_in, audio_in, image_in = given.text or 0, given.audio or 0, given.image or 0
    rest_in = max(0, (given.total or 0) - text_in - audio_in - image_in)
    text_out, audio_out = made.text or 0, made.audio or 0
    rest_out = max(0, (made.total or 0) - text_out - audio_out)
    if rest_in or rest_out:
        known = False
    text_in += rest_in
    text_out += rest_out
    if cached.detailed:
        text_cached, audio_cached, image_cached = cached.text or 0, cached.audio or 0, cached.image or 0
    else:
        whole = cached.total or 0
        text_cached = min(whole, text_in)
        audio_cached = min(whole - text_cached, audio_in)
        image_cached = 0
        # Text alone leaves nothing to guess.
        known = known and not (whole and (audio_in or image_in))
    return Tokens(
        input_text=text_in,
        input_audio=audio_in,
        input_image=image_in,
        cached_text=min(text_cached, text_in),
        cached_audio=min(audio_cached, audio_in),
        cached_image=min(image_cached, image_in),
        output_text=text_out,
        output_audio=audio_out,
        total=total if total is not None else text_in + audio_in + image_in + text_out + audio_out,
        split_known=known,
    )


_COUNTS = tuple(field.name for field in fields(Tokens) if field.name != "split_known")


def add(many: Iterable[Tokens]) -> Tokens:
    """Return the sum; its split is known where every part's is."""
    parts = list(many)
    sums = {name: sum(getattr(part, name) for part in parts) for name in _COUNTS}
    return Tokens(**sums, split_known=all(part.split_known for part in parts))


def spoken_ms(tokens: Tokens | None, characters: int) -> int:
    """Return how long the agent's reply lasts, in milliseconds: by its audio tokens, else by its length."""
    if tokens is not None and tokens.output_audio:
        return tokens.output_audio * 1000 // AUDIO_TOKENS_PER_SECOND
    return characters * 1000 // CHARACTERS_PER_SECOND


class Ledger:
    """Which responses and transcriptions of this call have been recorded: each once, however often it is
    told.

    One exception: figures that turn up after a record without figures replace it (a response believed to be
    lost in a gap), so a store must write the later record of the same (kind, ref_id) over the earlier one.
    """

    def __init__(self) -> None:
        self._complete: dict[tuple[str, str], bool] = {}

    def record(
        self,
        kind: Literal["response", "transcription"],
        ref_id: str,
        at: datetime,
        *,
        model: str,
        tokens: Tokens | None = None,
        seconds: float | None = None,
    ) -> UsageRecorded | None:
        """Return the change, or None where it would say nothing new."""
        complete = tokens is not None or seconds is not None
        known = self._complete.get((kind, ref_id))
        if known or (known is False and not complete):
            return None
        self._complete[kind, ref_id] = complete
        return UsageRecorded(kind, ref_id, at, model, tokens, seconds, complete)
