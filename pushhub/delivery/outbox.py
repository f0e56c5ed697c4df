"""The transactional outbox: deliveries are rows, written in the transaction that makes their cause.

A dispatcher claims due rows in batches with a lease (`claim`), sends with no database session open, and writes
the outcomes of many in one statement (`pushhub.delivery.results`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.context import hub
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import CIRCUIT_OPEN, TEST_CHANNEL, DeliveryKind, DeliveryStatus
from pushhub.events.record import Event, Tag, event_row
from pushhub.kernel import clock
from pushhub.kernel.db import after_commit, reading, skip_locked, table_of, transaction, write_rows
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.notifications.models import Notification
from pushhub.notifications.rules import NotificationStatus
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus

#: How long a claimed row belongs to its dispatcher: longer than a channel's longest try.
LEASE = timedelta(seconds=30)


def new_delivery(
    *,
    kind: DeliveryKind,
    channel: str,
    now: datetime,
    expires_at: datetime,
    device_id: UUID | None = None,
    number: str | None = None,
    product_id: UUID | None = None,
    verification_id: UUID | None = None,
    notification_id: UUID | None = None,
    step: int = 0,
    asked: bool = False,
    skipped: str | None = None,
) -> dict[str, Any]:
    """The row of a delivery that is due now; or, with `skipped`, of one that can't be tried, and why."""
    return {
        "id": new_key(),
        "kind": str(kind),
        "product_id": product_id,
        "verification_id": verification_id,
        "notification_id": notification_id,
        "number": number,
        "device_id": device_id,
        "channel": channel,
        "step": step,
        "asked": asked,
        "status": str(DeliveryStatus.FAILED if skipped else DeliveryStatus.QUEUED),
        "error": skipped,
        "claimable_at": now,
        "tries": 0,
        "created_at": now,
        "expires_at": expires_at,
        "changed_at": now,
    }


def enqueue(session: Session, row: dict[str, Any]) -> None:
    """Write one delivery in the caller's transaction."""
    write_rows(session, [(Delivery, row)])
    wake_after_commit(session, row["channel"])


def wake_after_commit(session: Session, channel: str) -> None:
    """Tell dispatchers, once the caller's transaction is committed, that something is due on this channel."""
    after_commit(session, partial(hub().wake, channel))


