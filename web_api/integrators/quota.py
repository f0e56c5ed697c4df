"""How fast one API key may call. It protects the service's capacity, not a person, so it is counted in the
memory of each process (`limits`, fixed windows) and costs no database write. Told in `RateLimit-Policy` and
`RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, g
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from pushhub import clock
from pushhub.errors import TooManyRequests
from pushhub.products.service import Caller

#: Look-ups of numbers are an oracle for who has the app, so they have a smaller quota of their own.
LOOKUPS_PER_MINUTE = 60
_limiter = FixedWindowRateLimiter(MemoryStorage())


def spend(caller: Caller) -> None:
    """Count one request. Raises `TooManyRequests` with `retry_at`."""
    _spend("requests", caller.policy.requests_per_minute, caller)


def spend_lookup(caller: Caller) -> None:
    """Count one look-up of a number. Raises `TooManyRequests` with `retry_at`."""
    _spend("lookups", min(LOOKUPS_PER_MINUTE, caller.policy.requests_per_minute), caller)


def _spend(name: str, per_minute: int, caller: Caller) -> None:
    item, subject = RateLimitItemPerMinute(per_minute), str(caller.key_id)
    allowed = _limiter.hit(item, name, subject)
    window = _limiter.get_window_stats(item, name, subject)
    # `limits` keeps its own time; only the seconds that are left count, added to our clock.
    left = max(1, round(window.reset_time - datetime.now(UTC).timestamp()))
    g.quota = (name, per_minute, window.remaining, left)
    if not allowed:
        raise TooManyRequests(retry_at=_in_seconds(left), quota=name)


def _in_seconds(seconds: int) -> datetime:
    return datetime.fromtimestamp(clock.now().timestamp() + seconds, UTC)


def tell(response: Response) -> Response:
    """Add the quota's headers to an answer."""
    if "quota" in g:
        name, per_minute, remaining, left = g.quota
        response.headers["RateLimit-Policy"] = f'"{name}";q={per_minute};w=60'
        response.headers["RateLimit"] = f'"{name}";r={remaining};t={left}'
    return response
