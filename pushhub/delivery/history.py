"""What became of a message: every delivery with every try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import DeliveryKind
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import reading
from pushhub.kernel.ids import least_key_of


@dataclass(frozen=True, slots=True)
class DeliveryHistory:
    delivery: Delivery
    attempts: Sequence[Attempt]


def history_of(verification_id: UUID) -> list[DeliveryHistory]:
    """All deliveries of one verification, oldest first, with their tries."""
    return _with_attempts(sa.select(Delivery).where(Delivery.verification_id == verification_id).order_by(Delivery.id))


def latest_channel_of(verification_id: UUID) -> str | None:
    """By what its code went, or goes, last: the channel of its newest delivery."""
    with reading() as session:
        return session.scalar(
            sa.select(Delivery.channel)
            .where(Delivery.verification_id == verification_id)
            .order_by(Delivery.id.desc())
            .limit(1)
        )


def codes_of(number: PhoneNumber, latest: int = 20) -> list[DeliveryHistory]:
    """The latest codes sent to a number by any product, newest first, with their tries."""
    return _with_attempts(
        sa.select(Delivery)
        .where(Delivery.number == number, Delivery.kind == DeliveryKind.CODE)
        .order_by(Delivery.created_at.desc())
        .limit(latest)
    )


def tries_in_the_last_minute() -> list[tuple[str, str, str, int]]:
    """Of all dispatchers together: (channel, outcome, reason, how many)."""
    minute = timedelta(minutes=1)
    statement = (
        sa.select(Delivery.channel, Attempt.outcome, Attempt.reason, sa.func.count())
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .where(
            Attempt.id >= least_key_of(5 * minute),  # a range of the primary key spares an index by time
            Attempt.finished_at > clock.now() - minute,
        )
        .group_by(Delivery.channel, Attempt.outcome, Attempt.reason)
    )
    with reading() as session:
        rows = session.execute(statement).all()
    return [(channel, outcome, reason or "", count) for channel, outcome, reason, count in rows]


def _with_attempts(which: sa.Select[Delivery]) -> list[DeliveryHistory]:
    with reading() as session:
        deliveries = session.scalars(which).all()
        tried = [delivery.id for delivery in deliveries if delivery.tries]
        attempts: Sequence[Attempt] = []
        if tried:
            attempts = session.scalars(
                sa.select(Attempt).where(Attempt.delivery_id.in_(tried)).order_by(Attempt.id)
            ).all()
    return [
        DeliveryHistory(delivery, [entry for entry in attempts if entry.delivery_id == delivery.id])
        for delivery in deliveries
    ]
