"""Passwords at rest: Argon2id with the first choice of OWASP's password storage sheet (19 MiB, 2 rounds, 1 lane)."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pushhub.accounts.rules import normal

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hashed(password: str) -> str:
    """What is stored of a password."""
    return _hasher.hash(normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password. Without a stored one the same work is done, and the answer is no."""
    try:
        right = _hasher.verify(stored or _nobodys(), normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash("the password of nobody")
