"""The transactional outbox: deliveries are rows, written in the transaction that makes their cause.

A dispatcher claims due rows in batches with a lease, sends with no database session open, and writes the
outcomes of many in one statement.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub import clock
from pushhub.binding.models import Device
from pushhub.channels.contract import Outcome, PushKind, TargetDead
from pushhub.db import after_commit, reading, rows_as_cte, skip_locked, transaction
from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import CHANNEL_OF_KIND, TEST_CHANNEL, DeliveryKind, DeliveryStatus, after_try
from pushhub.hub import hub
from pushhub.ids import new_key
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus

#: How long a claimed row belongs to its dispatcher: longer than a channel's longest try.
LEASE = timedelta(seconds=30)
#: The PostgreSQL channel on which dispatchers listen.
NOTIFY_CHANNEL = "pushhub_outbox"


def enqueue(
    session: Session,
    *,
    kind: DeliveryKind,
    device: Device | None,
    expires_at: datetime,
    product_id: UUID | None = None,
    verification_id: UUID | None = None,
    notification_id: UUID | None = None,
    number: str | None = None,
) -> UUID:
    """Write a delivery in the caller's transaction; dispatchers are woken when it is committed.

    Without a device it goes to the test channel, which reaches nobody.
    """
    now, key = clock.now(), new_key()
    channel = CHANNEL_OF_KIND[PushKind(device.push_kind)] if device is not None else TEST_CHANNEL
    session.execute(
        sa.insert(Delivery).values(
            id=key,
            kind=kind,
            product_id=product_id,
            verification_id=verification_id,
            notification_id=notification_id,
            number=number,
            device_id=device.id if device is not None else None,
            channel=channel,
            status=DeliveryStatus.QUEUED,
            claimable_at=now,
            tries=0,
            created_at=now,
            expires_at=expires_at,
            changed_at=now,
        )
    )
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_notify(NOTIFY_CHANNEL, channel)))
    after_commit(session, partial(hub().wake, channel))
    return key


@dataclass(frozen=True, slots=True)
class Claimed:
    """One row a dispatcher holds."""

    delivery_id: UUID
    tries: int
    expires_at: datetime


def claim(channel: str, owner: UUID, limit: int) -> list[Claimed]:
    """Take at most `limit` due deliveries of one channel for `owner`, oldest first. Rows whose time ran out, or
    whose verification ended, while they waited are taken to `expired` on the way."""
    now = clock.now()
    due = skip_locked(
        sa.select(Delivery.id)
        .where(
            Delivery.channel == channel,
            Delivery.status.in_([DeliveryStatus.QUEUED, DeliveryStatus.SENDING]),
            Delivery.claimable_at <= now,
        )
        .order_by(Delivery.claimable_at)
        .limit(limit)
    )
    late = Delivery.expires_at <= now
    closed = sa.exists().where(
        Verification.id == Delivery.verification_id, Verification.status != VerificationStatus.PENDING
    )
    over = sa.or_(late, closed)
    with transaction() as session:
        rows = session.execute(
            sa.update(Delivery)
            .where(Delivery.id.in_(due.scalar_subquery()))
            .values(
                status=sa.case((over, DeliveryStatus.EXPIRED), else_=DeliveryStatus.SENDING),
                error=sa.case(
                    (late, sa.func.coalesce(Delivery.error, "expired")),
                    (closed, "verification_closed"),
                    else_=Delivery.error,
                ),
                claimable_at=now + LEASE,
                lease_owner=owner,
                tries=Delivery.tries + sa.case((over, 0), else_=1),
                changed_at=now,
            )
            .returning(Delivery.id, Delivery.tries, Delivery.expires_at, Delivery.status)
            .execution_options(synchronize_session=False)
        ).all()
    return [Claimed(row.id, row.tries, row.expires_at) for row in rows if row.status == DeliveryStatus.SENDING]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try."""

    claimed: Claimed
    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    device_id: UUID | None


def complete(owner: UUID, tried: Sequence[Tried]) -> None:
    """Write the outcomes of many tries: one statement for the deliveries, one for the attempts. A row whose
    lease ran out belongs to somebody else by now and is left alone; its attempt is recorded all the same."""
    if not tried:
        return
    now = clock.now()
    steps = [
        (
            entry,
            after_try(
                entry.outcome,
                tries=entry.claimed.tries,
                now=now,
                expires_at=entry.claimed.expires_at,
                jitter=random.random,
            ),
        )
        for entry in tried
    ]
    columns: list[sa.ColumnClause[Any]] = [
        sa.column("id", sa.Uuid()),
        sa.column("status", sa.String()),
        sa.column("error", sa.String()),
        sa.column("claimable_at", Delivery.claimable_at.type),
        sa.column("tries", sa.Integer()),
    ]
    rows = [
        (entry.claimed.delivery_id, step.status, _cut(step.error, 60), step.due or now, entry.claimed.tries)
        for entry, step in steps
    ]
    outcomes = rows_as_cte("outcomes", columns, rows)
    with transaction() as session:
        session.execute(
            sa.update(Delivery)
            .where(
                Delivery.id == outcomes.c.id,
                Delivery.lease_owner == owner,
                Delivery.tries == outcomes.c.tries,
                Delivery.status == DeliveryStatus.SENDING,
            )
            .values(
                status=outcomes.c.status,
                error=outcomes.c.error,
                claimable_at=outcomes.c.claimable_at,
                lease_owner=None,
                changed_at=now,
            )
            .execution_options(synchronize_session=False)
        )
        session.execute(
            sa.insert(Attempt),
            [
                {
                    "id": new_key(),
                    "delivery_id": entry.claimed.delivery_id,
                    "started_at": entry.started_at,
                    "finished_at": entry.finished_at,
                    "outcome": step.outcome,
                    "reason": _cut(step.error, 60),
                    "provider_id": _cut(step.provider_id, 200),
                }
                for entry, step in steps
            ],
        )
        _bury_dead_targets(session, tried, now)


def _cut(word: str | None, longest: int) -> str | None:
    """A provider's word, cut to what its column holds."""
    return word[:longest] if word is not None else None


def _bury_dead_targets(session: Session, tried: Sequence[Tried], now: datetime) -> None:
    for entry in tried:
        if isinstance(entry.outcome, TargetDead) and entry.device_id is not None:
            # A target that was registered after the provider saw the old one die is a new, living one.
            since = entry.outcome.since or entry.started_at
            session.execute(
                sa.update(Device)
                .where(Device.id == entry.device_id, Device.push_registered_at <= since)
                .values(push_dead_at=now)
            )


def waiting() -> int:
    """How many deliveries wait or are being sent."""
    with reading() as session:
        return int(
            session.scalar(
                sa.select(sa.func.count())
                .select_from(Delivery)
                .where(Delivery.status.in_([DeliveryStatus.QUEUED, DeliveryStatus.SENDING]))
            )
            or 0
        )
