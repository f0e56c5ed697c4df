"""What a product may decide for itself, and the defaults. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from enum import StrEnum
from typing import Any

import phonenumbers

from pushhub.kernel.errors import ConfigurationError
from pushhub.products.route import SECONDS_OF_THE_LAST, Step, read_route, written

#: At most so many keys of one kind (live, test) are valid at once: the old and the new one of a rotation.
KEYS_AT_ONCE = 2


class Scope(StrEnum):
    """The rights of an API key."""

    NUMBERS = "numbers"
    OFFERS = "offers"
    VERIFICATIONS = "verifications"
    NOTIFICATIONS = "notifications"
    EVENTS = "events"
    WEBHOOKS = "webhooks"


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


class CodePush(StrEnum):
    """What the push of a code carries.

    `fetch`: no code; the app fetches it with its key, and only that makes the code checkable. `inline`: the
    digits in the alert; the device's receipt makes the code checkable.
    """

    FETCH = "fetch"
    INLINE = "inline"


@dataclass(frozen=True, slots=True)
class Policy:
    """A product's policy. Times are in seconds."""

    code_digits: int = 4
    code_seconds: int = 300
    resend_after_seconds: int = 60
    resends: int = 3
    code_push: CodePush = CodePush.FETCH
    purposes: tuple[str, ...] = ("sign_in", "sign_up", "password_reset", "number_change", "confirm")
    countries: tuple[str, ...] = ("KZ",)
    #: What the product may say of how a number was proven. `operator` is for the operator's own tools.
    assurances: tuple[str, ...] = ("anonymous_offer", "signed_in", "registry", "sms")
    #: Purposes for which a number that was bound by an anonymous offer is not good enough.
    proven_purposes: tuple[str, ...] = ()
    #: By which channels a code goes, and how long each has before the next (see `products.route`).
    route: tuple[str, ...] = ("push",)
    #: How many messages a day may go by a channel that costs money.
    paid_per_day: int = 1000
    requests_per_minute: int = 600

    @property
    def code_life(self) -> timedelta:
        return timedelta(seconds=self.code_seconds)

    @property
    def resend_after(self) -> timedelta:
        return timedelta(seconds=self.resend_after_seconds)

    @property
    def steps(self) -> tuple[Step, ...]:
        return read_route(self.route)

    def serves(self, country: str) -> bool:
        """Whether numbers of this country may be sent codes; an empty list means every country."""
        return not self.countries or country in self.countries


def attempts_for(digits: int) -> int:
    """How many guesses a code of so many digits allows: 3 below six digits, else 5."""
    return 3 if digits < 6 else 5


_WHOLE_NUMBERS = {
    "code_digits": (4, 8),
    "code_seconds": (60, 600),
    "resend_after_seconds": (30, 300),
    "resends": (0, 5),
    "requests_per_minute": (1, 1_000_000),
    "paid_per_day": (0, 10_000_000),
}


def policy_from(changes: Mapping[str, Any]) -> Policy:
    """The default policy with `changes`. Raises `ConfigurationError` that names the key and what it takes."""
    names = {entry.name for entry in fields(Policy)}
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in names:
            raise ConfigurationError(f"A policy has no {name!r}. It has: {', '.join(sorted(names))}.")
        if name in _WHOLE_NUMBERS:
            low, high = _WHOLE_NUMBERS[name]
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ConfigurationError(f"Policy {name} takes a whole number from {low} to {high}.")
            values[name] = value
        elif name == "code_push":
            if value not in list(CodePush):
                raise ConfigurationError(f"Policy code_push takes one of: {', '.join(CodePush)}.")
            values[name] = CodePush(value)
        else:
            values[name] = _names(name, value)
    policy = Policy(**values)
    if sum(step.seconds or 0 for step in policy.steps) + SECONDS_OF_THE_LAST > policy.code_seconds:
        raise ConfigurationError("Policy route: the code must outlive all waits. Raise code_seconds or shorten them.")
    return policy


def _names(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ConfigurationError(f"Policy {name} takes a list of texts.")
    if name == "route":
        return tuple(written(read_route(tuple(value))))
    if name == "assurances":
        unknown = [item for item in value if item not in list(Assurance)]
        if unknown or not value:
            raise ConfigurationError(f"Policy assurances takes some of: {', '.join(Assurance)}.")
    elif name == "countries":
        unknown = [item for item in value if item not in phonenumbers.SUPPORTED_REGIONS]
        if unknown:
            raise ConfigurationError(f"Policy countries takes ISO 3166-1 codes such as KZ; not {unknown[0]!r}.")
    elif (not value and name == "purposes") or not all(
        item.isidentifier() and item.islower() and len(item) <= 40 for item in value
    ):
        raise ConfigurationError(f"Policy {name} takes at least one name in small letters, such as sign_in.")
    return tuple(value)


def policy_document(policy: Policy) -> dict[str, Any]:
    """The policy as it is stored and printed."""
    document = asdict(policy)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in document.items()}
