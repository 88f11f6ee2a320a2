"""Sealed fields: AES-256-GCM under a key apart from SECRET_KEY, and a keyed hash to compare without opening.

A sealed value is: 1 byte key id, 12 bytes nonce, ciphertext with its 16-byte tag. The associated data names the field
and the row, so that a value moved to another row does not open.
"""

import base64
import hashlib
import hmac
import os
from functools import cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12


@cache
def _keys() -> dict[int, AESGCM]:
    """Key id → cipher, in the order of VAULT_KEYS: the newest, last, seals; the older ones only open."""
    keys = {}
    for item in settings.VAULT_KEYS.split(","):
        key_id, _, encoded = item.strip().partition(":")
        if not key_id.isdigit() or not 0 < int(key_id) < 256:
            raise ImproperlyConfigured("VAULT_KEYS: each key is «id:base64», the id from 1 to 255")
        keys[int(key_id)] = AESGCM(_key_bytes(encoded, "VAULT_KEYS"))
    return keys


def _key_bytes(encoded: str, name: str) -> bytes:
    key = base64.b64decode(encoded)
    if len(key) != 32:
        raise ImproperlyConfigured(f"{name}: a key is 32 bytes, base64 encoded")
    return key


def seal(text: str, *, bound_to: str) -> bytes:
    key_id = list(_keys())[-1]
    nonce = os.urandom(NONCE_BYTES)
    return bytes([key_id]) + nonce + _keys()[key_id].encrypt(nonce, text.encode(), bound_to.encode())


def unseal(sealed: bytes | memoryview, *, bound_to: str) -> str:
    """Raises `cryptography.exceptions.InvalidTag` for another row's value, KeyError for a key that is gone."""
    raw = bytes(sealed)
    nonce, ciphertext = raw[1 : 1 + NONCE_BYTES], raw[1 + NONCE_BYTES :]
    return _keys()[raw[0]].decrypt(nonce, ciphertext, bound_to.encode()).decode()


def is_current(sealed: bytes | memoryview) -> bool:
    """Whether the newest key sealed it."""
    return bytes(sealed)[0] == list(_keys())[-1]


def match(text: str, *, purpose: str) -> bytes:
    """A keyed hash: equal for equal texts of one purpose, useless without the key."""
    key = _key_bytes(settings.VAULT_MATCH_KEY, "VAULT_MATCH_KEY")
    return hmac.digest(key, f"{purpose}:{text}".encode(), hashlib.sha256)


def matches(stored: bytes | memoryview | None, text: str, *, purpose: str) -> bool:
    return stored is not None and hmac.compare_digest(bytes(stored), match(text, purpose=purpose))


def digits(text: str) -> str:
    """Only the digits: «94 08 № 123456» and «9408123456» are one passport."""
    return "".join(character for character in text if character.isdecimal())
