"""Access tokens, and Google's token endpoint: a signed assertion in, a short-lived access token out.

Sources: Google, "Using OAuth 2.0 for server to server applications"; RFC 7523 (JWT bearer grant), RFC 6749.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from simulators.answers import Outcome, json_outcome, oauth_error
from simulators.credentials import CLIENT_EMAIL

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: google-auth puts this into `aud` whatever the `token_uri` of the service account is.
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
#: Either opens FCM; firebase-admin asks for the second.
SCOPES = frozenset(
    {
        "https://www.googleapis.com/auth/firebase.messaging",
        "https://www.googleapis.com/auth/cloud-platform",
    }
)
ASSERTION_LIFE = 3600
ACCESS_TOKEN_LIFE = 3599
_CLOCK_SKEW = 60
_PREFIX = "ya29."  # as Google's begin, so that secret scanners and log filters meet the real thing
_BAD_TIMES = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


class Bearers:
    """Issues access tokens that live for `life` seconds, and recognises them. They carry their own expiry, so that
    nothing has to be remembered over a restart.

    Args:
        secret: keys the MAC under which an access token carries its expiry.
        prefix: how one begins, as the real thing does.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float], *, life: int, prefix: str = "") -> None:
        self._secret = secret
        self._clock = clock
        self._life = life
        self._prefix = prefix

    def issue(self) -> str:
        content = struct.pack(">d", self._clock() + self._life) + secrets.token_bytes(8)
        return self._prefix + base64.urlsafe_b64encode(content + self._mac(content)).decode()

    def grant(self) -> Outcome:
        """200 `{"access_token", "expires_in" (seconds), "token_type"}` with a new one (RFC 6749 section 5.1)."""
        value = {"access_token": self.issue(), "expires_in": self._life, "token_type": "Bearer"}
        return json_outcome(200, None, value)

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


class AccessTokens(Bearers):
    """Google's. `token_uri` is set when the port is known."""

    def __init__(self, public_key: bytes, secret: bytes, clock: Callable[[], float]) -> None:
        super().__init__(secret, clock, life=ACCESS_TOKEN_LIFE, prefix=_PREFIX)
        self._key = RSAKey.import_key(public_key)
        self.token_uri = GOOGLE_AUDIENCE

    def exchange(self, body: bytes) -> Outcome:
        """Answer `grant_type=…jwt-bearer&assertion=<JWT>`, form-encoded: a grant, or 400 with unsupported_grant_type,
        invalid_grant (signature, iss, aud, iat, exp) or invalid_scope."""
        try:
            form = parse_qs(body.decode("ascii"), max_num_fields=10)
        except ValueError:
            form = {}
        if form.get("grant_type") != [GRANT_TYPE]:
            return oauth_error("unsupported_grant_type", f"Invalid grant_type: use {GRANT_TYPE}")
        try:
            claims = jwt.decode(form.get("assertion", [""])[0], self._key, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return oauth_error("invalid_grant", "Invalid JWT Signature.")
        return self._refusal(claims) or self.grant()

    def _refusal(self, claims: Mapping[str, Any]) -> Outcome | None:
        if claims.get("iss") != CLIENT_EMAIL:
            return oauth_error("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") not in (self.token_uri, GOOGLE_AUDIENCE):
            return oauth_error("invalid_grant", "Invalid JWT: Failed audience check.")
        issued_at, expires_at, now = claims.get("iat"), claims.get("exp"), self._clock()
        if type(issued_at) is not int or type(expires_at) is not int:
            return oauth_error("invalid_grant", _BAD_TIMES)
        if issued_at > now + _CLOCK_SKEW or expires_at <= now or expires_at - issued_at > ASSERTION_LIFE:
            return oauth_error("invalid_grant", _BAD_TIMES)
        scope = claims.get("scope")
        if not isinstance(scope, str) or not SCOPES & set(scope.split()):
            return oauth_error("invalid_scope", "Ask for the scope of firebase.messaging.")
        return None
