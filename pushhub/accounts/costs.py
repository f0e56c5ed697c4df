"""What a guess costs: much whoever makes millions of them, little the person who makes one.

Everything that hashes a password or sets a task asks `costs.current()`. Tests put cheaper ones in their place with
`use()`: what is hashed at one cost is known again at another, since each hash says what it cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Argon2:
    """Argon2id on one lane."""

    rounds: int
    #: KiB
    memory: int


@dataclass(frozen=True, slots=True)
class Costs:
    """The usual costs of hashing and of a captcha."""

    #: The first choice of OWASP's password storage sheet (19 MiB, 2 rounds, 1 lane).
    password: Argon2 = Argon2(2, 19 * 1024)
    #: The marks of a password (`pushhub.accounts.passwords.history`). A stem is often a word of a dictionary and costs
    #: what a password costs; what is long is guessed by nobody, and there are many of them to a long password.
    stem: Argon2 = Argon2(2, 19 * 1024)
    short_mark: Argon2 = Argon2(1, 8 * 1024)
    mark: Argon2 = Argon2(1, 2 * 1024)
    long_mark: Argon2 = Argon2(1, 256)
    #: A captcha: so many keys are derived, at least and at most, each with so many rounds
    #: (docs/decisions/0021-captcha.md).
    captcha_rounds: int = 5000
    captcha_keys: tuple[int, int] = (100, 300)


_current = Costs()


def current() -> Costs:
    """The costs in force."""
    return _current


@contextmanager
def use(costs: Costs) -> Iterator[None]:
    """Let these be the costs inside the block, for every thread of the process."""
    global _current
    before, _current = _current, costs
    try:
        yield
    finally:
        _current = before
