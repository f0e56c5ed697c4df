"""What happened, for the people who must be able to tell later: one row for each change of state, written in
the transaction that made the change. No row holds a code, a password, a push target or a full number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.events.models import Event, Tag
from pushhub.kernel import clock
from pushhub.kernel.db import NewRow
from pushhub.kernel.ids import new_key


@dataclass(frozen=True, slots=True)
class NewEvent(NewRow):
    """An event that is to be written."""

    model = Event
    id: UUID
    product_id: UUID | None
    live: bool
    tag: Tag
    subject_id: UUID
    #: What is told of it, by name.
    data: Mapping[str, object]
    at: datetime


def new_event(tag: Tag, subject_id: UUID, product_id: UUID | None, *, live: bool = True, **data: object) -> NewEvent:
    """An event of this moment, for those who write it together with other rows."""
    return NewEvent(new_key(), product_id, live, tag, subject_id, data, clock.now())


def record(
    session: Session, tag: Tag, subject_id: UUID, product_id: UUID | None, *, live: bool = True, **data: object
) -> None:
    """Write one event in the caller's transaction."""
    record_all(session, [new_event(tag, subject_id, product_id, live=live, **data)])


def record_all(session: Session, events: Sequence[NewEvent]) -> None:
    """Write some in the caller's transaction."""
    if events:
        session.execute(sa.insert(Event), [event.values() for event in events])
