"""Calls that soon need a person: each shows within seconds what a supervisor is to notice, and goes on for a while.

Chooses which steps follow which; the words are the desks'.
"""

from __future__ import annotations

from calls.simulator.scenarios.desk import Talker
from calls.simulator.script import Agent, Caller, Pause, Step, Tool


def _short_greeting(talk: Talker) -> Step:
    return Agent(f"Hello, {talk.desk.agent} here.")


def _waits_for_help(talk: Talker) -> list[Step]:
    """The talk goes on in circles, so that there is time to help."""
    steps: list[Step] = []
    for _ in range(3):
        steps += [
            *talk.topic()[:2],
            Caller(talk.words("[That still does not help me|We have been through this], what now?"), pause=2.0),
            Agent("I understand. Let me see what else I can do for you.", "playing"),
            Caller(talk.words("[Please hurry|Please do], I have waited {count} days already."), barges_in=True),
            Agent("I will. One more moment, please."),
        ]
    return [*steps, *talk.closing()]


def asks_for_person(talk: Talker) -> list[Step]:
    return [
        _short_greeting(talk),
        Caller(talk.words("I want to speak to a [human|real person], please."), pause=0.2),
        Agent("I understand. May I ask what it is about, so that I can find the right colleague?"),
        Caller(talk.words(talk.desk.complaint)),
        Agent("I am sorry to hear that. Let me look for somebody who can help."),
        *_waits_for_help(talk),
    ]


def tool_failed(talk: Talker) -> list[Step]:
    tool = talk.tool()
    failed = '{"error": "unavailable", "detail": "the service answered 503"}'
    return [
        _short_greeting(talk),
        Caller(talk.words(tool.question), pause=0.2),
        Tool(tool.name, talk.data(tool.arguments), failed, talk.words(tool.apology), latency=1.0),
        Caller("I really need to know this today. Can you try again?"),
        Tool(tool.name, talk.data(tool.arguments), failed, "It still does not answer, I am very sorry.", latency=2.0),
        *_waits_for_help(talk),
    ]


def many_interruptions(talk: Talker) -> list[Step]:
    steps = [_short_greeting(talk), Caller(talk.question(), pause=0.2)]
    for words in ("No, wait.", "[Sorry|Stop], that is not what I asked.", "Listen to me, please.", "No, no, no!"):
        steps += [Agent(talk.words(talk.desk.long_answer), "generating"), Caller(talk.words(words), barges_in=True)]
    return [*steps, Agent("I am listening. Please tell me in your own words."), *_waits_for_help(talk)]


def long_silence(talk: Talker) -> list[Step]:
    return [
        _short_greeting(talk),
        Caller("One moment, I have to look for my papers.", pause=0.2),
        Agent("Take your time."),
        Pause(45.0),
        Caller("So, here they are. Are you still there?"),
        *_waits_for_help(talk),
    ]
