"""A register in a TOML file that the operator loads: for trying out, and where there is no service to ask.

[[citizens]]
iin = "…"
surname = "Ахметова"
name = "Айгерим"
patronymic = "Сериковна"   # may be left out
sex = "female"             # or male
born = 1991-04-12
numbers = ["+77057546868"] # those that stand under the IIN in the БМГ

[[children]]
iin = "…"
certificate = "0012345678"
parents = ["…", "…"]
places = ["kindergarten"]  # kindergarten, queue
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pushhub.identity.iin import Iin, WrongDigits
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.errors import ConfigurationError, NumberInvalid
from pushhub.registry.contract import Child, Citizen, Place, normal_certificate

T = TypeVar("T")


class EmbeddedRegistry:
    """The register of one file. Raises `ConfigurationError` that names the file, the entry and what to do."""

    def __init__(self, path: Path) -> None:
        document = _document(path)
        self._citizens: dict[str, Citizen] = {}
        self._numbers: dict[str, frozenset[PhoneNumber]] = {}
        self._children: dict[str, Child] = {}
        for place, entry in enumerate(document.get("citizens", []), 1):
            citizen, numbers = _read(path, f"citizens entry {place}", entry, _citizen)
            self._citizens[citizen.iin.digits] = citizen
            self._numbers[citizen.iin.digits] = numbers
        for place, entry in enumerate(document.get("children", []), 1):
            child = _read(path, f"children entry {place}", entry, _child)
            self._children[child.iin.digits] = child

    def citizen(self, iin: Iin) -> Citizen | None:
        return self._citizens.get(iin.digits)

    def child(self, iin: Iin) -> Child | None:
        return self._children.get(iin.digits)

    def numbers_of(self, iin: Iin) -> frozenset[PhoneNumber]:
        return self._numbers.get(iin.digits, frozenset())


def _document(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as problem:
        raise ConfigurationError(f"The register {path} can't be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"The register {path} is not TOML: {problem}.") from None


def _read(path: Path, where: str, entry: Any, read: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return read(entry)
    except KeyError as problem:
        raise ConfigurationError(f"{path}, {where}: {problem.args[0]} is missing.") from None
    except WrongDigits as problem:
        raise ConfigurationError(f"{path}, {where}: an IIN is not right ({problem.problem}).") from None
    except NumberInvalid:
        raise ConfigurationError(f"{path}, {where}: write numbers as +77011234567.") from None
    except (ValueError, TypeError) as problem:
        raise ConfigurationError(f"{path}, {where}: {problem}.") from None


def _citizen(entry: Mapping[str, Any]) -> tuple[Citizen, frozenset[PhoneNumber]]:
    if entry["sex"] not in ("male", "female") or type(entry["born"]) is not date:
        raise ValueError("sex is male or female, and born is a date such as 1991-04-12")
    citizen = Citizen(
        _iin(entry["iin"]), entry["surname"], entry["name"], entry.get("patronymic", ""), entry["sex"], entry["born"]
    )
    return citizen, frozenset(PhoneNumber.parse(text) for text in entry.get("numbers", []))


def _child(entry: Mapping[str, Any]) -> Child:
    return Child(
        _iin(entry["iin"]),
        normal_certificate(entry["certificate"]),
        tuple(_iin(text) for text in entry["parents"]),
        frozenset(Place(text) for text in entry.get("places", [])),
    )


def _iin(text: str) -> Iin:
    return Iin.parse(str(text), clock.now().date())
