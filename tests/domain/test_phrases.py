"""Who asks for a person, and which tool says that it failed: tables of what is said on telephones."""

from __future__ import annotations

import pytest

from calls.domain.phrases import HEAD, asks_for_person, tool_failed

ASKING = """
Can I speak to a human, please?
I'd like to talk to a real person.
could you put me through to someone who can decide that
Put me through to your supervisor.
Just connect me with an agent!
Please transfer me to a human being
get me a manager
I need a human.
I want an operator
no I want to speak to a person
Why can't I talk to somebody?
This is useless, let me talk to an actual person
Agent, please.
Operator!
Human
Representative please
Kann ich bitte mit einem Menschen sprechen?
Ich möchte mit einem echten Mitarbeiter reden.
Verbinden Sie mich bitte mit jemandem aus der Abteilung.
Können Sie mich mit einer Mitarbeiterin verbinden?
Ich will einen Menschen!
Geben Sie mir bitte einen Berater.
Quiero hablar con una persona.
¿Puedo hablar con alguien, por favor?
Páseme con un agente
Necesito un humano
Me puede comunicar con su supervisor
Je voudrais parler à quelqu’un.
Je veux parler à un conseiller
Passez-moi un responsable, s'il vous plaît.
Est-ce que je peux parler avec une vraie personne ?
Je veux un humain
"""
NOT_ASKING = """
I am a person, you know.
Are you a human?
I talked to a person yesterday.
I spoke to your agent about it.
I don't want to speak to a person.
I never want to talk to an agent again
My agent will call you.
It is a table for one person.
I need someone to fix my line.
I need a manager's signature on this.
The operator of the lift is ill.
That is only human
We are a human resources company.
I want to book a room for two persons
Ich bin ein Mensch.
Ich habe gestern mit einem Mitarbeiter gesprochen.
Ich möchte nicht mit einem Menschen sprechen.
Ich möchte einen Termin für zwei Personen.
Hablé con una persona ayer.
No quiero hablar con un agente.
Una mesa para una persona, por favor.
Soy una persona muy ocupada.
Je suis une personne patiente.
Je ne veux pas parler à un conseiller.
Il n'y a personne ici.
Une table pour une personne.

...
"""


@pytest.mark.parametrize("words", [line for line in ASKING.splitlines() if line])
def test_a_caller_who_asks_for_a_person_is_understood(words):
    assert asks_for_person(words)
    assert asks_for_person(words.upper())
    assert asks_for_person(f"Well. {words}. And be quick.")


@pytest.mark.parametrize("words", NOT_ASKING.splitlines())
def test_other_talk_of_people_says_nothing(words):
    assert not asks_for_person(words)


def test_only_the_beginning_is_read_and_hostile_words_cost_little():
    assert not asks_for_person("x" * HEAD + " speak to a human")
    assert not asks_for_person("speak to " * 50_000)
    assert not asks_for_person("want a a a a a " * 50_000)
    assert not asks_for_person("\u202e\x00mit mit mit " * 50_000)


@pytest.mark.parametrize(
    "output",
    [
        '{"error": "timed out"}', '{"error": {"code": 504}}', '{"data": null, "errors": ["no such day"]}', '{"ok": false}',
        '{"success":false,"id":1}', '{"status": "error"}', '{"status":"timed_out"}', '{"result": "failed"}',
        "Error: no connection", "timed out after 5 s", '"timeout"', "Traceback (most recent call last):",
    ],
)  # fmt: skip
def test_a_tool_that_says_so_failed(output):
    assert tool_failed(output)


@pytest.mark.parametrize(
    "output",
    [
        "", "{}", '{"ok": true}', '{"error": null}', '{"error": ""}', '{"error":false}', '{"errors": []}', '{"errors": {}}',
        '{"status": "paid"}', "No error was found.", '{"note": "the error is ours"}', '{"total": "94.00 GBP"}', "[]",
    ],
)  # fmt: skip
def test_a_tool_that_answers_worked(output):
    assert not tool_failed(output)
