"""Two small rules on words: does a caller ask for a person, did a tool say that it failed. Pure, bounded, never exact.

Not a model, on purpose: a rule can be read, is the same tomorrow, and costs microseconds on the hot path. It asks for a
verb that wants somebody (*speak to, put me through to, verbinden, hablar con, parler à*) close to a noun for a human
being, or for that noun as the whole utterance. "I am a person" has no such verb and says nothing. A clause that denies
("I do not want to talk to a person") is left alone. Languages: English, German, Spanish, French.
"""

from __future__ import annotations

import re
import unicodedata

HEAD = 2_000
"""Characters that are looked at; nobody asks after that, and a hostile transcript must not cost more."""

_CLAUSE = re.compile(r"[.,;:!?…¿¡\n]+")
_DENIES = re.compile(
    r"\b(?:(?<!why )(?:do not|don't|dont)|not|never|no need|without|nicht|keine?[nrms]?|pas|jamais|no quiero|nunca|sin)"
    r"(?: [\w'-]+){0,3}$"
)
_ANY = r"(?: [\w'-]+){0,3}"
_FEW = r"(?: [\w'-]+){0,2}"

_EN_SURE = (
    r"(?:human(?: being)?|real person|actual person|live person|operator|representative|(?:live |human |real )?agent|"
    r"supervisor|manager|member of staff|team member)"
)
_EN = rf"(?:{_EN_SURE}|person|someone|somebody|real one|employee|colleague|staff)"
_DE = (
    r"(?:mensch(?:en)?|mitarbeiter(?:in)?|person|jemand(?:en|em)?|berater(?:in)?|kolleg(?:en|in)|vorgesetzten|"
    r"kundenberater(?:in)?|sachbearbeiter(?:in)?)"
)
_ES = (
    r"(?:persona|humano|ser humano|alguien|agente|operador(?:a)?|representante|supervisor(?:a)?|asesor(?:a)?|"
    r"encargad[oa])"
)
_FR = (
    r"(?:humain|etre humain|(?:vraie )?personne|conseill(?:er|ere)|agent|operat(?:eur|rice)|responsable|quelqu'un|"
    r"collegue)"
)

_ASKS = [
    re.compile(pattern)
    for pattern in (
        # English: "can I talk to somebody", "put me through to your manager", "I need a human"
        rf"\b(?:speak|talk|chat)(?: \w+)? (?:to|with){_ANY} {_EN}\b(?!')",
        rf"\b(?:connect|transfer|put|pass) me(?: \w+){{0,2}} (?:to|with){_ANY} {_EN}\b(?!')",
        rf"\b(?:get|give|find) me{_FEW} {_EN_SURE}\b(?!')",
        rf"\b(?:want|need|prefer|i'd like|would like)(?: (?:a|an|the|your|to have|some|proper))*? {_EN_SURE}\b(?!')",
        # German: "kann ich mit einem Menschen sprechen", "verbinden Sie mich mit jemandem"
        rf"\bmit{_ANY} {_DE}{_ANY} (?:sprechen|reden|telefonieren|verbinden|verbunden werden)\b",
        rf"\b(?:verbinde|verbinden)(?: sie)? mich{_FEW} (?:mit|zu){_ANY} {_DE}\b",
        r"\b(?:will|mochte|brauche|geben sie mir|gib mir|holen sie mir)"
        r"(?: (?:bitte|jetzt|einen|eine|echten|echte|richtigen|richtige))*"
        r" (?:mensch(?:en)?|mitarbeiter(?:in)?|berater(?:in)?)\b",
        # Spanish: "quiero hablar con una persona", "páseme con un agente"
        rf"\b(?:hablar|comunicar(?:me|se)?|comuniqueme|comunicame|pasar(?:me)?|paseme|pasame|conecteme|transfier[ae]me)"
        rf"{_FEW} con{_ANY} {_ES}\b",
        r"\b(?:quiero|necesito)(?: (?:a|un|una|de))* (?:humano|ser humano|operador(?:a)?|representante|persona real)\b",
        # French: "je veux parler à quelqu'un", "passez-moi un conseiller"
        rf"\b(?:parler|discuter) (?:a|avec) (?:(?:un|une|de|des|votre|le|la|autre|vrai|vraie) )*"
        rf"(?:quelqu'un|(?<=un ){_FR}|(?<=une ){_FR}|(?<=votre ){_FR}|(?<=vrai ){_FR}|(?<=vraie ){_FR})\b",
        rf"\b(?:passez|passe|donnez|mettez)[- ]moi{_FEW} {_FR}\b",
        r"\b(?:veux|voudrais|besoin d')(?: ?(?:un|une|vrai|vraie))*"
        r" (?:humain|etre humain|conseill(?:er|ere)|vraie personne)\b",
    )
]
_ALONE = re.compile(
    rf"(?:(?:a|an|the|real|just|please|ein|einen|echter|echten|un|una|une) )*"
    rf"(?:{_EN_SURE}|person|mensch|menschen|mitarbeiter|humano|persona|operador|operadora|representante|humain|"
    rf"conseiller|conseillere)(?: (?:please|bitte|por favor|s'il vous plait))?"
)

FAILED_JSON = re.compile(
    r"\"errors?\"\s*:(?!\s*(?:null\b|false\b|0\b|\"\"|\[\s*\]|\{\s*\}))"
    r"|\"(?:ok|success|succeeded)\"\s*:\s*false\b"
    r"|\"(?:status|state|result)\"\s*:\s*\"(?:error|failed|failure|time(?:d[ _])?out)\"",
    re.IGNORECASE,
)
FAILED_TEXT = re.compile(r"\s*\"?(?:error|exception|traceback|failed|timeout|timed out)\b", re.IGNORECASE)


def asks_for_person(text: str) -> bool:
    """Whether these words of a caller ask to be put through to a human being."""
    return any(_asks(clause.strip()) for clause in _CLAUSE.split(_flat(text[:HEAD])) if clause.strip())


def tool_failed(output: str) -> bool:
    """Whether a tool's answer says by itself that it failed; most say it as JSON, some in a line of text."""
    head = output[:HEAD]
    return bool(FAILED_JSON.search(head) or FAILED_TEXT.match(head))


def _asks(clause: str) -> bool:
    if _ALONE.fullmatch(clause):
        return True
    return any((found := ask.search(clause)) and not _DENIES.search(clause[: found.start()].rstrip()) for ask in _ASKS)


def _flat(text: str) -> str:
    """Lower case without accents, with one kind of apostrophe and of space: what transcribers agree on."""
    letters = unicodedata.normalize("NFD", text.casefold().replace("\u2019", "'").replace("\u2018", "'"))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split(" ")).replace(
        "\t", " "
    )
