"""Keys and the names under which they go out.

Rows have UUIDv7 keys (RFC 9562: sortable by time). Outside they are written as TypeIDs (TypeID
specification 0.3: a prefix, an underscore, and the UUID in 26 characters of Crockford's base32), so that a
log line or a support request says what kind of thing it names: `ver_01jd6…`.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import uuid_utils.compat

from pushhub.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}


class Prefix(StrEnum):
    """What an id names."""

    PRODUCT = "prd"
    API_KEY = "key"
    OFFER = "off"
    BINDING = "bnd"
    DEVICE = "dev"
    VERIFICATION = "ver"
    DELIVERY = "dlv"
    NOTIFICATION = "ntf"
    EVENT = "evt"


def new_key() -> UUID:
    """A new UUIDv7."""
    return uuid_utils.compat.uuid7()


def public_id(prefix: Prefix, key: UUID) -> str:
    """`key` as it is shown outside."""
    number = key.int
    letters = [_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5)]
    return f"{prefix}_{''.join(letters)}"


def parse_id(prefix: Prefix, text: str) -> UUID:
    """The key behind a public id. Raises `NotFound`: a malformed id names nothing."""
    head, _, letters = text.rpartition("_")
    if head != prefix or len(letters) != 26 or letters[0] > "7":
        raise NotFound
    number = 0
    for letter in letters:
        if letter not in _VALUES:
            raise NotFound
        number = number << 5 | _VALUES[letter]
    return UUID(int=number)
