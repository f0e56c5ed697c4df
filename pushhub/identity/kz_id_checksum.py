"""What an IIN and a BIN have in common: twelve digits, the last of which is a check digit over two sets of weights."""

from __future__ import annotations

import re
from enum import StrEnum

_FIRST_WEIGHTS = range(1, 12)
_SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)


class DigitsProblem(StrEnum):
    """The ways in which 12 typed digits are wrong."""

    NOT_TWELVE_DIGITS = "not_twelve_digits"
    NO_SUCH_DATE = "no_such_date"
    WRONG_CHECK_DIGIT = "wrong_check_digit"


class WrongDigits(ValueError):
    """What was typed is no IIN, or neither IIN nor BIN where either may be given; `problem` says why."""

    def __init__(self, problem: DigitsProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def twelve_digits_in(text: str) -> str:
    """The digits as a person wrote them, spaces included. Raises `WrongDigits`."""
    digits = re.sub(r"[\s\-]", "", text)
    if not re.fullmatch(r"[0-9]{12}", digits):
        raise WrongDigits(DigitsProblem.NOT_TWELVE_DIGITS)
    return digits


def refuse_wrong_check_digit(digits: str) -> None:
    """Raises `WrongDigits` where the twelfth digit does not fit the others."""
    if check_digit(digits[:11]) != int(digits[11]):
        raise WrongDigits(DigitsProblem.WRONG_CHECK_DIGIT)


def check_digit(first_eleven: str) -> int | None:
    """The twelfth digit; None for eleven digits that are never given out, because both sums leave 10."""
    numbers = [int(digit) for digit in first_eleven]
    for weights in (_FIRST_WEIGHTS, _SECOND_WEIGHTS):
        rest = sum(number * weight for number, weight in zip(numbers, weights, strict=True)) % 11
        if rest < 10:
            return rest
    return None


def masked(digits: str) -> str:
    """`9104******42`: the form in which people see them."""
    return f"{digits[:4]}******{digits[-2:]}"
