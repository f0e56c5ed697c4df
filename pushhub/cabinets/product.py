"""The product for which a cabinet asks: made by the operator, found by the name in the profile."""

from __future__ import annotations

from typing import Any

from pushhub.cabinets.profile import Profile
from pushhub.kernel.errors import CabinetNotReady, NotFound
from pushhub.products.models import Product
from pushhub.products.products import Caller, caller_for, create_product, find_product, set_policy


def prepare_product(profile: Profile) -> Product:
    """Make the product, or give the one there is the code policy of the profile. Repeating it changes nothing.

    Raises `ConfigurationError`.
    """
    try:
        product = find_product(profile.product)
    except NotFound:
        return create_product(profile.product, _policy(profile)).product
    set_policy(product.id, _policy(profile))
    return product


def caller_of(profile: Profile) -> Caller:
    """The product as a caller. Raises `CabinetNotReady` where nobody has made it yet."""
    try:
        return caller_for(find_product(profile.product))
    except NotFound:
        raise CabinetNotReady(cabinet=profile.slug) from None


def _policy(profile: Profile) -> dict[str, Any]:
    code = profile.code
    route = {"route": list(code.route)} if code.route else {}
    return route | {
        "code_digits": code.digits,
        "code_seconds": code.seconds,
        "resend_after_seconds": code.resend_after_seconds,
        "resends": code.resends,
    }
