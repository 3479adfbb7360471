"""Secrets at rest: what opens where, and that nothing leaks on the way."""

from __future__ import annotations

import base64
import uuid

import pytest

from calls import sealing
from calls.sealing import SealBroken

TENANT, RIVAL, ROW, OTHER_ROW = (uuid.uuid5(uuid.NAMESPACE_DNS, name) for name in ("t", "r", "row", "other"))
PLACE = {"tenant": TENANT, "row": ROW, "field": "api_key"}
SECRET = "sk-proj-très-secret"


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


@pytest.fixture(autouse=True)
def master(settings):
    settings.SEALING_KEY, settings.SEALING_KEYS_PREVIOUS = key("a"), []


def test_opens_where_it_was_sealed():
    blob = sealing.seal(SECRET, **PLACE)
    assert sealing.unseal(blob, **PLACE) == SECRET
    assert sealing.unseal(memoryview(blob), **PLACE) == SECRET
    assert b"secret" not in blob


def test_the_same_secret_never_looks_the_same():
    assert sealing.seal(SECRET, **PLACE) != sealing.seal(SECRET, **PLACE)


@pytest.mark.parametrize("moved", [{"tenant": RIVAL}, {"row": OTHER_ROW}, {"field": "webhook_secret"}])
def test_a_copied_blob_does_not_open_elsewhere(moved):
    blob = sealing.seal(SECRET, **PLACE)
    with pytest.raises(SealBroken, match="altered, or belongs to another"):
        sealing.unseal(blob, **{**PLACE, **moved})


def test_no_altered_bit_opens():
    blob = sealing.seal(SECRET, **PLACE)
    for place in range(len(blob) * 8):
        altered = bytearray(blob)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(SealBroken):
            sealing.unseal(bytes(altered), **PLACE)


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01" * 32, b"plain text that is long enough to be a blob"])
def test_what_is_no_blob_is_refused(blob):
    with pytest.raises(SealBroken):
        sealing.unseal(blob, **PLACE)


def test_keys_rotate(settings):
    old = sealing.seal(SECRET, **PLACE)
    settings.SEALING_KEY, settings.SEALING_KEYS_PREVIOUS = key("b"), [key("a")]
    new = sealing.seal(SECRET, **PLACE)
    assert sealing.unseal(old, **PLACE) == sealing.unseal(new, **PLACE) == SECRET
    assert old[1:5] != new[1:5]

    settings.SEALING_KEYS_PREVIOUS = []
    assert sealing.unseal(new, **PLACE) == SECRET
    with pytest.raises(SealBroken, match="neither SEALING_KEY nor in SEALING_KEYS_PREVIOUS"):
        sealing.unseal(old, **PLACE)


@pytest.mark.parametrize("bad", ["", "short", "!!!", base64.b64encode(b"x" * 31).decode()])
def test_a_master_key_of_the_wrong_size_is_named_not_shown(settings, bad):
    settings.SEALING_KEY = bad
    with pytest.raises(SealBroken, match="SEALING_KEY must be 32 bytes") as refusal:
        sealing.seal(SECRET, **PLACE)
    assert not bad or bad not in str(refusal.value)


def test_no_error_tells_the_secret_or_the_key():
    blob = sealing.seal(SECRET, **PLACE)
    with pytest.raises(SealBroken) as refusal:
        sealing.unseal(blob[:-1] + b"\0", **PLACE)
    shown = f"{refusal.value!r} {refusal.getrepr(style='long')}"
    assert SECRET not in str(refusal.value)
    assert key("a") not in shown
    assert refusal.value.__cause__ is None


def test_a_blob_knows_whether_its_master_key_is_the_present_one(settings):
    blob = sealing.seal(SECRET, **PLACE)
    assert sealing.is_current(blob)
    settings.SEALING_KEY, settings.SEALING_KEYS_PREVIOUS = key("b"), [key("a")]
    assert not sealing.is_current(blob)
    assert not sealing.is_current(b"")
