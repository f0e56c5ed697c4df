"""The queue of letters: they are written into it, what waits is claimed with a lease by a dispatcher
(`pushhub.mail.worker`), and the content of what is final is erased."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.contract import Outcome
from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.db import reading, table_of, transaction
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.ids import new_key
from pushhub.mail.content import Content
from pushhub.mail.models import Letter, letter_context
from pushhub.mail.rules import FINAL, LetterStatus, after_try
from pushhub.queueing.lease_queue import Counts, Lease, LeaseQueue
from pushhub.queueing.wake import wake_after_commit
from pushhub.queueing.worker import AttemptResult

log = logging.getLogger(__name__)

#: Under this name dispatchers are woken when there are letters.
LETTERS = "letters"
#: How long it stays known that there was a letter, and what became of it.
KEPT = timedelta(days=30)
_columns = table_of(Letter).c


def _when_final(new: Mapping[str, sa.ColumnElement[object]]) -> dict[str, object]:
    """The content of a letter that is final is erased."""
    return {
        "sealed": sa.case((new["status"].in_(FINAL), b""), else_=_columns.sealed),
        "sent_at": sa.case((new["status"] == LetterStatus.SENT, sa.bindparam("now")), else_=None),
    }


#: A lease is much longer than a try.
QUEUE = LeaseQueue(Letter, timedelta(seconds=60), values=_when_final)
_IN_TIME = _columns.valid_until > sa.bindparam("now")
_CLAIMING = QUEUE.claiming(_IN_TIME, returning=("kind", "valid_until", "sealed"))
_ANY_DUE = sa.select(_columns.id).where(_IN_TIME, QUEUE.waits, _columns.claimable_at <= sa.bindparam("now")).limit(1)


def post(
    session: Session,
    *,
    product_id: UUID,
    to: str,
    kind: str,
    subject: str,
    text: str,
    html: str | None = None,
    valid_until: datetime,
) -> UUID:
    """Write one letter in the caller's transaction; it goes out after the commit, once, and not after `valid_until`.

    Args:
        to: one mailbox that `pushhub.identity.email.mailbox` takes. Raises ValueError, which quotes nothing.
        kind: what it is for, a word such as `recovery_link`; it stands in logs.
        html: what the text says, as a page (`pushhub.mail.rendering` makes both).
    """
    letter_id, now = new_key(), clock.now()
    content = Content.of(to=to, subject=subject, text=text, html=html)
    session.add(
        Letter(
            id=letter_id,
            product_id=product_id,
            kind=kind,
            status=LetterStatus.QUEUED,
            tries=0,
            claimable_at=now,
            sealed=current().keyring.seal(content.as_json(), letter_context(letter_id)),
            created_at=now,
            valid_until=valid_until,
            changed_at=now,
        )
    )
    session.flush()
    wake_after_commit(session, LETTERS)
    return letter_id


@dataclass(frozen=True, slots=True)
class LeasedLetter:
    """One letter that a worker holds."""

    lease: Lease
    kind: str
    valid_until: datetime
    #: None where it can't be read (a sealing key is missing).
    content: Content | None = field(repr=False)

    @property
    def id(self) -> UUID:
        return cast(UUID, self.lease.key)


LetterResult = AttemptResult[LeasedLetter, Outcome]


def claim(owner: UUID, limit: int) -> list[LeasedLetter]:
    """Take due letters for `owner`, the longest due first."""
    with reading() as session:  # letters are few, and a look at an empty queue is no write
        if session.scalar(_ANY_DUE, {"now": clock.now()}) is None:
            return []
    with transaction() as session:
        claimed = QUEUE.claim(session, _CLAIMING, owner, limit)
    return [
        LeasedLetter(claimed.leases[row.id], row.kind, row.valid_until, _content(row.id, row.sealed))
        for row in claimed.rows
    ]


def complete(owner: UUID, results: Sequence[LetterResult]) -> None:
    """Write the outcomes of some tries. A letter whose lease ran out belongs to somebody else by now and is left
    alone."""
    now = clock.now()
    with transaction() as session:
        QUEUE.write(
            session,
            owner,
            (
                (
                    result.item.lease,
                    after_try(
                        result.outcome,
                        tries=result.item.lease.tries,
                        now=now,
                        valid_until=result.item.valid_until,
                        jitter=random.random,
                    ),
                    (),
                )
                for result in results
            ),
        )
    for result in results:
        extra = {"letter_id": str(result.item.id), "kind": result.item.kind, "try": result.item.lease.tries}
        log.info("letter tried", extra=extra | {"outcome": type(result.outcome).__name__})


def _content(letter_id: UUID, sealed: bytes) -> Content | None:
    try:
        return Content.from_json(current().keyring.unseal(sealed, letter_context(letter_id)))
    except (ConfigurationError, ValueError, TypeError):  # TypeError: a field is missing
        return None


def counts() -> Counts:
    """How many letters wait, and how many were given up in the last 30 days."""
    return QUEUE.counts(LetterStatus.FAILED, LetterStatus.EXPIRED)


@dataclass(frozen=True, slots=True)
class Backlog:
    """The letters that wait, for `pushhub doctor`."""

    waiting: int
    #: When the oldest of them was written, and what its last try met.
    since: datetime | None
    error: str | None


def backlog() -> Backlog:
    """What waits, and since when. Of several that are the oldest, one that was tried tells what it met."""
    with reading() as session:
        waiting = session.scalar(sa.select(sa.func.count()).select_from(Letter).where(QUEUE.waits)) or 0
        oldest = session.execute(
            sa.select(Letter.created_at, Letter.error)
            .where(QUEUE.waits)
            .order_by(Letter.created_at, Letter.error.is_(None))
            .limit(1)
        ).first()
    return Backlog(waiting, *(oldest or (None, None)))


def sweep(session: Session) -> None:
    """Give up letters whose time has run out, and forget those that were final long ago."""
    now = clock.now()
    QUEUE.end_idle(session, Letter.valid_until <= now, status=LetterStatus.EXPIRED, sealed=b"")
    old = sa.select(Letter.id).where(QUEUE.status_is(*FINAL), Letter.changed_at < now - KEPT).limit(1000)
    session.execute(sa.delete(Letter).where(Letter.id.in_(old)).execution_options(synchronize_session=False))
