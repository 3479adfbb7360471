"""How a telephone number is shown to people who need not know it. Stores nothing, reveals nothing."""

from __future__ import annotations

import re

HIDDEN = "••••"

_DIGITS = re.compile(r"[^0-9]")
_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-/]{5,}[0-9]")
_VISIBLE = 4
_SHORTEST = 7
"""Digits; of a shorter number the last four would be nearly all of it."""

_TWO_DIGITS = re.compile(r"2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
"""Country codes of two digits (ITU-T E.164, list of assigned codes); zones 1 and 7 have one digit, all others
three."""


def mask_number(number: str) -> str:
    """Return `+44 •••• 0017` for `+441632960017`; accepts SIP and tel URIs; anything else becomes `••••`."""
    found = _NUMBER.search(number)
    if found is None:
        return HIDDEN
    digits = _DIGITS.sub("", found.group())
    if len(digits) < _SHORTEST:
        return HIDDEN
    if not found.group().startswith("+"):
        return f"{HIDDEN} {digits[-_VISIBLE:]}"
    return f"+{_country(digits)} {HIDDEN} {digits[-_VISIBLE:]}"


def _country(digits: str) -> str:
    if digits[0] in "17":
        return digits[0]
    return digits[:2] if _TWO_DIGITS.match(digits) else digits[:3]
