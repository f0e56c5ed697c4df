"""Apple's rules for provider tokens (JWT): "Establishing a token-based connection to APNs"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from simulators.wire import Peer

#: A provider token lives for an hour and may be renewed every 20 minutes, not more often.
TOKEN_LIFE = 3600
TOKEN_RENEWAL = 20 * 60
#: How far in the future `iat` may be: clocks differ a little.
_CLOCK_SKEW = 60
_CACHE_SIZE = 256


@dataclass(slots=True)
class _Session:
    """What Apple remembers of one connection: the key it was opened with and the token in use."""

    key_id: str
    jwt: str
    issued_at: int


class ProviderTokens:
    """Checks the `authorization` header of every request on the connections of one APNs host."""

    def __init__(self, public_key: bytes, key_id: str, team_id: str, clock: Callable[[], float]) -> None:
        self._key = ECKey.import_key(public_key)
        self._key_id = key_id
        self._team_id = team_id
        self._clock = clock
        self._sessions: WeakKeyDictionary[Peer, _Session] = WeakKeyDictionary()
        # JWT -> iat of those whose signature is good: verifying one costs more than the whole request.
        self._verified: dict[str, int] = {}

    def refusal(self, connection: Peer, value: str) -> str | None:
        """The `reason` to refuse with, or None if the token is good for this connection.

        MissingProviderToken, InvalidProviderToken (signature, algorithm, kid, iss, iat missing or in the
        future), ExpiredProviderToken (iat more than an hour ago), UnrelatedKeyIdInToken (other key than the
        connection's first), TooManyProviderTokenUpdates (a token less than 20 minutes newer than the one in
        use on this connection).
        """
        if not value:
            return "MissingProviderToken"
        session = self._sessions.get(connection)
        issued_at = self._verified.get(value)
        if issued_at is None:
            key_id = _key_id(value)
            if session is not None and key_id is not None and key_id != session.key_id:
                return "UnrelatedKeyIdInToken"
            issued_at = self._verify(value) if key_id == self._key_id else None
            if issued_at is None:
                return "InvalidProviderToken"
        age = self._clock() - issued_at
        if age > TOKEN_LIFE:
            return "ExpiredProviderToken"
        if age < -_CLOCK_SKEW:
            return "InvalidProviderToken"
        return self._remember(connection, session, value, issued_at)

    def _remember(self, connection: Peer, session: _Session | None, value: str, issued_at: int) -> str | None:
        if session is None:
            self._sessions[connection] = _Session(self._key_id, value, issued_at)
        elif session.jwt != value:
            if issued_at - session.issued_at < TOKEN_RENEWAL:
                return "TooManyProviderTokenUpdates"
            session.jwt, session.issued_at = value, issued_at
        return None

    def _verify(self, value: str) -> int | None:
        """`iat` of a token with a good signature of ours, else None."""
        try:
            claims = jwt.decode(value, self._key, algorithms=["ES256"]).claims
        except (JoseError, ValueError):
            return None
        issued_at = claims.get("iat")
        if claims.get("iss") != self._team_id or type(issued_at) is not int:
            return None
        if len(self._verified) >= _CACHE_SIZE:
            self._verified.clear()
        self._verified[value] = issued_at
        return issued_at


def _key_id(value: str) -> str | None:
    try:
        key_id = jws.extract_compact(value.encode()).headers().get("kid")
    except (JoseError, ValueError):
        return None
    return key_id if isinstance(key_id, str) else None
