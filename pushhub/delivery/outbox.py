"""The transactional outbox: deliveries are rows, written in the transaction that makes their cause.

A dispatcher claims due rows in batches with a lease (`claim`), sends with no database session open, and writes
the outcomes of many in one statement (`pushhub.delivery.results`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.message_source import MessageSource
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import CIRCUIT_OPEN, DeliveryKind, DeliveryStatus
from pushhub.kernel import clock
from pushhub.kernel.db import table_of, transaction, write_rows
from pushhub.kernel.ids import new_key
from pushhub.queueing.lease_queue import Claim, Key, LeaseQueue
from pushhub.queueing.wake import wake_after_commit

#: A lease is longer than a channel's longest try.
QUEUE = LeaseQueue(Delivery, timedelta(seconds=30))


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


def claimed_by(source: MessageSource, channel: str, owner: UUID, claim: Claim) -> dict[str, Any]:
    """The parameters of `CLAIMED`."""
    return {"of_channel": channel, "of_kind": str(source.kind), "until": claim.until, "owner": owner}


def give_back(source: MessageSource, channel: str, owner: UUID, held: Collection[Key]) -> None:
    """Queue again what `owner` took without knowing it. `held` is what it does know of."""
    with transaction() as session:
        QUEUE.give_back(session, owner, held, Delivery.channel == channel, Delivery.kind == source.kind)


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


def waiting() -> int:
    """How many deliveries wait or are being sent."""
    return QUEUE.counts().waiting
