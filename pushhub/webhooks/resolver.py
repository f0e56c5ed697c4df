"""Which IP addresses a host name stands for, and whether they may be called.

Look-ups have threads of their own: a DNS server that is slow to answer holds up no database work.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, current_app

from pushhub.webhooks.targets import Target, UrlRefusal, is_public

#: Seconds after which somebody who registers an address is told that its name is not found.
LOOKUP_SECONDS = 5.0
_lookups = ThreadPoolExecutor(max_workers=32, thread_name_prefix="webhook-dns")


class TargetRefused(Exception):
    """The name stands for nothing that may be called."""

    def __init__(self, reason: UrlRefusal) -> None:
        super().__init__(reason)
        self.reason = reason


def look_up(host: str, port: int) -> list[str]:
    """The IP addresses that `host` stands for. Raises OSError, or ValueError for what can't be a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Resolver:
    """Looks names up and looks at what they stand for.

    Args:
        look_up: asks the DNS, blocking; as the function of this name.
        is_public: whether an address belongs to the open Internet.
        time_limit: seconds that `check` waits for the DNS.
    """

    def __init__(
        self,
        look_up: Callable[[str, int], list[str]] = look_up,
        *,
        is_public: Callable[[str], bool] = is_public,
        time_limit: float = LOOKUP_SECONDS,
    ) -> None:
        self._look_up = look_up
        self._is_public = is_public
        self._time_limit = time_limit

    def check(self, target: Target, *, private_allowed: bool) -> None:
        """Look the target's name up now. Raises `TargetRefused`."""
        try:
            addresses = _lookups.submit(self._look_up, target.host, target.port).result(self._time_limit)
        except (OSError, ValueError):  # the time limit is an OSError
            raise TargetRefused(UrlRefusal.NAME_NOT_FOUND) from None
        self._checked(addresses, private_allowed)

    async def addresses(self, host: str, port: int, *, private_allowed: bool) -> list[str]:
        """What may be connected to for this name. Raises `TargetRefused`."""
        try:
            addresses = await asyncio.get_running_loop().run_in_executor(_lookups, self._look_up, host, port)
        except (OSError, ValueError):
            raise TargetRefused(UrlRefusal.NAME_NOT_FOUND) from None
        return self._checked(addresses, private_allowed)

    def _checked(self, addresses: list[str], private_allowed: bool) -> list[str]:
        # One bad address among good ones is enough: who mixes them wants to see which one we take.
        if not private_allowed and not all(self._is_public(address) for address in addresses):
            raise TargetRefused(UrlRefusal.PRIVATE_ADDRESS)
        return addresses


_EXTENSION = "pushhub.webhooks.resolver"


def current() -> Resolver:
    """The one of the current application."""
    found: Resolver = current_app.extensions.setdefault(_EXTENSION, Resolver())
    return found


def use(app: Flask, resolver: Resolver) -> None:
    """Let it be the one of this application."""
    app.extensions[_EXTENSION] = resolver
