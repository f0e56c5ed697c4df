"""How fast one API key may call. It protects the service's capacity, not a person, so it is counted in the
memory of each process (fixed windows of a minute) and costs no database write. Told in `RateLimit-Policy` and
`RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from datetime import timedelta

from flask import Response, g

from pushhub import clock
from pushhub.errors import TooManyRequests
from pushhub.products.service import Caller

#: Look-ups of numbers are an oracle for who has the app, so they have a smaller quota of their own.
LOOKUPS_PER_MINUTE = 60
_WINDOW_SECONDS = 60.0


class _Minute:
    """The counts of the current minute. All begin anew together, so nothing has to be cleaned up."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str, subject: str) -> tuple[int, int]:
        """Count one; how many there are now, and in how many seconds the minute ends."""
        now = time.monotonic()
        with self._lock:
            if now >= self._ends:
                self._ends = now + _WINDOW_SECONDS
                self._counts.clear()
            self._counts[name, subject] += 1
            return self._counts[name, subject], max(1, math.ceil(self._ends - now))


_minute = _Minute()


def spend(caller: Caller) -> None:
    """Count one request. Raises `TooManyRequests` with `retry_at`."""
    _spend("requests", caller.policy.requests_per_minute, caller)


def spend_lookup(caller: Caller) -> None:
    """Count one look-up of a number. Raises `TooManyRequests` with `retry_at`."""
    _spend("lookups", min(LOOKUPS_PER_MINUTE, caller.policy.requests_per_minute), caller)


def _spend(name: str, per_minute: int, caller: Caller) -> None:
    spend_of(name, per_minute, str(caller.key_id))


def spend_of(name: str, per_minute: int, subject: str) -> None:
    """Count one of what `subject` may do so often a minute. Raises `TooManyRequests` with `retry_at`."""
    used, left = _minute.count(name, subject)
    g.quota = (name, per_minute, max(0, per_minute - used), left)
    if used > per_minute:
        raise TooManyRequests(retry_at=clock.now() + timedelta(seconds=left), quota=name)


def tell(response: Response) -> Response:
    """Add the quota's headers to an answer."""
    if "quota" in g:
        name, per_minute, remaining, left = g.quota
        response.headers["RateLimit-Policy"] = f'"{name}";q={per_minute};w=60'
        response.headers["RateLimit"] = f'"{name}";r={remaining};t={left}'
    return response
