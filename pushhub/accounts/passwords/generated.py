"""Passwords that are made for somebody: to be read off a page or a letter, typed once, and changed."""

from __future__ import annotations

import secrets
import string

from pushhub.accounts.passwords.rules import PasswordRule

#: No letters that look like another one or like a digit.
_LOWER = "abcdefghijkmnpqrstuvwxyz"
_UPPER = "ACDEFHJKLMNPQRTUVWXY"
_DIGITS = "23456789"
#: Special characters that are easily read and found on a keyboard, the better ones first.
_SPECIAL = "-!#*?%+=@$&_.:"
_GROUP = 4
_LEAST = 14


def readable_password(rule: PasswordRule) -> str:
    """A random password that meets the rule: `Kq7m-Rtxv-9fHd`, 68 bits. Groups of four are easier to type."""
    between = next((sign for sign in _SPECIAL if sign in rule.special), rule.special[:1] or "-")
    length = min(max(rule.min_length, _LEAST), rule.max_length)
    while True:
        letters = [secrets.choice(_LOWER + _UPPER + _DIGITS) for _ in range(length)]
        for place in range(_GROUP, length - 1, _GROUP + 1):
            letters[place] = between
        password = "".join(letters)
        if not rule.unmet(password) and _has_all_kinds(password):
            return password


def _has_all_kinds(password: str) -> bool:
    return all(
        any(letter in kind for letter in password)
        for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    )
