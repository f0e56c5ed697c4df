"""What we show to the providers to prove who we are: Google's OAuth credential and Apple's provider token.

Both are shared by every message of a channel, made anew before they run out, and thrown away when a
provider refuses them. How often one may be thrown away is limited: when the fresh one is refused as well,
making more of them can't help, and Apple punishes it (TooManyProviderTokenUpdates).

Google's credential is a process's own. Apple wants one provider token for the whole team at a time, and gets it
without the processes talking to each other: what they sign depends on the clock and the key alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from apns2.credentials import TokenCredentials
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from firebase_admin.credentials import Certificate
from google.auth.exceptions import GoogleAuthError

from pushhub.channels.contract import ChannelDown, Outcome, Retry
from pushhub.channels.transport import AtMostOnce, Monotonic, Response, TransportFailed, post_blocking
from pushhub.kernel import clock

log = logging.getLogger(__name__)

#: The only right that sending needs, of the six that firebase-admin asks for.
FCM_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"

#: Seconds of an OAuth credential's life left when a new one is asked for, and when it is used no more.
RENEW_BEFORE = 300.0
UNUSABLE_BEFORE = 30.0

#: Seconds for one renewal, Google's own repeats included, and between a failed one and the next.
RENEWAL_TIME_LIMIT = 10.0
PAUSE_AFTER_FAILURE = 1.0

#: Seconds between two credentials thrown away because they were refused. For Apple it is its own rule:
#: https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns
OAUTH_GAP = 60.0
PROVIDER_TOKEN_GAP = 20 * 60

#: The clock is cut into slots of 50 minutes, counted from 1970. A provider token is issued at the start of one and
#: serves to its end: younger than Apple's 60 minutes, with room for clocks that differ.
PROVIDER_TOKEN_SLOT = 50 * 60

#: Seconds by which the clock may be set back without a new provider token: one from the future is worse.
_SET_BACK = 60

_OAUTH_REASONS = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"})

#: What google-auth lets through, besides its own errors, when the answer is not what it expects.
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_VISIBLE = re.compile(r"[!-~]+")

#: As `post_blocking`.
Post = Callable[[str, Mapping[str, str], bytes, bytes | None], Response]


@dataclass(frozen=True, slots=True)
class Grant:
    """An OAuth credential as the `authorization` header that carries it, and its life in seconds."""

    header: str = field(repr=False)
    lifetime: float

    @classmethod
    def bearer(cls, credential: object, lifetime: float) -> Self:
        """What an OAuth server gave (RFC 6749, 5.1). Raises ValueError for what can't be a header or has no life."""
        if not isinstance(credential, str) or not _VISIBLE.fullmatch(credential):
            raise ValueError("the credential can't be a header")
        if not 0 < lifetime < math.inf:
            raise ValueError("the credential has no life")
        return cls(f"Bearer {credential}", lifetime)


