"""A desk: one agent at one business, with all it can talk about; and a talker who draws from it.

In the texts [a|b] means one of both, and {name} a particular of the call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from calls.simulator.scenarios import people
from calls.simulator.script import Agent, Caller, Step

Exchange = tuple[str, str]
"""What the caller says, and what the agent answers."""
Topic = tuple[Exchange, ...]

_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class ToolTalk:
    """A matter that needs a tool."""

    question: str
    filler: str
    name: str
    arguments: str
    output: str
    answer: str
    apology: str


@dataclass(frozen=True, slots=True)
class Desk:
    agent: str
    trade: str
    greetings: tuple[str, ...]
    topics: tuple[Topic, ...]
    tools: tuple[ToolTalk, ...]
    complaint: str
    long_answer: str
    transfer: str


class Talker:
    """Draws the words of one call from a desk; never the same topic twice while there are others."""

    def __init__(self, desk: Desk, dice: Random) -> None:
        self.desk = desk
        self.dice = dice
        self._particulars = people.particulars(dice)
        self._topics = dice.sample(desk.topics, len(desk.topics))
        self._next = 0

    def words(self, text: str) -> str:
        """Spoken words: choices drawn, particulars filled in."""
        text = self.data(_CHOICE.sub(lambda match: self.dice.choice(match[1].split("|")), text))
        return text[:1].upper() + text[1:]

    def data(self, text: str) -> str:
        """Arguments and outputs: brackets are JSON there, only the particulars are filled in."""
        for name, value in self._particulars.items():
            text = text.replace("{" + name + "}", value)
        return text

    def one_of(self, texts: tuple[str, ...]) -> str:
        return self.words(self.dice.choice(texts))

    def greeting(self) -> Step:
        return Agent(self.one_of(self.desk.greetings))

    def topic(self) -> list[Step]:
        topic = self._topics[self._next % len(self._topics)]
        self._next += 1
        steps: list[Step] = []
        for asked, answered in topic:
            steps += [Caller(self.words(asked)), Agent(self.words(answered))]
        return steps

    def question(self) -> str:
        return self.words(self._topics[self._next % len(self._topics)][0][0])

    def answer(self) -> str:
        return self.words(self._topics[self._next % len(self._topics)][0][1])

    def tool(self) -> ToolTalk:
        return self.dice.choice(self.desk.tools)

    def closing(self) -> list[Step]:
        return [
            Caller(self.one_of(THANKS)),
            Agent(self.one_of(GOODBYES)),
        ]


THANKS = (
    "No, that's all. [Thank you|Thanks so much|Thanks for your help].",
    "[Great|Lovely|Perfect], that was everything. [Bye|Goodbye] now.",
    "That's [all I needed|very helpful], [cheers|thank you]. Bye.",
    "Nothing else, [thanks|thank you very much]. Have a good day.",
)
GOODBYES = (
    "You're [very|most] welcome. [Take care|Have a lovely day], goodbye.",
    "[My pleasure|Glad I could help]. Goodbye, and thank you for calling.",
    "Thank you for your call. [Goodbye|Bye for now].",
)
