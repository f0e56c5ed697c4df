"""Gives events their place in one order, and tells readers in the same transaction what is new.

Why nobody who reads in this order misses an event:

1. The database gives `position` at the INSERT. A change that follows from another one (a check after the code was
   asked for) is made by a transaction that has seen the other's commit, so its event has the higher position and
   is never visible without the earlier one. Of two events of one verification the order by position is the order
   in which they happened.
2. Positions of transactions that have nothing to do with each other say nothing about who commits first: position
   8 may be visible while 7 is still being written. A reader who goes by position would pass 7 and never see it.
3. So readers go by `sequence`. It is given only to events that are committed, by one relay at a time (it holds the
   row of the counter until its own commit), in order of position, without a gap. When a number is visible, all
   smaller ones have been visible before or are with it: whoever has read up to number n has not missed a smaller
   one. The late 7 gets its number in the next round, behind the 8, and in front of everything that follows from it.

The counter only grows: a number is not given again after the newest events were deleted.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.events.models import Event, EventCounter
from pushhub.kernel.db import insert, reading, skip_locked, transaction

_ONLY_ROW = 1
#: Told of the new events in the transaction that numbers them: those whose number is over the first and up to the
#: second.
Reader = Callable[[Session, int, int], None]


def relay_events(reader: Reader, limit: int = 1000) -> int:
    """Number at most `limit` committed events that have no number, and let `reader` see them, in one transaction.
    Returns how many were numbered: 0 also where another process is at it at this moment."""
    with reading() as session:  # most of the time there is nothing to do, and that costs no write
        if session.scalar(sa.select(Event.position).where(Event.sequence.is_(None)).limit(1)) is None:
            return 0
    with transaction() as session:
        last = _held_counter(session)
        if last is None:
            return 0
        numbered = _number(session, last, limit)
        if numbered:
            session.execute(sa.update(EventCounter).values(last=last + numbered))
            reader(session, last, last + numbered)
        return numbered


def _held_counter(session: Session) -> int | None:
    """The last number that was given, held until the end of the transaction; None where another relay holds it."""
    last: int | None = session.scalar(skip_locked(sa.select(EventCounter.last)))
    if last is None:
        first = insert(EventCounter).values(id=_ONLY_ROW, last=0).on_conflict_do_nothing()
        last = session.scalar(first.returning(EventCounter.last))
    return last


def _number(session: Session, last: int, limit: int) -> int:
    waiting = sa.select(Event.position).where(Event.sequence.is_(None)).order_by(Event.position).limit(limit).subquery()
    placed = sa.select(
        waiting.c.position, sa.func.row_number().over(order_by=waiting.c.position).label("place")
    ).subquery()
    result = session.execute(
        sa.update(Event)
        .where(Event.position == placed.c.position)
        .values(sequence=last + placed.c.place)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has one
