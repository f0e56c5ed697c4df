"""What happened, for the people who must be able to tell later: one row for each change of state, written in
the transaction that made the change. No row holds a code, a password, a push target or a full number."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.events.models import Event, Tag
from pushhub.kernel import clock
from pushhub.kernel.ids import new_key


def record(
    session: Session, tag: Tag, subject_id: UUID, product_id: UUID | None, *, live: bool = True, **data: Any
) -> None:
    """Write one event in the caller's transaction."""
    session.execute(sa.insert(Event), [event_row(tag, subject_id, product_id, live=live, **data)])


def event_row(tag: Tag, subject_id: UUID, product_id: UUID | None, *, live: bool = True, **data: Any) -> dict[str, Any]:
    """One event as a row, for those who write many in one statement."""
    return {
        "id": new_key(),
        "product_id": product_id,
        "live": live,
        "tag": tag,
        "subject_id": subject_id,
        "data": data,
        "at": clock.now(),
    }
