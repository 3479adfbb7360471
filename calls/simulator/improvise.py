"""What the agent says when no script foresaw it: an operator's sentence, a remark on something it was told.

Chooses words only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from calls.simulator.wire import Json

if TYPE_CHECKING:
    from calls.simulator.call import Call

# From the first quotation mark after "say" to the last one: the sentence may itself contain quotes.
_TO_SAY = re.compile(r"\bsay\b[^\"“]*[\"“](.+)[\"”]", re.IGNORECASE | re.DOTALL)
LONGEST_ECHO = 400


def told(text: str) -> str:
    """How the agent shows that it was informed."""
    return f"I have just been told: {_sentence(text)}"


def new_instructions(text: str | None) -> str:
    if not text:
        return "My instructions were just taken away, so I will do what I can."
    return "I have new instructions and will follow them from here."


def reply(call: Call, asked: Json) -> str:
    """The text of a response that a client asked for."""
    instructions = asked.get("instructions") or ""
    if quoted := _TO_SAY.search(instructions):
        return quoted.group(1)
    text = call.take_continuation()
    if text is None and instructions:
        text = f"I was just asked to do this: {_sentence(instructions)}"
    return call.plan_reply(text or _next_words(call)).text


def _next_words(call: Call) -> str:
    last = call.conversation.items[-1] if call.conversation.items else None
    if last is None:
        return "Hello, thank you for calling. How can I help you today?"
    if last.kind == "tool_output":
        return f"Thank you for waiting. The system tells me: {_sentence(last.output or '')}"
    if last.role == "user" and not last.spoken:
        return f"You wrote: {_sentence(last.text)}"
    return "I am still here. Is there anything else I can do for you?"


def beside(asked: Json) -> str:
    """The answer to a question beside the conversation."""
    if "json" in (asked.get("instructions") or "").lower():
        return '{"mood": "calm", "topic": "account", "resolved": false}'
    return "The caller is calm and the matter is being looked into."


def _sentence(text: str) -> str:
    text = " ".join(text.split())[:LONGEST_ECHO]
    return text if text.endswith((".", "!", "?")) else f"{text}."
