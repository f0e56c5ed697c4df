"""A phone number as a value. Nothing else in the project handles numbers as bare text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

import phonenumbers
import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from pushhub.identity.masked import Masked
from pushhub.kernel.errors import NumberInvalid

#: How people write a number. `phonenumbers` reads more into a text than that: it takes letters for digits (those
#: on the keys of old phones) and leaves out words, and so finds a number that nobody wrote.
_WRITTEN = re.compile(r"\+[\d\s().\-\u2010-\u2015]+")


@dataclass(frozen=True, slots=True, repr=False)
class PhoneNumber(Masked):
    """A valid number in E.164 (`+77057546868`)."""

    e164: str
    #: Where `parse` has found it out on the way.
    _country: str | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str) -> PhoneNumber:
        """Read a number as a person or a product wrote it, spaces and brackets included.

        Raises `NumberInvalid` for anything that is not a valid number in international form.
        """
        return _parse(text)

    @classmethod
    def trusted(cls, e164: str) -> PhoneNumber:
        """A number that has been through `parse` before, as it comes from the database."""
        return cls(e164)

    @property
    def masked(self) -> str:
        """`+770****6868`: the form in which people see it."""
        return f"{self.e164[:4]}****{self.e164[-4:]}"

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2, e.g. `KZ`."""
        return self._country or str(phonenumbers.region_code_for_number(phonenumbers.parse(self.e164)))


@lru_cache(maxsize=8192)
def _parse(text: str) -> PhoneNumber:
    if len(text) > 40 or not _WRITTEN.fullmatch(text.strip()):
        raise NumberInvalid
    try:
        parsed = phonenumbers.parse(text.strip(), None)
    except phonenumbers.NumberParseException as problem:
        raise NumberInvalid from problem
    country = phonenumbers.region_code_for_number(parsed)
    if parsed.extension or country is None or not phonenumbers.is_valid_number_for_region(parsed, country):
        raise NumberInvalid
    return PhoneNumber(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), country)


def as_number(text: str) -> PhoneNumber:
    """A phone number as a person wrote it; `8 705 …` is understood. Raises `NumberInvalid`."""
    digits = re.sub(r"[^\d+]", "", text)
    if re.fullmatch(r"8\d{10}", digits):
        digits = f"+7{digits[1:]}"
    elif re.fullmatch(r"7\d{10}", digits):
        digits = f"+{digits}"
    elif re.fullmatch(r"7\d{9}", digits):
        digits = f"+7{digits}"
    return PhoneNumber.parse(digits)


class NumberColumn(sa.types.TypeDecorator[PhoneNumber]):
    """A column of phone numbers: E.164 in the database, `PhoneNumber` everywhere else."""

    impl = sa.String
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(20)

    def process_bind_param(self, value: PhoneNumber | str | None, dialect: Dialect) -> str | None:
        return value.e164 if isinstance(value, PhoneNumber) else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> PhoneNumber | None:
        return PhoneNumber.trusted(value) if value is not None else None
