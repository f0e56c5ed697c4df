"""The register that the settings name."""

from __future__ import annotations

from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.errors import RegistryUnavailable
from pushhub.kernel.settings import Settings
from pushhub.registry.contract import Child, Citizen, Registry
from pushhub.registry.embedded import EmbeddedRegistry
from pushhub.registry.http import HttpRegistry


class NoRegistry:
    """No register was set up: every question goes unanswered, and the pages say so."""

    def citizen(self, iin: Iin) -> Citizen | None:
        raise RegistryUnavailable

    def child(self, iin: Iin) -> Child | None:
        raise RegistryUnavailable

    def numbers_of(self, iin: Iin) -> frozenset[PhoneNumber]:
        raise RegistryUnavailable


def configured_registry(settings: Settings) -> Registry:
    """Raises `ConfigurationError` where the file or the secret can't be used."""
    if settings.registry_url is not None:
        return HttpRegistry(settings.registry_url, settings.registry_secret)
    return EmbeddedRegistry(settings.registry_file) if settings.registry_file is not None else NoRegistry()
