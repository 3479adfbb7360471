"""Forms: input only. They check shape; whether a thing may be done is for the actions to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest

from calls.domain.commands import TEXT_LIMIT
from calls.domain.effective import FIELDS as SETTINGS
from calls.exceptions import InvalidInput
from calls.models import User
from calls.web import attempts, words


class SignInForm(AuthenticationForm):
    """E-mail and password. Says the same for a wrong password and an unknown address."""

    error_messages: dict[str, Any] = {
        "invalid_login": "This e-mail address and password do not go together.",
        "inactive": "This account is switched off.",
        "locked": "Too many attempts. Wait a quarter of an hour, at most an hour, then try again.",
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **{"label_suffix": "", **kwargs})
        email = self.fields["username"]
        email.label = "E-mail address"
        email.widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True, "maxlength": 254}
        )
        self.fields["password"].label = "Password"

    def clean(self) -> dict[str, Any]:
        # Counted before the password is tried: parallel guesses cannot slip through between check and count.
        email = self.cleaned_data.get("username", "")
        if self.request is None or not email:
            return super().clean()
        if not attempts.allow(self.request, email):
            raise forms.ValidationError(self.error_messages["locked"], code="locked")
        cleaned = super().clean()
        attempts.forget(self.request, email)
        return cleaned


class PreferencesForm(forms.Form):
    """One preference at a time, or several. The choices are the model's own."""

    theme = forms.ChoiceField(required=False, choices=User._meta.get_field("theme").choices or [])
    density = forms.ChoiceField(required=False, choices=User._meta.get_field("density").choices or [])
    letter_keys = forms.ChoiceField(required=False, choices=[("on", "On"), ("off", "Off")])

    def chosen(self) -> dict[str, Any]:
        """What was sent. Raises InvalidInput for what does not exist, and for nothing."""
        if not self.is_valid():
            field = next(iter(self.errors))
            raise InvalidInput("Choose one of the values that are offered.", field)
        found: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value}
        if not found:
            raise InvalidInput("Nothing was chosen.")
        if "letter_keys" in found:
            found["letter_keys"] = found["letter_keys"] == "on"
        return found


class CommandForm(forms.Form):
    """What the call page posts."""

    verb = forms.ChoiceField(choices=[*words.VERBS.items()], error_messages={"invalid_choice": "Unknown command."})
    text = forms.CharField(
        required=False,
        max_length=TEXT_LIMIT,
        error_messages={"max_length": f"At most {TEXT_LIMIT:,} characters."},
    )
    key = forms.CharField(max_length=64, error_messages={"required": "The page sent no key. Reload it."})

    voice = forms.CharField(required=False, max_length=80)
    speed = forms.FloatField(required=False, error_messages={"invalid": "Write a number, such as 1.1."})
    turn_detection = forms.CharField(required=False, max_length=20)
    threshold = forms.FloatField(required=False, error_messages={"invalid": "Write a number from 0 to 1."})
    silence_ms = forms.IntegerField(required=False, error_messages={"invalid": "Write whole milliseconds."})
    eagerness = forms.CharField(required=False, max_length=10)
    language = forms.CharField(required=False, max_length=10)
    tools = forms.ChoiceField(required=False, choices=[("on", "on"), ("off", "off")])

    def clean_text(self) -> str:
        """Browsers post CRLF; a character is a character on both sides."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")

    def values(self) -> dict[str, Any]:
        """What calls.actions.commands.request takes. Raises InvalidInput for the first field that cannot be used."""
        if not self.is_valid():
            field, errors = next(iter(self.errors.items()))
            raise InvalidInput(str(errors[0]), field)
        found = dict(self.cleaned_data)
        return {name: found[name] for name in ("verb", "text", "key")} | {"settings": self._settings(found)}

    def _settings(self, found: dict[str, Any]) -> dict[str, Any]:
        """The fields that were posted: a disabled control posts none, and stays as it is. No language means any."""
        posted = {name: found[name] for name in SETTINGS if name in self.data and found[name] not in (None, "")}
        if "language" in self.data:
            posted["language"] = found["language"] or None
        if "tools" in posted:
            posted["tools"] = posted["tools"] == "on"
        return posted
