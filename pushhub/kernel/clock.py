"""The one source of time. Everything that needs to know what time it is asks `clock.now()`.

Tests and rehearsals put another source in its place with `use()`; nothing else in the project reads the
system clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def _system_time() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system_time


def now() -> datetime:
    """The current time, aware, in UTC."""
    return _source()


@contextmanager
def use(source: Callable[[], datetime]) -> Iterator[None]:
    """Let `source` tell the time inside the block, for every thread of the process."""
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before


def rfc3339(moment: datetime) -> str:
    """`2026-11-21T09:30:00.250Z`: the form in which every time leaves the service (RFC 3339, milliseconds)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wall_clock(moment: datetime, zone: ZoneInfo, city: str, *, dated: bool = False) -> str:
    """`16:26 (Astana, UTC+5)`: a time for people who may be elsewhere when they read it. `dated`: with the day, as it
    stands in the header of the pages."""
    local = moment.astimezone(zone)
    ahead = local.utcoffset() or timedelta()
    minutes = round(abs(ahead) / timedelta(minutes=1))
    offset = f"{'-' if ahead < timedelta() else '+'}{minutes // 60}" + (f":{minutes % 60:02}" if minutes % 60 else "")
    return f"{local:{'%Y.%m.%d %H:%M' if dated else '%H:%M'}} ({city}, UTC{offset if minutes else ''})"
