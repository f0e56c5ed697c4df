"""What we show to the providers to prove who we are: Google's OAuth credential and Apple's provider token.

Both are shared by every message of a channel, made anew before they run out, and thrown away when a
provider refuses them. How often one may be thrown away is limited: when the fresh one is refused as well,
making more of them can't help, and Apple punishes it (TooManyProviderTokenUpdates).
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apns2.credentials import TokenCredentials
from firebase_admin.credentials import Certificate
from google.auth.exceptions import GoogleAuthError
from joserfc import jwt
from joserfc.jwk import ECKey

from pushhub import clock
from pushhub.channels.contract import ChannelDown, Outcome, Retry
from pushhub.channels.transport import TransportFailed, post_blocking

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
PROVIDER_TOKEN_GAP = 20 * 60.0
PROVIDER_TOKEN_LIFETIME = 50 * 60

_OAUTH_REASONS = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"})

#: What google-auth lets through, besides its own errors, when the answer is not what it expects.
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_VISIBLE = re.compile(r"[!-~]+")

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Grant:
    """An OAuth credential as the `authorization` header that carries it, and its life in seconds."""

    header: str = field(repr=False)
    lifetime: float


class OAuthCredential:
    """Google's credential: asked for in a thread, once for everybody who waits for it.

    In the last five minutes of its life a new one is asked for in the background while the old one still
    serves, so only the very first message waits.

    Args:
        fetch: asks Google, blocking. May raise `TransportFailed`, google-auth's errors, and what Python
            raises for an answer that can't be read.
    """

    def __init__(self, fetch: Callable[[], Grant], *, monotonic: Monotonic = time.monotonic) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._grant: Grant | None = None
        self._renew_at = self._unusable_at = 0.0
        self._failure: Outcome | None = None
        self._failed_until = 0.0
        self._renewal: asyncio.Task[str | Outcome] | None = None
        self._drops = _Limit(OAUTH_GAP, monotonic)

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
            grant = await asyncio.wait_for(asyncio.to_thread(self._fetch), RENEWAL_TIME_LIMIT)
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


def google_fetch(certificate: Certificate, extra_roots: bytes | None) -> Callable[[], Grant]:
    """How `OAuthCredential` asks Google for the service account of `certificate`.

    google-auth signs and reads the answer; the bytes go by `post_blocking` and not by its `requests`
    transport, so that they obey the same rules as pushes do: the extra roots are trusted besides the usual
    ones and not instead of them, the environment's proxies play no part, and there is a time limit.
    """

    def fetch() -> Grant:
        answer = b""

        def request(url: str, method: str, headers: Mapping[str, str], body: bytes, **_: object) -> _GoogleResponse:
            nonlocal answer
            response = post_blocking(url, headers, body, extra_roots)
            answer = response.body
            return _GoogleResponse(response.status, response.headers, response.body)

        # A copy for each renewal: a thread that was given up on must not write into the next one's object.
        credential = certificate.get_credential().with_scopes([FCM_SCOPE])
        credential.refresh(request)
        if not isinstance(credential.token, str) or not _VISIBLE.fullmatch(credential.token):
            raise ValueError("the credential can't be a header")
        # Read again, because google-auth tells only the moment of expiry, by a clock that is not ours.
        lifetime = float(json.loads(answer)["expires_in"])
        if not 0 < lifetime < math.inf:
            raise ValueError("the credential has no life")
        return Grant(f"Bearer {credential.token}", lifetime)

    return fetch


@dataclass(frozen=True, slots=True)
class _GoogleResponse:
    """A response under the names that google-auth looks for (`google.auth.transport.Response`)."""

    status: int
    headers: Mapping[str, str]
    data: bytes = field(repr=False)


def _oauth_outcome(error: Any) -> Retry | ChannelDown:
    """google-auth's text can quote the answer, so only the OAuth error code (RFC 6749, 5.2) is taken over."""
    if getattr(error, "retryable", False):
        return Retry("oauth_unavailable")
    answer = error.args[1] if len(error.args) > 1 else None
    code = answer.get("error") if isinstance(answer, dict) else None
    return ChannelDown(f"oauth_{code}" if isinstance(code, str) and code in _OAUTH_REASONS else "oauth_refused")


class ProviderToken(TokenCredentials):  # type: ignore[misc]  # apns2 brings no types
    """Apple's provider token: an ES256 JWT, 50 minutes old at most, shared by all connections of the team.

    Signing takes well under a millisecond, so it is done on the spot, under a lock.

    Args:
        key: the `.p8` file: PEM with an EC P-256 private key. OSError if it can't be read, ValueError if it
            is something else.
    """

    def __init__(self, key: Path, key_id: str, team_id: str, *, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__(str(key), key_id, team_id, token_lifetime=PROVIDER_TOKEN_LIFETIME)
        self._signing_key = ECKey.import_key(self._get_signing_key(str(key)))
        self._jose_header = {"alg": "ES256", "kid": key_id}
        self._team_id = team_id
        self._value: str | None = None
        self._issued_at = 0
        self._drops = _Limit(PROVIDER_TOKEN_GAP, monotonic)
        self._lock = threading.Lock()

    def header(self) -> str:
        """The `authorization` header."""
        with self._lock:
            return str(self.get_authorization_header(None))

    def refused(self, header: str) -> bool:
        """Apple called this header expired. True if another try is worth it.

        One that is older than Apple's 20 minutes is replaced. A younger one may not be, and is tried once
        more as it is: if Apple's servers agree about it, the clock of this machine is wrong.
        """
        with self._lock:
            if self.get_authorization_header(None) != header:
                return True
            if not self._drops.allows():
                return False
            if self._age() >= PROVIDER_TOKEN_GAP:
                self._value = None
                log.info("the provider token is replaced", extra={"channel": "apns"})
            return True

    def hold(self) -> None:
        """Apple saw too many of them: replace none for the next 20 minutes."""
        with self._lock:
            self._drops.start()

    def _age(self) -> float:
        return clock.now().timestamp() - self._issued_at

    def _get_or_create_topic_token(self) -> str:
        """Instead of apns2's, which writes `iat` with a fraction where Apple documents whole seconds.

        An age below zero means that the clock was set back, and the JWT lies in the future.
        """
        if self._value is None or not 0 <= self._age() < PROVIDER_TOKEN_LIFETIME:
            self._issued_at = int(clock.now().timestamp())
            claims = {"iss": self._team_id, "iat": self._issued_at}
            self._value = jwt.encode(self._jose_header, claims, self._signing_key)
        return self._value


class _Limit:
    """Lets something happen at most once in `gap` seconds."""

    def __init__(self, gap: float, monotonic: Monotonic) -> None:
        self._gap = gap
        self._monotonic = monotonic
        self._last: float | None = None

    def allows(self) -> bool:
        now = self._monotonic()
        if self._last is not None and now - self._last < self._gap:
            return False
        self.start()
        return True

    def start(self) -> None:
        """Let the gap begin now."""
        self._last = self._monotonic()
