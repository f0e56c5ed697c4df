"""The individual identification number of a person (IIN) and the BIN of an organisation, as values. Nothing else in the
project handles IINs as bare text.

Both have twelve digits, the last of which is a check digit over two sets of weights. An IIN begins with the birth date
(YYMMDD), century and sex. A BIN begins with the year and month of registration, and has the kind of organisation (4, 5
or 6) in its fifth digit, where an IIN has a day (0 to 3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pushhub.identity.masked import Masked

_FIRST_WEIGHTS = range(1, 12)
_SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
#: The seventh digit: the century of birth and the sex; 0 is given to people who came from abroad.
_CENTURIES = {"0": (1900, 2000), "1": (1800,), "2": (1800,), "3": (1900,), "4": (1900,), "5": (2000,), "6": (2000,)}
_KINDS_OF_ORGANISATIONS = "456"


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


@dataclass(frozen=True, slots=True, repr=False)
class _TwelveDigits(Masked):
    digits: str

    @property
    def masked(self) -> str:
        """`9104******42`: the form in which people see it."""
        return masked(self.digits)


class Iin(_TwelveDigits):
    """A valid IIN."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, today: date) -> Iin:
        """Read an IIN as a person wrote it, spaces included. Raises `WrongDigits`."""
        digits = _twelve_digits_in(text)
        if not any(born <= today for born in _birth_dates(digits)):
            raise WrongDigits(DigitsProblem.NO_SUCH_DATE)
        _refuse_wrong_check_digit(digits)
        return cls(digits)


class TaxId(_TwelveDigits):
    """A valid IIN or BIN, where either may be given."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, today: date) -> TaxId:
        """A BIN or IIN as a person wrote it, spaces included. Raises `WrongDigits`."""
        found = cls(_twelve_digits_in(text))
        if not found.is_bin:
            Iin.parse(found.digits, today)
            return found
        if not 1 <= int(found.digits[2:4]) <= 12:
            raise WrongDigits(DigitsProblem.NO_SUCH_DATE)
        _refuse_wrong_check_digit(found.digits)
        return found

    @property
    def is_bin(self) -> bool:
        """Whether an organisation has it."""
        return self.digits[4] in _KINDS_OF_ORGANISATIONS


def masked(digits: str) -> str:
    """`9104******42`: the form in which people see them."""
    return f"{digits[:4]}******{digits[-2:]}"


def check_digit(first_eleven: str) -> int | None:
    """The twelfth digit; None for eleven digits that are never given out, because both sums leave 10."""
    numbers = [int(digit) for digit in first_eleven]
    for weights in (_FIRST_WEIGHTS, _SECOND_WEIGHTS):
        rest = sum(number * weight for number, weight in zip(numbers, weights, strict=True)) % 11
        if rest < 10:
            return rest
    return None


def _twelve_digits_in(text: str) -> str:
    digits = re.sub(r"[\s\-]", "", text)
    if not re.fullmatch(r"[0-9]{12}", digits):
        raise WrongDigits(DigitsProblem.NOT_TWELVE_DIGITS)
    return digits


def _refuse_wrong_check_digit(digits: str) -> None:
    if check_digit(digits[:11]) != int(digits[11]):
        raise WrongDigits(DigitsProblem.WRONG_CHECK_DIGIT)


def _birth_dates(digits: str) -> list[date]:
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    found = []
    for century in _CENTURIES.get(digits[6], ()):
        try:
            found.append(date(century + year, month, day))
        except ValueError:
            continue
    return found
