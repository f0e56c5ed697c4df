"""How fast one API key may call (`pushhub.kernel.quotas`). Told in `RateLimit-Policy` and `RateLimit`
(draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, g

from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.errors import TooManyRequests
from pushhub.products.products import Caller


def spend(caller: Caller) -> None:
    """Count one request. Raises `TooManyRequests` with `retry_at`."""
    spend_of("requests", caller.policy.requests_per_minute, str(caller.key_id))


def spend_lookup(caller: Caller) -> None:
    """Count one look-up of a number. Raises `TooManyRequests` with `retry_at`."""
    per_minute = min(current().quotas.lookups, caller.policy.requests_per_minute)
    spend_of("lookups", per_minute, str(caller.key_id))


def spend_of(name: str, per_minute: int, subject: str) -> None:
    """Count one of what `subject` may do so often a minute. Raises `TooManyRequests` with `retry_at`."""
    used, left = current().quotas.minute.count(name, subject)
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
