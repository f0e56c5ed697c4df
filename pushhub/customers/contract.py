"""What a cabinet asks of a product about its customers. Adapters: `embedded` (a file), `http` (docs/customers.md)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Protocol

from pushhub.identity.iin import TaxId


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer: somebody who has a contract with the product."""

    #: The account number, with which this customer signs in.
    account: str
    #: The contract's number as the product writes it.
    contract: str
    tax_id: TaxId
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What the product says of a contract number and a tax id that somebody typed."""

    #: Whether there is such a contract, whosever it is.
    contract_known: bool
    #: Whose contract it is, where the tax id is theirs.
    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's balance and tariff, as the top panel of a cabinet shows them."""

    account: str
    contract: str
    #: None where the product shows none.
    balance: Decimal | None = field(repr=False)
    #: `KZT` (ISO 4217).
    currency: str


class Customers(Protocol):
    """A product's customers. Each question raises `CustomersUnavailable` where no answer came in time."""

    def find(self, contract: str, tax_id: TaxId) -> Found:
        """Whether there is this contract, and whether it is of the one with this tax id."""
        ...

    def standing(self, account: str) -> Standing | None:
        """What stands on this account; None where there is none."""
        ...


def money(value: object) -> Decimal:
    """A sum as a product writes it: `"1425.00"`, or a number. Raises ValueError and TypeError."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise TypeError('a sum is a text or a number, such as "1425.00"')
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError('a sum is a text or a number, such as "1425.00"') from None
    if not found.is_finite() or abs(found) >= _MOST_MONEY:
        raise ValueError("a sum is a number of at most 15 digits before the point")
    return found


_MOST_MONEY = Decimal(10) ** 15

#: Latin letters that look like a Cyrillic one: people type either.
_ALIKE = str.maketrans("ABCEHIKMOPTXY", "АВСЕНІКМОРТХУ")
_DASHES = str.maketrans("‐‑‒–—―−", "-------")


def normal_contract(text: str) -> str:
    """A contract's number as it is compared: capitals, no spaces, no `№`, one kind of dash, letters that look alike
    as one letter. `ктс–ktc-14` and `КТС-КТС-14` are the same."""
    letters = unicodedata.normalize("NFKC", text.replace("№", "")).translate(_DASHES).upper()
    return re.sub(r"\s", "", letters).translate(_ALIKE)
