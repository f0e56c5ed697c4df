"""What re-registration asks of the register: whether the answers about a child are right, and whose a number is."""

from __future__ import annotations

from dataclasses import dataclass

from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.registry.contract import Place, Registry, normal_certificate


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
