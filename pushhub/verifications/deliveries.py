"""Deliveries of a code: those that wait can be stopped, and the product is told of each."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import TEST_CHANNEL, DeliveryStatus
from pushhub.events.models import Tag
from pushhub.events.record import new_event, record_all
from pushhub.kernel import clock
from pushhub.kernel.db import ReadRow
from pushhub.kernel.ids import Prefix, public_id


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
    tell_expired(session, stopped.all())


def tell_expired(session: Session, rows: Sequence[ReadRow]) -> None:
    """Tell products of deliveries (`id`, `product_id`, `verification_id`, `channel`, `error`) that expired."""
    told = [
        new_event(
            Tag.DELIVERY_EXPIRED,
            row.id,
            row.product_id,
            live=row.channel != TEST_CHANNEL,
            channel=row.channel,
            error=row.error,
            verification_id=public_id(Prefix.VERIFICATION, row.verification_id),
        )
        for row in rows
    ]
    record_all(session, told)
