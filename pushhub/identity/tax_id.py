"""The IIN of a person or the BIN of an organisation, where either may be given, as a value.

Both have twelve digits and the same check digit. A BIN has the year and month of registration in front and the kind
of organisation (4, 5 or 6) in its fifth digit, where an IIN has a day (0 to 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pushhub.identity.iin import Iin
from pushhub.identity.kz_id_checksum import (
    DigitsProblem,
    WrongDigits,
    masked,
    refuse_wrong_check_digit,
    twelve_digits_in,
)

_KINDS_OF_ORGANISATIONS = "456"


@dataclass(frozen=True, slots=True)
class TaxId:
    """A valid IIN or BIN. Its text form is masked, so that it can't slip into a log."""

    digits: str

    @classmethod
    def parse(cls, text: str, today: date) -> TaxId:
        """A BIN or IIN as a person wrote it, spaces included. Raises `WrongDigits`."""
        found = cls(twelve_digits_in(text))
        if found.is_bin:
            _check_bin(found.digits)
        else:
            Iin.parse(found.digits, today)
        return found

    @property
    def is_bin(self) -> bool:
        """Whether an organisation has it."""
        return self.digits[4] in _KINDS_OF_ORGANISATIONS

    @property
    def masked(self) -> str:
        """`9104******42`: the form in which people see it."""
        return masked(self.digits)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"TaxId({self.masked})"


def _check_bin(digits: str) -> None:
    if not 1 <= int(digits[2:4]) <= 12:
        raise WrongDigits(DigitsProblem.NO_SUCH_DATE)
    refuse_wrong_check_digit(digits)
