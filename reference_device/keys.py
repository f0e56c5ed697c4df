"""The device's key and the proofs it makes (DPoP, RFC 9449, ES256)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey


class DeviceKey:
    """A P-256 key that stays on the device."""

    def __init__(self, key: ECKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> DeviceKey:
        return cls(ECKey.generate_key("P-256"))

    @classmethod
    def load(cls, jwk: dict[str, Any]) -> DeviceKey:
        """From what `private_jwk` gave (RFC 7517)."""
        return cls(ECKey.import_key(jwk))

    def private_jwk(self) -> dict[str, Any]:
        """The whole key, for the device's own key store."""
        return dict(self._key.as_dict(private=True))

    @property
    def thumbprint(self) -> str:
        """RFC 7638."""
        return self._key.thumbprint()

    def proof(self, method: str, url: str, now: Callable[[], float], device_secret: str | None = None) -> str:
        """A new proof for one request. `url` is the address without query and fragment; `now` gives seconds since
        1970."""
        public = self._key.as_dict(private=False)
        header = {
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": {name: public[name] for name in ("kty", "crv", "x", "y")},
        }
        claims: dict[str, Any] = {"htm": method, "htu": url, "iat": int(now()), "jti": secrets.token_urlsafe(16)}
        if device_secret is not None:
            digest = hashlib.sha256(device_secret.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return jwt.encode(header, claims, self._key, algorithms=["ES256"])
