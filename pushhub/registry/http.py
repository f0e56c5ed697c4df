"""A register behind HTTP: three questions, JSON in and out (docs/registry.md)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.errors import RegistryUnavailable
from pushhub.kernel.http_json import JsonService
from pushhub.registry.contract import Child, Citizen, Place, normal_certificate


class HttpRegistry:
    """Asks the service at `url`, with the secret of `secret_file` as a bearer, if there is one."""

    def __init__(self, url: str, secret_file: Path | None = None) -> None:
        remedy = "Correct PUSHHUB_REGISTRY_SECRET."
        self._service = JsonService("register", url, RegistryUnavailable, secret_file, remedy=remedy)

    def citizen(self, iin: Iin) -> Citizen | None:
        return self._service.ask("citizens", {"iin": iin.digits}, _citizen)

    def child(self, iin: Iin) -> Child | None:
        return self._service.ask("children", {"iin": iin.digits}, _child)

    def numbers_of(self, iin: Iin) -> frozenset[PhoneNumber]:
        return self._service.ask("numbers", {"iin": iin.digits}, _numbers) or frozenset()


def _citizen(document: dict[str, Any]) -> Citizen:
    return Citizen(
        _iin(document["iin"]),
        str(document["surname"]),
        str(document["name"]),
        str(document.get("patronymic") or ""),
        str(document["sex"]),
        date.fromisoformat(document["born"]),
    )


def _child(document: dict[str, Any]) -> Child:
    return Child(
        _iin(document["iin"]),
        normal_certificate(document["certificate"]),
        tuple(_iin(text) for text in document["parents"]),
        frozenset(Place(text) for text in document["places"]),
    )


def _numbers(document: dict[str, Any]) -> frozenset[PhoneNumber]:
    return frozenset(PhoneNumber.parse(text) for text in document["numbers"])


def _iin(text: str) -> Iin:
    return Iin.parse(text, clock.now().date())
