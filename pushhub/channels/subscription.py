"""A browser's push subscription: `{"endpoint": "https://…", "keys": {"p256dh": …, "auth": …}}` (Push API, RFC 8291).

The endpoint is an address that somebody outside gives us and that we then send to, so it is read here more
strictly than a URL: what two parsers could understand differently is refused.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from pushhub.kernel.http_values import HTTPS_PORT, host_and_port

#: An https address: host in small letters or an IPv6 address, port, path; no user, no backslash, no fragment.
_ENDPOINT = re.compile(r"https://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>[0-9]{1,5}))?/[!$-\[\]-~]*")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")


class UnfitSubscription(ValueError):
    """It can't be sent to. The text says what it must be and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that can be sent to. All of it is personal data."""

    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)

    @classmethod
    def parse(cls, value: str) -> Self:
        """Read what `JSON.stringify(subscription)` gives. Raises `UnfitSubscription`."""
        try:
            given = json.loads(value)
        except (ValueError, RecursionError):
            given = None
        keys = given.get("keys") if isinstance(given, dict) else None
        if not isinstance(given, dict) or not isinstance(keys, dict):
            raise UnfitSubscription('Send JSON.stringify(subscription): {"endpoint", "keys": {"p256dh", "auth"}}.')
        endpoint = given.get("endpoint")
        if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
            raise UnfitSubscription("Send the endpoint as the browser gave it: an https address.")
        return cls(endpoint, _public_key(keys), _secret(keys))

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a VAPID signature is made out to."""
        return self.endpoint[: self.endpoint.index("/", len("https://"))]

    def stands_on(self, hosts: Iterable[str]) -> bool:
        """Whether the push service is one of `hosts` or below one. `host` means port 443, `host:port` that port."""
        found = _ENDPOINT.fullmatch(self.endpoint)
        if found is None:
            return False
        port = int(found["port"] or HTTPS_PORT)
        return any(
            port == allowed_port and (found["host"] == allowed or found["host"].endswith(f".{allowed}"))
            for allowed, allowed_port in map(host_and_port, hosts)
        )

    def info(self) -> dict[str, Any]:
        """The subscription as libraries for web push take it."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": self.p256dh, "auth": self.auth}}


def _public_key(keys: dict[str, Any]) -> str:
    value = keys.get("p256dh")
    with suppress(ValueError):
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _bytes(value, 65))
        return str(value)
    raise UnfitSubscription("Send keys.p256dh as the browser gave it: a P-256 public key of 65 bytes in base64url.")


def _secret(keys: dict[str, Any]) -> str:
    value = keys.get("auth")
    with suppress(ValueError):
        _bytes(value, 16)
        return str(value)
    raise UnfitSubscription("Send keys.auth as the browser gave it: 16 bytes in base64url.")


def _bytes(value: object, length: int) -> bytes:
    """So many bytes out of base64url. Raises ValueError."""
    if not isinstance(value, str) or not _BASE64URL.fullmatch(value):
        raise ValueError("not base64url")
    decoded = urlsafe_b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4))
    if len(decoded) != length:
        raise ValueError("not of the right length")
    return decoded
