"""Values of HTTP as others write them, read without trusting them: hosts, JSON objects, and `Retry-After`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

HTTPS_PORT = 443
_HOST = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>[0-9]{1,5}))?(/[!$-\[\]-~]*)?")
#: More digits than that are no number of seconds that anybody means.
_MOST_DIGITS = 9


def host_and_port(entry: str) -> tuple[str, int]:
    """Host and port in `host`, `host:port` or `[address]:port`, 443 where none is named. Raises ValueError."""
    found = _HOST.fullmatch(entry.lower())
    if found is None or not 0 < int(found["port"] or HTTPS_PORT) < 65536:
        raise ValueError("is no host")
    return found["host"], int(found["port"] or HTTPS_PORT)


def json_object(body: bytes, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any] | None:
    """The JSON object in `body`; None where there is none to be read: not JSON, no UTF, or nested without end."""
    try:
        document = json.loads(body.decode(json.detect_encoding(body)), parse_float=parse_float)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def retry_after(value: str, now: datetime, *, longest: timedelta | None = None) -> timedelta | None:
    """What `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date), as a wait from now; None for anything else.

    A number of seconds counts up to `longest`; without that, one that is too large to be meant is none.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        if longest is not None:
            return min(timedelta(seconds=int(value[:_MOST_DIGITS])), longest)
        return timedelta(seconds=int(value)) if len(value) <= _MOST_DIGITS else None
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None and value.endswith("-0000"):  # UTC by RFC 5322, and naive by Python
            moment = moment.replace(tzinfo=UTC)
        return max(moment - now, timedelta())
    except (ValueError, TypeError, LookupError, OverflowError):  # TypeError: a date without a zone
        return None
