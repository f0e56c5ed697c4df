"""Access tokens that carry their own expiry, so that nothing has to be remembered over a restart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Callable


class Bearers:
    """Issues access tokens that live for `life` seconds, and recognises them.

    Args:
        secret: keys the MAC under which an access token carries its expiry.
        prefix: how one begins, as the real thing does.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float], *, life: float, prefix: str = "") -> None:
        self._secret = secret
        self._clock = clock
        self._life = life
        self._prefix = prefix

    def issue(self) -> str:
        content = struct.pack(">d", self._clock() + self._life) + secrets.token_bytes(8)
        return self._prefix + base64.urlsafe_b64encode(content + self._mac(content)).decode()

    def expiry(self, access_token: str) -> float | None:
        """When one that was issued here ends, in seconds since 1970; None if it was not."""
        try:
            raw = base64.urlsafe_b64decode(access_token.removeprefix(self._prefix).encode())
        except ValueError:
            return None
        content, mac = raw[:16], raw[16:]
        if not access_token.startswith(self._prefix) or not hmac.compare_digest(mac, self._mac(content)):
            return None
        return float(struct.unpack(">d", content[:8])[0])

    def good(self, access_token: str) -> bool:
        """It was issued here and has not expired."""
        expires_at = self.expiry(access_token)
        return expires_at is not None and self._clock() < expires_at

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, hashlib.sha256)
