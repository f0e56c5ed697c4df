"""The transactional outbox: deliveries are rows, written in the transaction that makes their cause.

A dispatcher claims due rows in batches with a lease (`claim`), sends with no database session open, and writes
the outcomes of many in one statement (`complete`).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypedDict, Unpack
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.channel_table import PAID
from pushhub.delivery.message_source import DeliveryResult, MessageSource, WrittenResult
from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import CIRCUIT_OPEN, DeliveryKind, DeliveryStatus, DeliveryTransition, after_try
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import ManyRows, NewRow, ReadMapping, db, insert, reading, table_of, transaction
from pushhub.kernel.ids import new_key
from pushhub.queueing.lease_queue import Claim, Key, Lease, LeaseQueue

#: A lease is longer than a channel's longest try.
QUEUE = LeaseQueue(Delivery, timedelta(seconds=30), untried=CIRCUIT_OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery(NewRow):
    """A delivery that is due when it is made; or, with an `error`, one that can't be tried, and why."""

    model = Delivery
    id: UUID = field(default_factory=new_key)
    kind: DeliveryKind
    product_id: UUID | None
    verification_id: UUID | None = None
    notification_id: UUID | None = None
    number: PhoneNumber | None
    device_id: UUID | None
    channel: str
    step: int = 0
    asked: bool = False
    status: DeliveryStatus
    error: str | None
    claimable_at: datetime
    tries: int = 0
    created_at: datetime
    expires_at: datetime
    changed_at: datetime


class Cause(TypedDict, total=False):
    """Why something is delivered: a verification, at a place of its route and at whose request, or a notification."""

    verification_id: UUID
    step: int
    asked: bool
    notification_id: UUID


def new_delivery(
    kind: DeliveryKind,
    channel: str,
    now: datetime,
    expires_at: datetime,
    *,
    device_id: UUID | None = None,
    number: PhoneNumber | None = None,
    product_id: UUID | None = None,
    skipped: str | None = None,
    **cause: Unpack[Cause],
) -> NewDelivery:
    """A delivery that is due now; or, with `skipped`, one that can't be tried, and why."""
    return NewDelivery(
        kind=kind,
        channel=channel,
        number=number,
        device_id=device_id,
        product_id=product_id,
        status=DeliveryStatus.FAILED if skipped else DeliveryStatus.QUEUED,
        error=skipped,
        claimable_at=now,
        created_at=now,
        expires_at=expires_at,
        changed_at=now,
        **cause,
    )


_columns = table_of(Delivery).c
_of_lane = (_columns.channel == sa.bindparam("of_channel"), _columns.kind == sa.bindparam("of_kind"))


@lru_cache
def _claiming(source: MessageSource) -> sa.Update:
    late = _columns.expires_at <= sa.bindparam("now")
    return QUEUE.claiming(
        *_of_lane,
        over=[(late, sa.func.coalesce(_columns.error, "expired")), *source.over],
        returning=("expires_at", "error", "product_id", "verification_id", "channel"),
    )


def claim(source: MessageSource, channel: str, owner: UUID, limit: int, *, due_for: timedelta = timedelta(0)) -> Claim:
    """Take at most `limit` deliveries of one channel and source for `owner`, oldest first, that have been due for so
    long. Rows whose time ran out, or that nobody wants any more, are taken to `expired` on the way."""
    lane = {"of_channel": channel, "of_kind": str(source.kind)}
    with transaction() as session:
        claimed = QUEUE.claim(session, _claiming(source), owner, limit, due_for=due_for, **lane)
        if claimed.over:
            source.tell_expired(session, claimed.over)
    return claimed


#: The rows of one claim, by the index of the queue: they were given the same end of lease.
CLAIMED = (
    *_of_lane,
    QUEUE.waits,
    _columns.claimable_at == sa.bindparam("until"),
    _columns.lease_owner == sa.bindparam("owner"),
)


def read_claimed(
    statement: sa.Select[*tuple[object, ...]], source: MessageSource, channel: str, owner: UUID, claim: Claim
) -> list[tuple[Lease, ReadMapping]]:
    """What `statement`, whose condition is `CLAIMED`, reads of each delivery of a claim."""
    if not claim.leases:
        return []
    values = {"of_channel": channel, "of_kind": str(source.kind), "until": claim.until, "owner": owner}
    with reading() as session:
        rows = session.connection().execute(statement, values).mappings().all()
    return [(claim.leases[row["id"]], row) for row in rows if row["id"] in claim.leases]


def give_back(source: MessageSource, channel: str, owner: UUID, held: Collection[Key]) -> None:
    """Queue again what `owner` took without knowing it. `held` is what it does know of."""
    QUEUE.give_back(owner, held, Delivery.channel == channel, Delivery.kind == source.kind)


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
        escalate_at=item.escalate_at,
        paid=item.channel in PAID,
        jitter=random.random,
    )


@lru_cache(maxsize=2)
def _recording(dialect: str) -> sa.Executable:
    made = _attempts.table
    names = [column.name for column in table_of(Attempt).c]
    # SQLite reads ON CONFLICT after a SELECT without WHERE as the condition of a join.
    rows = sa.select(*(made.c[name] for name in names)).where(made.c.id.is_not(None))
    recording: sa.Executable = insert(Attempt).from_select(names, rows).on_conflict_do_nothing()
    return recording


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
        if each.transition.error != CIRCUIT_OPEN  # that was no try
    )
    session.connection().execute(_recording(db.engine.dialect.name), _attempts.parameter(rows))


def _cut(word: str | None, longest: int) -> str | None:
    """A provider's word, cut to what its column holds."""
    return word[:longest] if word is not None else None


def release(channel: str) -> None:
    """What was put off because of an open circuit is due now, whatever it is."""
    with transaction() as session:
        session.execute(
            sa.update(Delivery)
            .where(
                Delivery.channel == channel,
                Delivery.kind.in_(DeliveryKind),
                QUEUE.waits,
                Delivery.status == DeliveryStatus.QUEUED,
                Delivery.error == CIRCUIT_OPEN,
            )
            .values(claimable_at=clock.now())
            .execution_options(synchronize_session=False)
        )
