"""Dispatchers know of each other by the sign of life that each of them writes every few seconds."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.models import DispatcherBeat
from pushhub.kernel import clock
from pushhub.kernel.db import insert, transaction
from pushhub.kernel.ids import new_key

_SEEN_LATELY = timedelta(seconds=12)
_KEPT = timedelta(days=1)


class Presence:
    """One dispatcher among those of an installation. `owner` is the name on its leases."""

    def __init__(self) -> None:
        self.owner = new_key()
        #: Whether no other dispatcher is at work.
        self.alone = True

    def beat(self) -> None:
        """Say that this dispatcher is at work, and see whether others are."""
        now = clock.now()
        statement = insert(DispatcherBeat).values(owner=self.owner, seen_at=now)
        others = sa.select(DispatcherBeat.owner).where(
            DispatcherBeat.owner != self.owner, DispatcherBeat.seen_at > now - _SEEN_LATELY
        )
        with transaction() as session:
            session.execute(statement.on_conflict_do_update(index_elements=["owner"], set_={"seen_at": now}))
            self.alone = session.scalar(others.limit(1)) is None


def sweep(session: Session) -> None:
    """Forget dispatchers that are gone."""
    session.execute(sa.delete(DispatcherBeat).where(DispatcherBeat.seen_at < clock.now() - _KEPT))
