"""What a cabinet asks of a register, and what follows for a re-registration: whether the answers about a child are
right, and whose a number is. Adapters: `embedded` (a file) and `http` (a service; docs/registry.md)."""

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


@dataclass(frozen=True, slots=True)
class RegisterAnswers:
    """The answers of a person in step 1 of a re-registration."""

    child: Iin
    certificate: str
    first_parent: Iin
    second_parent: Iin | None
    place: Place


def wrong_answers(registry: Registry, answers: RegisterAnswers) -> tuple[str, ...]:
    """The names of the answers that the register does not confirm, in order; none: all are right.

    Raises `RegistryUnavailable`.
    """
    child = registry.child(answers.child)
    if child is None:
        return ("child",)
    named = [parent for parent in (answers.first_parent, answers.second_parent) if parent is not None]
    wrong = {
        "certificate": normal_certificate(answers.certificate) != child.certificate,
        "first_parent": answers.first_parent not in child.parents,
        "second_parent": answers.second_parent is not None
        and (answers.second_parent not in child.parents or len(set(named)) < len(named)),
        "place": answers.place not in child.places,
    }
    return tuple(name for name, is_wrong in wrong.items() if is_wrong)


def stands_under(registry: Registry, number: PhoneNumber, iin: Iin) -> bool:
    """Whether the number is registered to this IIN in the Mobile Citizens Base. Raises `RegistryUnavailable`."""
    return number in registry.numbers_of(iin)
