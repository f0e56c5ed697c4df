"""Writing what came of many tries: the deliveries and the attempts, each in one statement however many there are; then
their source does what follows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.message_source import DeliveryResult, MessageSource, WrittenResult
from pushhub.delivery.models import Attempt
from pushhub.delivery.outbox import QUEUE
from pushhub.delivery.rules import DeliveryTransition, after_try
from pushhub.kernel import clock
from pushhub.kernel.db import ManyRows, db, insert, table_of, transaction
from pushhub.products.route import PAID

_attempts = ManyRows("made", *table_of(Attempt).c)


def complete(source: MessageSource, owner: UUID, results: Sequence[DeliveryResult]) -> bool:
    """Write the outcomes of many tries. A row whose lease ran out belongs to somebody else by now and is left
    alone; its attempt is recorded all the same. True where a code has to go on to its next channel at once."""
    if not results:
        return False
    now = clock.now()
    steps = [(result, _transition(result, now)) for result in results]
    with transaction() as session:
        ours = QUEUE.write(session, owner, ((result.item.lease, step, ()) for result, step in steps))
        written = [WrittenResult(result, step, result.item.lease.key in ours) for result, step in steps]
        _record_attempts(session, written)
        return source.after_results(session, written, now)


def _transition(result: DeliveryResult, now: datetime) -> DeliveryTransition:
    item = result.item
    return after_try(
        result.outcome,
        tries=item.lease.tries,
        now=now,
        expires_at=item.expires_at,
        goes_on=item.goes_on_at is not None,
        patience_ends=item.goes_on_at,
        paid=item.channel in PAID,
        jitter=random.random,
    )


@lru_cache(maxsize=2)
def _recording(dialect: str) -> Any:
    made = _attempts.table
    names = [column.name for column in table_of(Attempt).c]
    # SQLite reads ON CONFLICT after a SELECT without WHERE as the condition of a join.
    rows = sa.select(*(made.c[name] for name in names)).where(made.c.id.is_not(None))
    return insert(Attempt).from_select(names, rows).on_conflict_do_nothing()


def _record_attempts(session: Session, written: Sequence[WrittenResult]) -> None:
    rows = (
        (
            each.result.key,
            each.result.item.delivery_id,
            each.result.started_at,
            each.result.finished_at,
            each.transition.outcome,
            each.transition.error,
            _cut(each.transition.provider_id, 200),
        )
        for each in written
        if each.transition.counts
    )
    session.connection().execute(_recording(db.engine.dialect.name), _attempts.parameter(rows))


def _cut(word: str | None, longest: int) -> str | None:
    """A provider's word, cut to what its column holds."""
    return word[:longest] if word is not None else None
