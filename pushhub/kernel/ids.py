"""Keys and the names under which they go out.

Rows have UUIDv7 keys (RFC 9562: sortable by time). Outside they are written as TypeIDs (TypeID
specification 0.3: a prefix, an underscore, and the UUID in 26 characters of Crockford's base32), so that a
log line or a support request says what kind of thing it names: `ver_01jd6…`.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import uuid_utils.compat

from pushhub.kernel.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
#: Two letters for ten bits, thirteen times: ids are written several times for each message.
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = tuple(range(120, -10, -10))
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}


class Prefix(StrEnum):
    """The kinds of things that public ids name."""

    PRODUCT = "prd"
    API_KEY = "key"
    OFFER = "off"
    BINDING = "bnd"
    DEVICE = "dev"
    VERIFICATION = "ver"
    DELIVERY = "dlv"
    NOTIFICATION = "ntf"
    EVENT = "evt"
    WEBHOOK = "whk"
    FLOW = "flw"
    SESSION = "ses"
    PANEL = "pnl"
    ACCOUNT = "acc"


def new_key() -> UUID:
    """A new UUIDv7."""
    return uuid_utils.compat.uuid7()


def least_key_of(age: timedelta) -> UUID:
    """The least key that could have been made so long ago: what is younger is a range of the primary key."""
    milliseconds = new_key().int >> 80
    return UUID(int=(milliseconds - int(age.total_seconds() * 1000)) << 80)


def public_id(prefix: Prefix, key: UUID) -> str:
    """`key` as it is shown outside."""
    number = key.int
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


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
