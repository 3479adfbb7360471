"""Mints ids in the shapes the provider uses.

Never seeded: a demo restarted with the same seed must not repeat the call ids of yesterday, which the product
would rightly take for repeated deliveries.
"""

from __future__ import annotations

import random
import string

ALPHABET = string.ascii_letters + string.digits


class Mint:
    """Ids of one call. Event ids are a random prefix and a counter: minting one is on the hot path."""

    def __init__(self) -> None:
        self._dice = random.Random()
        self._prefix = self.word(12)
        self._events = 0

    def word(self, length: int) -> str:
        return "".join(self._dice.choices(ALPHABET, k=length))

    def call(self) -> str:
        return f"rtc_u{self._dice.randrange(8)}_{self.word(21)}"

    def session(self) -> str:
        return f"sess_u0_{self.word(21)}"

    def conversation(self) -> str:
        return f"conv_{self.word(21)}"

    def item(self) -> str:
        return f"item_{self.word(21)}"

    def response(self) -> str:
        return f"resp_{self.word(21)}"

    def tool_call(self) -> str:
        return f"call_{self.word(16)}"

    def event(self) -> str:
        self._events += 1
        return f"event_{self._prefix}{self._events:09x}"

    def media_event(self) -> str:
        """The media layer mints `output_audio_buffer.*` ids of another form (recorded)."""
        return f"event_{self._dice.getrandbits(64):016x}"

    def webhook_event(self) -> str:
        return f"evt_{self._dice.getrandbits(128):032x}"

    def delivery(self) -> str:
        return f"wh_{self._dice.getrandbits(128):032x}"

    def padding(self, delta: str) -> str:
        """The undocumented `obfuscation` of a delta: fills up to a multiple of 16 characters (recorded)."""
        return self.word(16 - len(delta) % 16) if len(delta) % 16 else ""