@dataclass(frozen=True, slots=True)
class Claimed:
    """One row a dispatcher holds."""

    delivery_id: UUID
    tries: int
    expires_at: datetime
    #: The end of its lease.
    until: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What one look at the queue took: the rows to send, and until when they are held."""

    rows: list[Claimed]
    until: datetime


#: Word for word the condition of the queue's index, so that the planner knows that it fits.
_WAITING = Delivery.status.in_(sa.text("'queued', 'sending'"))
_late = Delivery.expires_at <= sa.bindparam("now")
# One value for each row, found by its key. For EXISTS the planner may read all closed verifications with each claim.
_closed = (
    sa.select(Verification.status).where(Verification.id == Delivery.verification_id).scalar_subquery()
    != VerificationStatus.PENDING
)
# What a dispatcher was writing to in the moment of the cancellation was passed by (`pushhub.notifications.pending`).
_cancelled = (
    sa.select(Notification.status).where(Notification.id == Delivery.notification_id).scalar_subquery()
    == NotificationStatus.CANCELLED
)
_over = sa.or_(_late, _closed, _cancelled)
_due = skip_locked(
    sa.select(Delivery.id)
    .where(
        Delivery.channel == sa.bindparam("of_channel"),
        Delivery.kind == sa.bindparam("of_kind"),
        _WAITING,
        Delivery.claimable_at <= sa.bindparam("due_before"),
    )
    .order_by(Delivery.claimable_at)
    .limit(sa.bindparam("most"))
    # Read once: in an IN, PostgreSQL may choose to read it anew for each row, and skips what it has locked by then, so
    # that more are taken than were asked for.
).cte("due")
_claim = (
    sa.update(table_of(Delivery))
    .where(Delivery.id == _due.c.id)
    .values(
        status=sa.case((_over, DeliveryStatus.EXPIRED), else_=DeliveryStatus.SENDING),
        error=sa.case(
            (_late, sa.func.coalesce(Delivery.error, "expired")),
            (_closed, "verification_closed"),
            (_cancelled, "notification_cancelled"),
            else_=Delivery.error,
        ),
        claimable_at=sa.bindparam("until"),
        lease_owner=sa.bindparam("owner"),
        tries=Delivery.tries + sa.case((_over, 0), else_=1),
        changed_at=sa.bindparam("now"),
    )
    .returning(
        *(
            table_of(Delivery).c[name]
            for name in ("id", "tries", "expires_at", "status", "error", "product_id", "verification_id", "channel")
        )
    )
)


def claim(channel: str, kind: DeliveryKind, owner: UUID, limit: int, *, due_for: timedelta = timedelta(0)) -> Claim:
    """Take at most `limit` deliveries of one channel and kind for `owner`, oldest first, that have been due for so
    long. Rows whose time ran out, or whose verification or notification ended, while they waited are taken to `expired`
    on the way."""
    now = clock.now()
    until = now + LEASE
    with transaction() as session:
        rows = (
            session.connection()
            .execute(
                _claim,
                {
                    "of_channel": channel,
                    "of_kind": str(kind),
                    "now": now,
                    "due_before": now - due_for,
                    "until": until,
                    "owner": owner,
                    "most": limit,
                },
            )
            .all()
        )
        _tell_of(session, [row for row in rows if row.status == DeliveryStatus.EXPIRED])
    return Claim(
        [Claimed(row.id, row.tries, row.expires_at, until) for row in rows if row.status == DeliveryStatus.SENDING],
        until,
    )


def expire_waiting(session: Session, error: str, *which: sa.ColumnElement[bool]) -> None:
    """Take deliveries of a code that wait to be sent to `expired`, and tell their product why."""
    columns = (Delivery.id, Delivery.product_id, Delivery.verification_id, Delivery.channel, Delivery.error)
    stopped = session.execute(
        sa.update(Delivery)
        .where(*which, Delivery.status == DeliveryStatus.QUEUED)
        .values(status=DeliveryStatus.EXPIRED, error=error, changed_at=clock.now())
        .returning(*columns)
        .execution_options(synchronize_session=False)
    )
    _tell_of(session, stopped.all())


def _tell_of(session: Session, expired: Sequence[Any]) -> None:
    """Products are told of codes one by one; of notifications only how many came how far."""
    rows = [_expiry(row) for row in expired if row.verification_id is not None]
    if rows:
        session.execute(sa.insert(Event), rows)


def _expiry(row: Any) -> dict[str, Any]:
    return event_row(
        Tag.DELIVERY_EXPIRED,
        row.id,
        row.product_id,
        live=row.channel != TEST_CHANNEL,
        channel=row.channel,
        error=row.error,
        verification_id=public_id(Prefix.VERIFICATION, row.verification_id),
    )


def give_back(channel: str, kind: DeliveryKind, owner: UUID, held: Collection[UUID]) -> None:
    """Queue again what `owner` took without knowing it: the claim was committed, and its answer lost on the way.
    `held` is what it does know of."""
    now = clock.now()
    with transaction() as session:
        session.execute(
            sa.update(Delivery)
            .where(
                Delivery.channel == channel,
                Delivery.kind == kind,
                _WAITING,
                Delivery.status == DeliveryStatus.SENDING,
                Delivery.lease_owner == owner,
                Delivery.id.not_in(held),
            )
            .values(status=DeliveryStatus.QUEUED, claimable_at=now, lease_owner=None, changed_at=now)
            .execution_options(synchronize_session=False)
        )


def release(channel: str, kind: DeliveryKind) -> None:
    """What was put off because of an open circuit is due now."""
    with transaction() as session:
        session.execute(
            sa.update(Delivery)
            .where(
                Delivery.channel == channel,
                Delivery.kind == kind,
                _WAITING,
                Delivery.status == DeliveryStatus.QUEUED,
                Delivery.error == CIRCUIT_OPEN,
            )
            .values(claimable_at=clock.now())
            .execution_options(synchronize_session=False)
        )


def waiting() -> int:
    """How many deliveries wait or are being sent."""
    with reading() as session:
        return int(session.scalar(sa.select(sa.func.count()).select_from(Delivery).where(_WAITING)) or 0)
