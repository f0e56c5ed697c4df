"""What a cabinet asks of a register. Adapters: `embedded` (a file) and `http` (a service; docs/registry.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber


class Place(StrEnum):
    """Where a child is: in a kindergarten, or in the queue for one."""

    KINDERGARTEN = "kindergarten"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Citizen:
    """A person as the register knows them."""

    iin: Iin
    surname: str = field(repr=False)
    name: str = field(repr=False)
    patronymic: str = field(repr=False)
    sex: str
    born: date = field(repr=False)


@dataclass(frozen=True, slots=True)
class Child:
    """A child with its birth certificate: who its parents are and where it is now."""

    iin: Iin
    certificate: str = field(repr=False)
    parents: tuple[Iin, ...]
    places: frozenset[Place]


class Registry(Protocol):
    """A register. Each question raises `RegistryUnavailable` where no answer came in time."""

    def citizen(self, iin: Iin) -> Citizen | None:
        """The person with this IIN."""
        ...

    def child(self, iin: Iin) -> Child | None:
        """The child with this IIN, as its birth certificate says."""
        ...

    def numbers_of(self, iin: Iin) -> frozenset[PhoneNumber]:
        """The mobile numbers that stand under this IIN in the Mobile Citizens Base (БМГ)."""
        ...


def normal_certificate(text: str) -> str:
    """A certificate's number as it is compared: without spaces and signs, in capitals."""
    return "".join(letter for letter in text.upper() if letter.isalnum())
