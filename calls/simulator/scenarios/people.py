"""People who telephone, and the particulars they mention.

Numbers come from the ranges kept free for fiction (Ofcom).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

FIRST = (
    "Amara", "Ben", "Chiara", "Dev", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kasia", "Liam",
    "Maya", "Nils", "Olu", "Priya", "Rosa", "Samir", "Tessa", "Yusuf",
)  # fmt: skip
LAST = (
    "Adeyemi", "Bennett", "Costa", "Dlamini", "Evans", "Fischer", "Gallagher", "Haddad", "Ivanova", "Jensen",
    "Kaur", "Lindqvist", "Moreau", "Novak", "Okafor", "Patel", "Quinn", "Rossi", "Sharma", "Wright",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
HOURS = ("nine", "half past nine", "ten", "eleven", "quarter past two", "three", "half past four")
STREETS = ("Mill Lane", "Station Road", "Harbour Street", "Church Walk", "Orchard Avenue", "Quay Row")


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    number: str


def caller(dice: Random) -> Person:
    name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
    number = dice.choice(("+4420794600{:02d}", "+4416196000{:02d}", "+4477009000{:02d}")).format(dice.randrange(100))
    return Person(name, number)


def particulars(dice: Random) -> dict[str, str]:
    """What stands for {name}, {amount} and so on in the words of one call."""
    first, last = dice.choice(FIRST), dice.choice(LAST)
    pounds = dice.randrange(12, 240)
    return {
        "name": first,
        "surname": last,
        "amount": f"{pounds} pounds {dice.choice(('20', '50', '75', '99'))}",
        "small": f"{dice.randrange(3, 12)} pounds",
        "day": dice.choice(DAYS),
        "other_day": dice.choice(DAYS),
        "hour": dice.choice(HOURS),
        "other_hour": dice.choice(HOURS),
        "street": f"{dice.randrange(2, 90)} {dice.choice(STREETS)}",
        "reference": f"{dice.choice('BCDFGHKLM')}{dice.randrange(10, 99)} {dice.randrange(100, 999)}",
        "digits": str(dice.randrange(1000, 9999)),
        "count": dice.choice(("two", "three", "four", "six")),
        "month": dice.choice(("January", "March", "May", "June", "September", "October", "November")),
    }
