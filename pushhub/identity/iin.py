"""The individual identification number (IIN) as a value. Nothing else in the project handles IINs as bare text.

Twelve digits: birth date (YYMMDD), century and sex, a serial number, and a check digit over two sets of weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pushhub.identity.kz_id_checksum import (
    DigitsProblem,
    WrongDigits,
    masked,
    refuse_wrong_check_digit,
    twelve_digits_in,
)

#: The seventh digit: the century of birth and the sex; 0 is given to people who came from abroad.
_CENTURIES = {"0": (1900, 2000), "1": (1800,), "2": (1800,), "3": (1900,), "4": (1900,), "5": (2000,), "6": (2000,)}


@dataclass(frozen=True, slots=True)
class Iin:
    """A valid IIN. Its text form is masked, so that it can't slip into a log."""

    digits: str

    @classmethod
    def parse(cls, text: str, today: date) -> Iin:
        """Read an IIN as a person wrote it, spaces included. Raises `WrongDigits`."""
        digits = twelve_digits_in(text)
        if not any(born <= today for born in _birth_dates(digits)):
            raise WrongDigits(DigitsProblem.NO_SUCH_DATE)
        refuse_wrong_check_digit(digits)
        return cls(digits)

    @property
    def masked(self) -> str:
        """`9104******42`: the form in which people see it."""
        return masked(self.digits)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Iin({self.masked})"


def _birth_dates(digits: str) -> list[date]:
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    found = []
    for century in _CENTURIES.get(digits[6], ()):
        try:
            found.append(date(century + year, month, day))
        except ValueError:
            continue
    return found
