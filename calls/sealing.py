"""Seals secrets at rest: AES-256-GCM, one derived key per tenant, bound to tenant, row and field.

Imports no model and logs nothing. No secret, key or ciphertext is ever part of a message or of a repr.

A blob is: version (1 byte) · id of the master key (4 bytes) · nonce (12 bytes) · ciphertext and tag. The
tenant, the row and the field are authenticated with it, so a blob that was copied to another row, column or
tenant does not open; Fernet has no such binding. Keys rotate by moving the old master key to
SEALING_KEYS_PREVIOUS: old blobs still open, new ones carry the new key's id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from calls.exceptions import CallsError

VERSION = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEAD = len(VERSION) + _ID_BYTES
_SHORTEST = _HEAD + _NONCE_BYTES + _TAG_BYTES


class SealBroken(CallsError):
    """A sealed secret cannot be opened: altered, moved to another place, or sealed with a key that is not
    here."""

    code = "seal_broken"


def seal(plain: str, *, tenant: UUID, row: UUID, field: str) -> bytes:
    """Return `plain` sealed for this tenant, row and field under the current master key."""
    master = _master(settings.SEALING_KEY, "SEALING_KEY")
    nonce = os.urandom(_NONCE_BYTES)
    head = VERSION + _key_id(master)
    return head + nonce + _cipher(master, tenant).encrypt(nonce, plain.encode(), _bound(head, tenant, row, field))


def check_keys() -> None:
    """Raise SealBroken unless every master key of the settings can be used."""
    _masters()


def is_current(blob: bytes | memoryview) -> bool:
    """Whether a blob is sealed under the current master key; False also for what is no blob."""
    head = VERSION + _key_id(_master(settings.SEALING_KEY, "SEALING_KEY"))
    return bytes(blob[:_HEAD]) == head


def unseal(blob: bytes | memoryview, *, tenant: UUID, row: UUID, field: str) -> str:
    """Open a blob of `seal` in the same place. Raises SealBroken, which names the reason and nothing else."""
    sealed = bytes(blob)
    if len(sealed) < _SHORTEST or sealed[:1] != VERSION:
        raise SealBroken("this is no sealed secret of a known version")
    head, nonce, text = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE_BYTES], sealed[_HEAD + _NONCE_BYTES :]
    for master in _masters():
        if _key_id(master) == head[1:]:
            try:
                return _cipher(master, tenant).decrypt(nonce, text, _bound(head, tenant, row, field)).decode()
            except InvalidTag:
                raise SealBroken(f"the sealed {field} was altered, or belongs to another row or tenant") from None
    raise SealBroken("sealed with a master key that is neither SEALING_KEY nor in SEALING_KEYS_PREVIOUS")


def _masters() -> list[bytes]:
    previous = [_master(value, "SEALING_KEYS_PREVIOUS") for value in settings.SEALING_KEYS_PREVIOUS]
    return [_master(settings.SEALING_KEY, "SEALING_KEY"), *previous]


def _master(value: str, name: str) -> bytes:
    try:
        key = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise SealBroken(f"{name} must be {_KEY_BYTES} bytes in base64: openssl rand -base64 {_KEY_BYTES}") from None
    return key


def _key_id(master: bytes) -> bytes:
    """Names a key without telling anything of it: domain-separated, cut to 4 bytes."""
    return hashlib.sha256(b"realtime-ops sealing key id" + master).digest()[:_ID_BYTES]


@lru_cache(maxsize=1024)
def _cipher(master: bytes, tenant: UUID) -> AESGCM:
    """The tenant's own cipher. Cached: deriving costs about 10 µs, and every webhook opens two secrets."""
    derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=tenant.bytes, info=b"realtime-ops sealing v1")
    return AESGCM(derived.derive(master))


def _bound(head: bytes, tenant: UUID, row: UUID, field: str) -> bytes:
    """What the tag authenticates besides the ciphertext; fixed lengths first, so that no two places
    coincide."""
    return head + tenant.bytes + row.bytes + field.encode()
