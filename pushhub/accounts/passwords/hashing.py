"""Passwords at rest: Argon2id; what it costs stands in `pushhub.accounts.costs`."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pushhub.accounts import costs
from pushhub.accounts.costs import Argon2
from pushhub.accounts.passwords.rules import normal


def hashed(password: str) -> str:
    """The hash of a password, as it is stored."""
    return _hasher(costs.current().password).hash(normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password. Without a stored one the same work is done, and the answer is no."""
    cost = costs.current().password
    try:
        right = _hasher(cost).verify(stored or _nobodys(cost), normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


@lru_cache(maxsize=2)
def _hasher(cost: Argon2) -> PasswordHasher:
    return PasswordHasher(time_cost=cost.rounds, memory_cost=cost.memory, parallelism=1)


@lru_cache(maxsize=2)
def _nobodys(cost: Argon2) -> str:
    return _hasher(cost).hash("the password of nobody")
