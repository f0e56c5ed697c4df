"""How sure it is that a number belongs to whoever binds it."""

from __future__ import annotations

from enum import StrEnum


class Assurance(StrEnum):
    """How it was proven that the number belongs to whoever sees the offer."""

    ANONYMOUS_OFFER = "anonymous_offer"
    SIGNED_IN = "signed_in"
    REGISTRY = "registry"
    SMS = "sms"
    OPERATOR = "operator"

    @property
    def may_replace(self) -> bool:
        """Whether an offer like this may take a number from the device that has it now. One that anybody
        could have opened may not: that would be an account takeover for the price of knowing an IIN."""
        return self is not Assurance.ANONYMOUS_OFFER