class OAuthCredential:
    """Google's credential: asked for in a thread, once for everybody who waits for it.

    In the last five minutes of its life a new one is asked for in the background while the old one still
    serves, so only the very first message waits.

    Args:
        fetch: asks Google, blocking. May raise `TransportFailed`, google-auth's errors, and what Python
            raises for an answer that can't be read.
        time_limit: seconds for one renewal, Google's own repeats included.
    """

    def __init__(
        self,
        fetch: Callable[[], Grant],
        *,
        time_limit: float = RENEWAL_TIME_LIMIT,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._time_limit = time_limit
        self._monotonic = monotonic
        self._grant: Grant | None = None
        self._renew_at = self._unusable_at = 0.0
        self._failure: Outcome | None = None
        self._failed_until = 0.0
        self._renewal: asyncio.Task[str | Outcome] | None = None
        self._drops = AtMostOnce(OAUTH_GAP, monotonic)

    async def header(self) -> str | Outcome:
        """The `authorization` header, or what to answer because there is none (Retry, ChannelDown)."""
        now = self._monotonic()
        if self._grant is not None and now < self._unusable_at:
            if now >= self._renew_at:
                self._renewing()
            return self._grant.header
        if self._failure is not None and now < self._failed_until:
            return self._failure
        return await asyncio.shield(self._renewing())

    def refused(self, header: str) -> bool:
        """Google refused this header. True if the next `header()` is another one: a try is worth it."""
        if self._grant is None or self._grant.header != header:
            return True
        if not self._drops.allows():
            return False
        self._grant = None
        return True

    async def close(self) -> None:
        """Wait no longer for a renewal under way."""
        if self._renewal is not None:
            self._renewal.cancel()

    def _renewing(self) -> asyncio.Task[str | Outcome]:
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())
        return self._renewal

    async def _renew(self) -> str | Outcome:
        try:
            grant = await asyncio.wait_for(asyncio.to_thread(self._fetch), self._time_limit)
        except TimeoutError:
            return self._failed(Retry("oauth_timeout"))
        except TransportFailed as failure:
            kind = ChannelDown if failure.reason == "request" else Retry  # a token_uri that is none
            return self._failed(kind(f"oauth_{failure.reason}"))
        except GoogleAuthError as error:
            return self._failed(_oauth_outcome(error))
        except _UNREADABLE:
            return self._failed(Retry("oauth_unreadable_answer"))
        now = self._monotonic()
        self._grant, self._failure = grant, None
        self._renew_at = now + max(grant.lifetime - RENEW_BEFORE, grant.lifetime / 2)
        self._unusable_at = now + max(grant.lifetime - UNUSABLE_BEFORE, grant.lifetime / 2)
        log.info("a new OAuth credential is in use", extra={"channel": "fcm", "lifetime": grant.lifetime})
        return grant.header

    def _failed(self, outcome: Retry | ChannelDown) -> Outcome:
        """Remember the failure for a moment: otherwise every message would ask Google once more."""
        self._failure = outcome
        self._failed_until = self._renew_at = self._monotonic() + PAUSE_AFTER_FAILURE
        log.warning("no OAuth credential could be had", extra={"channel": "fcm", "reason": outcome.reason})
        return outcome


def google_fetch(
    certificate: Certificate, extra_roots: bytes | None, *, post: Post = post_blocking
) -> Callable[[], Grant]:
    """How `OAuthCredential` asks Google for the service account of `certificate`.

    google-auth signs and reads the answer; the bytes go by `post` and not by its `requests`
    transport, so that they obey the same rules as pushes do: the extra roots are trusted besides the usual
    ones and not instead of them, the environment's proxies play no part, and there is a time limit.
    """

    def fetch() -> Grant:
        answer = b""

        def request(url: str, method: str, headers: Mapping[str, str], body: bytes, **_: object) -> Response:
            nonlocal answer
            response = post(url, headers, body, extra_roots)
            answer = response.body
            return response

        # A copy for each renewal: a thread that was given up on must not write into the next one's object.
        credential = certificate.get_credential().with_scopes([FCM_SCOPE])
        credential.refresh(request)
        # Read again, because google-auth tells only the moment of expiry, by a clock that is not ours.
        return Grant.bearer(credential.token, float(json.loads(answer)["expires_in"]))

    return fetch


def _oauth_outcome(error: Any) -> Retry | ChannelDown:
    """google-auth's text can quote the answer, so only the OAuth error code (RFC 6749, 5.2) is taken over."""
    if getattr(error, "retryable", False):
        return Retry("oauth_unavailable")
    answer = error.args[1] if len(error.args) > 1 else None
    code = answer.get("error") if isinstance(answer, dict) else None
    return ChannelDown(f"oauth_{code}" if isinstance(code, str) and code in _OAUTH_REASONS else "oauth_refused")


