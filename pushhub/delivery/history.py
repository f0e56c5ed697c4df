"""What became of a message: every delivery with every try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from pushhub.db import reading
from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import DeliveryKind
from pushhub.phones import PhoneNumber


@dataclass(frozen=True, slots=True)
class DeliveryHistory:
    delivery: Delivery
    attempts: Sequence[Attempt]


def history_of(verification_id: UUID) -> list[DeliveryHistory]:
    """All deliveries of one verification, oldest first, with their tries."""
    return _with_attempts(sa.select(Delivery).where(Delivery.verification_id == verification_id).order_by(Delivery.id))


def codes_of(number: PhoneNumber, latest: int = 20) -> list[DeliveryHistory]:
    """The latest codes sent to a number by any product, newest first, with their tries."""
    return _with_attempts(
        sa.select(Delivery)
        .where(Delivery.number == number.e164, Delivery.kind == DeliveryKind.CODE)
        .order_by(Delivery.created_at.desc())
        .limit(latest)
    )


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
