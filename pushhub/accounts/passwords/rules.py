"""What a password must be, and what follows from wrong ones: pure, no I/O, no clock. And one that is made by chance."""

from __future__ import annotations

import secrets
import string
import unicodedata
from dataclasses import dataclass, replace
from datetime import timedelta

#: Wrong passwords after which one has to wait, and after which a code from the app is asked for.
FREE_TRIES = 4
TRIES_BEFORE_CODE = 10
#: After so long without a try the wrong passwords of the past are forgotten.
FAILURES_KEPT = timedelta(days=1)
_FIRST_WAIT = timedelta(seconds=30)

#: Of these a password that is made for somebody consists. No letters that look like another one or like a digit.
_LOWER = "abcdefghijkmnpqrstuvwxyz"
_UPPER = "ACDEFHJKLMNPQRTUVWXY"
_DIGITS = "23456789"
#: Special characters that are easily read and found on a keyboard, the better ones first.
_SPECIAL = "-!#*?%+=@$&_.:"
_GROUP = 4
_LEAST = 14


def wait_after(failures: int) -> timedelta:
    """How long to wait after wrong password number `failures`: 30 s after the fifth, doubled with each more."""
    if failures <= FREE_TRIES:
        return timedelta()
    return _FIRST_WAIT * int(2 ** (min(failures, TRIES_BEFORE_CODE) - FREE_TRIES - 1))


@dataclass(frozen=True, slots=True)
class PasswordRule:
    """A product's rule. `special` holds the characters of which one must be there; empty: none must. `remembered`
    is how many of the last passwords can't be taken again, nor anything like them."""

    min_length: int
    max_length: int
    lower: bool
    upper: bool
    digit: bool
    special: str
    remembered: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        """The points of the checklist, in order: `length`, `lower`, `upper`, `digit`, `special`."""
        wanted = {"lower": self.lower, "upper": self.upper, "digit": self.digit, "special": bool(self.special)}
        return ("length", *(name for name, needed in wanted.items() if needed))

    def unmet(self, password: str) -> tuple[str, ...]:
        """Which points of the checklist this password does not meet."""
        has = {
            # Of what is stored: one character of what is typed may stand for eighteen.
            "length": self.min_length <= len(normal(password)) <= self.max_length,
            "lower": any(letter in string.ascii_lowercase for letter in password),
            "upper": any(letter in string.ascii_uppercase for letter in password),
            "digit": any(letter in string.digits for letter in password),
            "special": any(letter in self.special for letter in password),
        }
        return tuple(part for part in self.parts if not has[part])


def normal(password: str) -> str:
    """The same password from every keyboard: Unicode's NFKC form (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def readable_password(rule: PasswordRule) -> str:
    """A random password that meets the rule: `Kq7m-Rtxv-9fHd`, 68 bits. Groups of four are easier to type."""
    between = next((sign for sign in _SPECIAL if sign in rule.special), rule.special[:1] or "-")
    length = min(max(rule.min_length, _LEAST), rule.max_length)
    wanted = replace(rule, lower=True, upper=True, digit=True)
    while True:
        letters = [secrets.choice(_LOWER + _UPPER + _DIGITS) for _ in range(length)]
        for place in range(_GROUP, length - 1, _GROUP + 1):
            letters[place] = between
        password = "".join(letters)
        if not wanted.unmet(password):
            return password