class ProviderToken(TokenCredentials):  # type: ignore[misc]  # apns2 brings no types
    """Apple's provider token: an ES256 JWT, the same in every process of the team.

    It is issued at the start of the clock's 50-minute slot and signed with the nonces of RFC 6979, so processes
    that share nothing but the key sign the same bytes, and change them at the same moment. Only where Apple
    calls that one expired does a process sign one of its own, until the slots can be followed again.

    Signing takes well under a millisecond, so it is done on the spot, under a lock.

    Args:
        key: the `.p8` file: PEM with an EC P-256 private key. OSError if it can't be read, ValueError if it
            is something else.
    """

    def __init__(self, key: Path, key_id: str, team_id: str, *, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__(str(key), key_id, team_id, token_lifetime=PROVIDER_TOKEN_SLOT)
        signing_key = load_pem_private_key(self._get_signing_key(str(key)).encode(), password=None)
        if not isinstance(signing_key, EllipticCurvePrivateKey) or not isinstance(signing_key.curve, SECP256R1):
            raise ValueError("The signing key is no EC P-256 private key.")
        self._signing_key = signing_key
        self._algorithm = _signature_algorithm(signing_key)
        self._jose_header = _base64url_json({"alg": "ES256", "kid": key_id, "typ": "JWT"})
        self._team_id = team_id
        self._value: str | None = None
        self._header = ""
        self._issued_at = 0
        self._valid_until = 0
        self._drops = AtMostOnce(PROVIDER_TOKEN_GAP, monotonic)
        self._warnings = AtMostOnce(PROVIDER_TOKEN_GAP, monotonic)
        self._lock = threading.Lock()

    def header(self) -> str:
        """The `authorization` header."""
        if self._issued_at <= clock.now().timestamp() < self._valid_until:
            return self._header
        with self._lock:
            return self._current()

    def refused(self, header: str) -> bool:
        """Apple called this header expired. True if another try is worth it.

        One that is older than Apple's 20 minutes is replaced. A younger one may not be, and is tried once
        more as it is: if Apple's servers agree about it, the clock of this machine is wrong.
        """
        with self._lock:
            if self._current() != header:
                return True
            if not self._drops.allows():
                return False
            now = int(clock.now().timestamp())
            if now - self._issued_at >= PROVIDER_TOKEN_GAP:
                self._issue(now, now)
                log.warning("Apple refused the provider token as expired: it is replaced", extra={"channel": "apns"})
            return True

    def hold(self) -> None:
        """Apple saw too many of them: replace none for the next 20 minutes, whatever it says."""
        with self._lock:
            self._drops.start()
            if self._warnings.allows():
                log.warning(
                    "Apple saw too many provider tokens: another sender may use this team's key, or a clock is wrong",
                    extra={"channel": "apns"},
                )

    def _get_or_create_topic_token(self) -> str:
        """apns2's hook, in place of its own, which writes `iat` with a fraction and takes a nonce by chance."""
        now = int(clock.now().timestamp())
        if self._value is not None and self._issued_at - _SET_BACK <= now < self._valid_until:
            return self._value
        start = now - now % PROVIDER_TOKEN_SLOT
        follows = self._value is not None and self._issued_at - _SET_BACK <= now
        # One that was issued in between may be less than 20 minutes older than the slot.
        return self._issue(now if follows and start - self._issued_at < PROVIDER_TOKEN_GAP else start, now)

    def _current(self) -> str:
        return str(self.get_authorization_header(None))

    def _issue(self, issued_at: int, now: int) -> str:
        """Sign a new one, which serves to the end of the slot; or for 20 minutes, where the end is nearer."""
        end_of_slot = now - now % PROVIDER_TOKEN_SLOT + PROVIDER_TOKEN_SLOT
        claims = _base64url_json({"iss": self._team_id, "iat": issued_at})
        signature = self._sign(f"{self._jose_header}.{claims}")
        self._value = f"{self._jose_header}.{claims}.{signature}"
        self._header = f"bearer {self._value}"
        self._issued_at = issued_at
        self._valid_until = max(end_of_slot, issued_at + PROVIDER_TOKEN_GAP)
        return self._value

    def _sign(self, signed: str) -> str:
        r, s = decode_dss_signature(self._signing_key.sign(signed.encode("ascii"), self._algorithm))
        return _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _signature_algorithm(key: EllipticCurvePrivateKey) -> ECDSA:
    """ECDSA with the nonces of RFC 6979, where the OpenSSL below `cryptography` has them (3.2 and newer)."""
    try:
        algorithm = ECDSA(SHA256(), deterministic_signing=True)
        key.sign(b"", algorithm)
    except UnsupportedAlgorithm:
        log.warning(
            "this OpenSSL can't sign deterministically: each process has a provider token of its own, of the same age",
            extra={"channel": "apns"},
        )
        return ECDSA(SHA256())
    return algorithm


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _base64url_json(value: Mapping[str, str | int]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())
