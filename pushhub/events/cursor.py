"""Reading the events in their order, for products that ask instead of being told."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from pushhub.events.models import Event
from pushhub.kernel.db import reading
from pushhub.kernel.errors import CursorMalformed

#: Stands in front of the place in a cursor, so that another kind of cursor can come.
_KIND = "e1:"
_LARGEST_PLACE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, oldest first, and from where to go on."""

    events: Sequence[Event]
    next: str


def events_after(product_id: UUID, cursor: str | None, limit: int, *, live: bool) -> Page:
    """The product's events, of live or of test keys, behind `cursor`, at most `limit`; without a cursor from the
    oldest one that there is.

    Raises `CursorMalformed`.
    """
    after = _place(cursor) if cursor else 0
    with reading() as session:
        found = session.scalars(
            sa.select(Event)
            .where(Event.product_id == product_id, Event.live == live, Event.sequence > after)
            .order_by(Event.sequence)
            .limit(limit)
        ).all()
    return Page(found, _cursor(found[-1].sequence or after if found else after))


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"{_KIND}{place}".encode()).decode().rstrip("=")


def _place(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise CursorMalformed from None
    digits = text.removeprefix(_KIND)
    place = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else _LARGEST_PLACE + 1
    # Only what we write ourselves is read: one place, one cursor.
    if place > _LARGEST_PLACE or _cursor(place) != cursor:
        raise CursorMalformed
    return place
