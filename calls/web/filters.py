"""The form over the history of calls: what stands in the address, as filters, and as chips to take them off again.

Input only; times without a zone are the tenant's own. Nothing of it is stored or logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict

from calls.domain import filters as domain
from calls.domain.filters import Filters, Mark, Outcome
from calls.domain.periods import ALWAYS, Period
from calls.exceptions import InvalidInput
from calls.selectors.members import Member
from calls.web import words

DAYS = {"today": (0, 1), "yesterday": (1, 1), "week": (6, 7)}
"""Ranges by name: days back from today, and how many"""
WHEN = {"today": "Today", "yesterday": "Yesterday", "week": "Last 7 days"}
LABELS = {
    "text": "Words", "outcome": "State", "reason": "Why it ended", "agent": "Agent", "version": "Version",
    "caller": "Caller", "dialled": "Dialled", "shortest": "At least", "longest": "At most", "period": "When",
    "mark": "Stands out",
}  # fmt: skip
PARAMETERS = {"text": ("q",), "period": ("when", "since", "until")}
"""Where a filter has other names in the address than its own"""
FEW = {"q", "outcome", "agent", "when"}
"""Fields that are always in sight"""
PAGES = ("before", "after")


class FilterForm(forms.Form):
    """Everything may be left out."""

    q = forms.CharField(required=False, max_length=domain.TEXT_MOST, label="Words in the transcript")
    outcome = forms.ChoiceField(required=False, label="State")
    agent = forms.ChoiceField(required=False)
    when = forms.ChoiceField(required=False, choices=[("", "Any time"), *WHEN.items()])
    since = forms.DateField(required=False, label="From", widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput({"type": "date"}))
    reason = forms.ChoiceField(required=False, label="Why it ended")
    version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    caller = forms.CharField(required=False, max_length=120)
    dialled = forms.CharField(required=False, max_length=120, label="Number dialled")
    shortest = forms.CharField(required=False, max_length=10, label="Length from")
    longest = forms.CharField(required=False, max_length=10, label="Length to")
    mark = forms.ChoiceField(required=False, label="Stands out")

    def __init__(self, data: QueryDict, *, member: Member, agents: list[tuple[str, str]], reveal: bool) -> None:
        super().__init__(data, label_suffix="")
        self.member = member
        self.given = data
        self._choices("outcome", "Any state", [(one.value, words.OUTCOMES[one]) for one in Outcome])
        self._choices("reason", "Any reason", list(words.WHY.items()))
        self._choices("agent", "All agents", agents)
        self._choices("mark", "Nothing special", [(one.value, words.MARKS[one]) for one in Mark])
        for name, attributes in {
            "q": {"type": "search", "placeholder": 'invoice "call me back" or refund -late'},
            "caller": {"placeholder": "part of the number" if reveal else "last four digits", "inputmode": "tel"},
            "dialled": {"placeholder": "part of the number", "inputmode": "tel"},
            "shortest": {"placeholder": "1:30"},
            "longest": {"placeholder": "10:00"},
        }.items():
            self.fields[name].widget.attrs |= attributes | {"autocomplete": "off"}

    def _choices(self, name: str, blank: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  of this class
        field.choices = [("", blank), *choices]

    @property
    def more(self) -> list[forms.BoundField]:
        """Fields that fold away."""
        return [field for field in self if field.name not in FEW]

    @property
    def more_used(self) -> bool:
        return any(field.value() for field in self.more)

    def filters(self, now: datetime) -> Filters | None:
        """None where a field cannot be used; the form then says which."""
        if not self.is_valid():
            return None
        given = self.cleaned_data
        try:
            return Filters(
                text=given["q"],
                outcome=Outcome(given["outcome"]) if given["outcome"] else None,
                reason=given["reason"],
                agent=UUID(given["agent"]) if given["agent"] else None,
                version=given["version"],
                caller=given["caller"],
                dialled=given["dialled"],
                shortest=domain.length(given["shortest"], "shortest"),
                longest=domain.length(given["longest"], "longest"),
                period=self._period(given, now),
                mark=Mark(given["mark"]) if given["mark"] else None,
            )
        except InvalidInput as error:
            self.refuse(error)
            return None

    def refuse(self, error: InvalidInput) -> None:
        """Say at its field what only the rules below could know."""
        reason = error.reason.removeprefix(f"{error.field}: ")
        name = PARAMETERS.get(error.field, (error.field,))[0]
        self.add_error(name if name in self.fields else None, f"{reason[:1].upper()}{reason[1:]}.")

    def _period(self, given: dict[str, Any], now: datetime) -> Period:
        zone = ZoneInfo(self.member.timezone)
        since, until = given["since"], given["until"]
        if since or until:
            if since and until and since > until:
                raise InvalidInput("is before the first day", "until")
            days = (since, until + timedelta(days=1) if until else None)
        elif given["when"]:
            back, length = DAYS[given["when"]]
            begin = now.astimezone(zone).date() - timedelta(days=back)
            days = (begin, begin + timedelta(days=length))
        else:
            return ALWAYS
        return Period(*(datetime(day.year, day.month, day.day, tzinfo=zone) if day else None for day in days))


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on; `query` is the address without it."""

    name: str
    label: str
    value: str
    query: str


def chips(form: FilterForm, filters: Filters) -> list[Chip]:
    return [Chip(name, LABELS[name], _value(form, name), without(form, name)) for name in filters.used()]


def without(form: FilterForm, name: str) -> str:
    return query(form, **dict.fromkeys(PARAMETERS.get(name, (name,)), ""))


def query(form: FilterForm, **changes: str) -> str:
    """The address's query with changes, from the first page on."""
    found = {name: str(value) for name, value in form.given.items() if name not in PAGES} | changes
    made = QueryDict(mutable=True)
    made.update({name: value for name, value in found.items() if value})
    return made.urlencode()


def _value(form: FilterForm, name: str) -> str:
    """What is on, as a person reads it."""
    given = form.cleaned_data
    if name == "period":
        if not (given["since"] or given["until"]):
            return WHEN[given["when"]].lower()
        ends = (f"{day.day} {day:%b %Y}" if day else "" for day in (given["since"], given["until"]))
        first, last = ends
        return f"{first} to {last}" if first and last else f"since {first}" if first else f"until {last}"
    name = PARAMETERS.get(name, (name,))[0]
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        return str(dict(field.choices)[given[name]])  # type: ignore[arg-type]
    return str(given[name])
