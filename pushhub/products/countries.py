"""Which countries' numbers a product serves: a matter of its policy."""

from __future__ import annotations

from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.errors import NumberNotAllowed
from pushhub.products.products import Caller


def require_country(caller: Caller, number: PhoneNumber) -> None:
    """Raises `NumberNotAllowed` for a number of a country that the product does not serve."""
    if not caller.policy.serves(number.country):
        raise NumberNotAllowed(countries=list(caller.policy.countries))
