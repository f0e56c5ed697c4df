"""Answers that a register or a product's customers are asked about, and passwords: wrong ones are counted by network
address, so that nobody tries contracts, certificates or numbers through, nor one password on everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import request

from pushhub.context import current
from pushhub.kernel import limits
from pushhub.kernel.db import transaction
from pushhub.kernel.limits import Window

#: Wrong answers from one address in an hour, after which no more are looked at.
_WRONG_AN_HOUR = 10


@dataclass(slots=True)
class Guess:
    """One look at somebody's answers. Whoever looks says whether they were `wrong`."""

    allowed: bool
    wrong: bool = False


@contextmanager
def counted_guess(window: Window = limits.REGISTER_ANSWERS, most: int = _WRONG_AN_HOUR) -> Iterator[Guess]:
    """Count a wrong answer before the look, so that looks at the same time are all counted, and take it back where
    the answer was right or could not be looked at."""
    guess = Guess(allowed=counted(window) <= most)
    try:
        yield guess
    finally:
        if guess.allowed and not guess.wrong:
            with transaction() as session:
                limits.take_back(session, window, _subject())


def counted(window: Window) -> int:
    """Count one more from this request's network address, and say how many there are in the window."""
    with transaction() as session:
        return limits.count_up(session, window, _subject())


def _subject() -> str:
    return limits.address_subject(current().keyring, request.remote_addr or "")
