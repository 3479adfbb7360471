"""The ways in which a call can go, each written over any desk.

Chooses which steps follow which; the words are the desks'.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from calls.simulator.scenarios import billing, booking, telecoms, triage, troubles
from calls.simulator.scenarios.desk import Talker
from calls.simulator.script import (
    Agent,
    AwaitTransfer,
    Caller,
    Drop,
    Expire,
    Fail,
    HangUp,
    Incomplete,
    Keys,
    Noise,
    Pause,
    Scenario,
    Silence,
    Step,
    Tool,
    Whisper,
    Writer,
)

DESKS = (billing.DESK, booking.DESK, triage.DESK, telecoms.DESK)
Behaviour = Callable[[Talker], list[Step]]


def over_any_desk(behaviour: Behaviour) -> Writer:
    def write(dice: Random, trade: str = "") -> list[Step]:
        desks = [desk for desk in DESKS if desk.trade == trade] or DESKS
        return behaviour(Talker(dice.choice(desks), dice))

    return write


def two_turn(talk: Talker) -> list[Step]:
    return [talk.greeting(), *talk.topic()[:2], *talk.closing()]


def long_chat(talk: Talker) -> list[Step]:
    steps = [talk.greeting()]
    for _ in range(talk.dice.randint(4, 6)):
        steps += talk.topic()
    return steps + talk.closing()


def barge_in_generating(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        Caller(talk.question()),
        Agent(talk.words(talk.desk.long_answer), interrupted="generating"),
        Caller(talk.words("[Sorry|Wait|Hold on], I only need the short version."), barges_in=True),
        Agent(f"Of course. {talk.answer()}"),
        *talk.topic()[2:],
        *talk.closing(),
    ]


def barge_in_playing(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        *talk.topic()[:2],
        Caller("And what else should I know?"),
        Agent(talk.words(talk.desk.long_answer), interrupted="playing"),
        Caller(talk.words("[No, no|Sorry|One second], that's not what I meant."), barges_in=True),
        Agent("I see. Please tell me again what you are looking for."),
        *talk.topic(),
        *talk.closing(),
    ]


def _tool(talk: Talker, *, works: bool) -> list[Step]:
    tool = talk.tool()
    output = talk.data(tool.output) if works else '{"error": "timeout", "detail": "no answer within 12 seconds"}'
    return [
        Caller(talk.words(tool.question)),
        Tool(
            name=tool.name,
            arguments=talk.data(tool.arguments),
            output=output,
            then=talk.words(tool.answer if works else tool.apology),
            latency=1.4 if works else 12.0,
            filler=talk.words(tool.filler),
        ),
    ]


def tool_call(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        *_tool(talk, works=True),
        *talk.topic(),
        *_tool(talk, works=True),
        *talk.closing(),
    ]


def tool_timeout(talk: Talker) -> list[Step]:
    return [talk.greeting(), *_tool(talk, works=False), *talk.closing()]


def angry_caller(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        Caller(talk.words(talk.desk.complaint), pause=0.2),
        Agent(
            "I am very sorry about this. Let me see what happened and how we can put it right today.",
            "playing",
        ),
        Caller("Sorry doesn't help me. I want to speak to a human!", barges_in=True),
        Agent(talk.words(talk.desk.long_answer), "generating"),
        Caller(talk.words("Are you even listening? A [human|real person], please, now!"), barges_in=True),
        Agent("I hear you, and I understand that you are upset. A colleague is being looked for.", "playing"),
        Caller(
            talk.words("[How long will that take|And when will that be]? I've waited {count} days."),
            barges_in=True,
        ),
        Agent("It should take less than two minutes. Would you like to wait, or shall we call you back?"),
        Caller(talk.words("Call me back, [and today|on {day}]. And write down that I complained.")),
        Agent(talk.words("I have written down your complaint under {reference}, and you will be called back.")),
        Caller("We'll see."),
    ]


def transfer(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        *talk.topic()[:2],
        Caller("I'd rather speak to somebody in charge, please."),
        Agent(talk.words(talk.desk.transfer)),
        AwaitTransfer(25.0),
        Agent("Nobody is free just now, I am sorry. They will call you back within the hour."),
        Caller("Alright then, I'll wait for the call."),
    ]


def transcription_late(talk: Talker) -> list[Step]:
    first, second = talk.question(), talk.answer()
    return [
        talk.greeting(),
        Caller(first, hearing="late"),
        Agent(second),
        Caller("Yes, that's right.", hearing="late", pause=0.2),
        Agent("Good, then I know enough to go on."),
        *talk.topic()[2:],
        *talk.closing(),
        Pause(6.0),
    ]


def transcription_failed(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        Caller(talk.question(), hearing="failed"),
        Agent("I'm sorry, the line is bad. Could you say that again?"),
        Caller(talk.question()),
        Agent(talk.answer()),
        Caller("Yes.", hearing="missing"),
        Agent("Thank you, I have noted it."),
        *talk.closing(),
    ]


def failed_response(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        Caller(talk.question()),
        Fail("rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
        Caller("Hello? Are you still there?", pause=3.0),
        Agent("Yes, I'm here. I'm sorry for the silence."),
        *talk.topic(),
        *talk.closing(),
    ]


def incomplete_response(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        Caller("Please explain everything to me, with all the details."),
        Incomplete(talk.words(talk.desk.long_answer)),
        Caller("You stopped in the middle of the sentence.", pause=1.5),
        Agent("So I did. Let me be brief this time."),
        *talk.closing(),
    ]


def dtmf(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        Caller(talk.question()),
        Agent("Before I open your account, please type your four-digit code, followed by the hash key."),
        Keys(talk.data("{digits}#")),
        Pause(0.6),
        Agent(f"Thank you, that is the right code. {talk.answer()}"),
        *talk.topic()[2:],
        *talk.closing(),
    ]


def drop_and_resume(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        *talk.topic(),
        Drop(talk.dice.choice((1006, 1011, 1001)), reset=talk.dice.random() < 0.3),
        *talk.topic(),
        Drop(1006),
        Pause(1.0),
        *talk.topic(),
        *talk.closing(),
    ]


def caller_hang_up_mid_reply(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        *talk.topic(),
        Caller("And what does that mean for me?"),
        Agent(talk.words(talk.desk.long_answer), interrupted="generating"),
        HangUp(),
    ]


def session_cap(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        *talk.topic(),
        Caller(talk.question()),
        Agent(talk.answer(), "playing"),
        Expire(),
    ]


def out_of_band(talk: Talker) -> list[Step]:
    mood = '{"mood": "' + talk.dice.choice(("calm", "worried", "impatient")) + '", "resolved": false}'
    return [
        talk.greeting(),
        Caller(talk.question()),
        Whisper(mood, {"purpose": "mood", "turn": "1"}),
        Agent(talk.answer()),
        *talk.topic()[2:],
        Whisper(mood.replace("false", "true"), {"purpose": "mood", "turn": "2"}),
        *talk.closing(),
    ]


def silence_timeout(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        Silence(6.0),
        Agent("Hello, are you still there?"),
        Caller("Yes, sorry, I was looking for my papers."),
        Agent("Take all the time you need."),
        *talk.topic(),
        Silence(6.0),
        Agent("I can't hear you any more, so I will end the call here. Goodbye."),
    ]


def noise_turn(talk: Talker) -> list[Step]:
    return [
        talk.greeting(),
        Noise(),
        Agent("I'm sorry, I did not catch that.", "before_speech"),
        Caller(talk.question(), barges_in=True),
        Agent(talk.answer()),
        Noise(),
        Agent("Pardon me?"),
        *talk.topic()[2:],
        *talk.closing(),
    ]


IDLE = {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}}}}


def _scenario(behaviour: Behaviour, summary: str, weight: float, **more: object) -> Scenario:
    return Scenario(behaviour.__name__, summary, over_any_desk(behaviour), weight, **more)  # type: ignore[arg-type]


TROUBLES = (
    _scenario(troubles.asks_for_person, "asks for a human at once", 0.5),
    _scenario(troubles.tool_failed, "a tool that answers with an error, twice", 0.5),
    _scenario(troubles.many_interruptions, "cuts every answer short", 0.5),
    _scenario(troubles.long_silence, "says nothing for most of a minute", 0.5),
)
"""What a supervisor is called for, within seconds."""

EVERY = (
    *TROUBLES,
    _scenario(two_turn, "one question, one answer, goodbye", 8),
    _scenario(long_chat, "many matters, several minutes", 46),
    _scenario(barge_in_generating, "the caller cuts in while the answer is being generated", 5),
    _scenario(barge_in_playing, "the caller cuts in while the answer is being played", 7),
    _scenario(tool_call, "two tool calls with answers", 10),
    _scenario(tool_timeout, "a tool that does not answer", 2),
    _scenario(angry_caller, "asks for a human and interrupts a lot", 4),
    _scenario(transfer, "asks to be transferred and waits for it", 4),
    _scenario(transcription_late, "transcripts arrive after the replies", 2),
    _scenario(transcription_failed, "one transcript fails, one never comes", 1),
    _scenario(failed_response, "a response fails inside the provider", 1),
    _scenario(incomplete_response, "a response is cut by the token limit", 1),
    _scenario(dtmf, "the caller types a code", 2, announces_session=True),
    _scenario(drop_and_resume, "the sockets break twice while the call lives", 1.5),
    _scenario(caller_hang_up_mid_reply, "the caller hangs up in the middle of a reply", 1.5),
    _scenario(session_cap, "the session reaches its longest duration", 0.5),
    _scenario(out_of_band, "responses beside the conversation", 2),
    _scenario(silence_timeout, "nobody speaks until the idle timeout", 1, session=IDLE),
    _scenario(noise_turn, "noise that is taken for speech", 1.5),
)
