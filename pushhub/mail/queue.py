"""The queue of letters: claimed with a lease, their outcomes written a batch at a time, content erased when final."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.contract import Outcome
from pushhub.context import hub
from pushhub.kernel import clock
from pushhub.kernel.db import reading, skip_locked, transaction
from pushhub.kernel.errors import ConfigurationError
from pushhub.mail.content import Content
from pushhub.mail.models import Letter, letter_context
from pushhub.mail.rules import FINAL, WAITING, LetterStatus, after_try

log = logging.getLogger(__name__)

#: How long a claimed letter belongs to its postman: much longer than a try.
LEASE = timedelta(seconds=60)
#: How long it stays known that there was a letter, and what became of it.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One letter that a postman holds."""

    id: UUID
    kind: str
    tries: int
    valid_until: datetime
    #: None where it can't be read (a sealing key is missing).
    content: Content | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try."""

    claimed: Claimed
    outcome: Outcome


def claim(owner: UUID, limit: int) -> list[Claimed]:
    """Take due letters for `owner`, the longest due first."""
    now = clock.now()
    due = (_is(*WAITING), Letter.claimable_at <= now, Letter.valid_until > now)
    with reading() as session:  # letters are few, and a look at an empty queue is no write
        if session.scalar(sa.select(Letter.id).where(*due).limit(1)) is None:
            return []
    picked = skip_locked(sa.select(Letter.id).where(*due).order_by(Letter.claimable_at).limit(limit)).cte("picked")
    with transaction() as session:
        rows = session.execute(
            sa.update(Letter)
            .where(Letter.id == picked.c.id)
            .values(
                status=LetterStatus.SENDING,
                claimable_at=now + LEASE,
                lease_owner=owner,
                tries=Letter.tries + 1,
                changed_at=now,
            )
            .returning(Letter.id, Letter.kind, Letter.tries, Letter.valid_until, Letter.sealed)
            .execution_options(synchronize_session=False)
        ).all()
    return [Claimed(row.id, row.kind, row.tries, row.valid_until, _content(row.id, row.sealed)) for row in rows]


def complete(owner: UUID, tried: Sequence[Tried]) -> None:
    """Write the outcomes of some tries. A letter whose lease ran out belongs to somebody else by now and is left
    alone."""
    now = clock.now()
    with transaction() as session:
        for entry in tried:
            claimed = entry.claimed
            step = after_try(
                entry.outcome, tries=claimed.tries, now=now, valid_until=claimed.valid_until, jitter=random.random
            )
            final: dict[str, Any] = {"sealed": b""} if step.status in FINAL else {}
            session.execute(
                sa.update(Letter)
                .where(
                    Letter.id == claimed.id,
                    Letter.tries == claimed.tries,
                    Letter.lease_owner == owner,
                    Letter.status == LetterStatus.SENDING,
                )
                .values(
                    status=step.status,
                    claimable_at=step.due or now,
                    lease_owner=None,
                    error=step.error,
                    sent_at=now if step.status is LetterStatus.SENT else None,
                    changed_at=now,
                    **final,
                )
                .execution_options(synchronize_session=False)
            )
    for entry in tried:
        extra = {"letter_id": str(entry.claimed.id), "kind": entry.claimed.kind, "try": entry.claimed.tries}
        log.info("letter tried", extra=extra | {"outcome": type(entry.outcome).__name__})


def _content(letter_id: UUID, sealed: bytes) -> Content | None:
    try:
        return Content.from_json(hub().keyring.unseal(sealed, letter_context(letter_id)))
    except (ConfigurationError, ValueError):
        return None


def _is(*statuses: LetterStatus) -> sa.ColumnElement[bool]:
    """Written out and not bound: only so a planner sees that the partial index fits."""
    return Letter.status.in_([sa.literal_column(f"'{status}'") for status in statuses])


@dataclass(frozen=True, slots=True)
class Counts:
    """How many letters wait, and how many were given up in the last 30 days."""

    waiting: int
    failed: int


def counts() -> Counts:
    """What `/metrics` tells of the queue."""
    with reading() as session:
        return Counts(
            *(
                session.scalar(sa.select(sa.func.count()).select_from(Letter).where(which)) or 0
                for which in (_is(*WAITING), _is(LetterStatus.FAILED, LetterStatus.EXPIRED))
            )
        )


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, for `pushhub doctor`."""

    waiting: int
    #: When the oldest of them was written, and what its last try met.
    since: datetime | None
    error: str | None


def backlog() -> Backlog:
    """What waits, and since when. Of several that are the oldest, one that was tried tells what it met."""
    with reading() as session:
        waiting = session.scalar(sa.select(sa.func.count()).select_from(Letter).where(_is(*WAITING))) or 0
        oldest = session.execute(
            sa.select(Letter.created_at, Letter.error)
            .where(_is(*WAITING))
            .order_by(Letter.created_at, Letter.error.is_(None))
            .limit(1)
        ).first()
    return Backlog(waiting, *(oldest or (None, None)))


def sweep(session: Session) -> None:
    """Give up letters whose time has run out, and forget those that were final long ago."""
    now = clock.now()
    idle = sa.or_(_is(LetterStatus.QUEUED), Letter.claimable_at <= now)
    session.execute(
        sa.update(Letter)
        .where(_is(*WAITING), idle, Letter.valid_until <= now)
        .values(status=LetterStatus.EXPIRED, sealed=b"", lease_owner=None, changed_at=now)
        .execution_options(synchronize_session=False)
    )
    old = sa.select(Letter.id).where(_is(*FINAL), Letter.changed_at < now - KEPT).limit(1000)
    session.execute(sa.delete(Letter).where(Letter.id.in_(old)).execution_options(synchronize_session=False))
