"""The demonstration product for which the start page asks."""

from __future__ import annotations

from typing import Any

from pushhub.kernel.errors import ConfigurationError, NotFound
from pushhub.products.products import Caller, caller_for, create_product, find_product

NAME = "Demo"
#: Visitors come with numbers of any country.
_POLICY: dict[str, Any] = {"countries": []}


def demo_product() -> Caller:
    """The product as a caller. It is made on first use; nobody ever sees its API keys."""
    try:
        return caller_for(find_product(NAME))
    except NotFound:
        pass
    try:
        return caller_for(create_product(NAME, _POLICY).product)
    except ConfigurationError:
        # Another first request was faster: names are unique, so the product is there now.
        return caller_for(find_product(NAME))
