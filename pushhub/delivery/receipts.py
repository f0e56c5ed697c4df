"""What the device says: that a message arrived, was seen, and what is in its feed. Only the device's word
means that something was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub import clock
from pushhub.binding.proofs import KnownDevice
from pushhub.db import reading, transaction
from pushhub.delivery.messages import SERVICE_NAME
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import BEFORE_RECEIVED, BEFORE_SEEN, DeliveryKind, DeliveryStatus
from pushhub.errors import NotFound
from pushhub.hub import hub
from pushhub.notifications.models import Notification
from pushhub.products.models import Product
from pushhub.products.rules import CodePush
from pushhub.texts import CODE_WAITS, in_language
from pushhub.verifications.lifecycle import arm
from pushhub.verifications.models import Verification, code_context
from pushhub.verifications.rules import VerificationStatus

FEED_PAGE = 50


class ReceiptEvent(StrEnum):
    RECEIVED = "received"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One message as the app lists it. Never holds a code."""

    delivery_id: UUID
    kind: str
    product_id: UUID | None
    product_name: str
    title: str
    body: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """One message as the app opens it. `code` is there for a code that can still be used."""

    item: FeedItem
    purpose: str | None
    code: str | None = field(repr=False)


def feed(known: KnownDevice, after: UUID | None) -> list[FeedItem]:
    """The device's messages after the one named, oldest first, at most `FEED_PAGE`.

    A device sees what was sent to it under the number it has now, and what the service told the device itself.
    """
    statement = _messages(known).order_by(Delivery.id).limit(FEED_PAGE)
    if after is not None:
        statement = statement.where(Delivery.id > after)
    with reading() as session:
        return [_item(row, known.device.locale) for row in session.execute(statement)]


def open_delivery(known: KnownDevice, delivery_id: UUID) -> Opened:
    """What a push points to. For a code this reveals it, counts as the receipt and arms it.

    Raises `NotFound` for a delivery to another device or to another number than the device has now.
    """
    with transaction() as session:
        row = _own_message(session, known, delivery_id)
        now = clock.now()
        _advance(session, delivery_id, BEFORE_RECEIVED, DeliveryStatus.RECEIVED, received_at=now)
        code = None
        usable = row.verification_status == VerificationStatus.PENDING and row.expires_at > now
        if row.kind == DeliveryKind.CODE and usable and row.code_sealed:
            code = hub().keyring.unseal(row.code_sealed, code_context(row.verification_id))
            arm(session, row.verification_id)
        return Opened(_item(row, known.device.locale), row.purpose, code)


def acknowledge(known: KnownDevice, receipts: Sequence[tuple[UUID, ReceiptEvent]]) -> None:
    """Write receipts, in any order and any number of times; each moves its delivery forward or not at all.

    Raises `NotFound` where one names a delivery to another device; then none is written.
    """
    with transaction() as session:
        for delivery_id, event in receipts:
            row = _own_message(session, known, delivery_id)
            now = clock.now()
            if event is ReceiptEvent.RECEIVED:
                _advance(session, delivery_id, BEFORE_RECEIVED, DeliveryStatus.RECEIVED, received_at=now)
            else:
                received = sa.func.coalesce(Delivery.received_at, now)
                _advance(session, delivery_id, BEFORE_SEEN, DeliveryStatus.SEEN, received_at=received, seen_at=now)
            if row.kind == DeliveryKind.CODE and row.code_push == CodePush.INLINE:
                arm(session, row.verification_id)


def _messages(known: KnownDevice) -> Any:
    own_number = Delivery.number == known.binding.number if known.binding is not None else sa.false()
    return (
        sa.select(
            Delivery.id,
            Delivery.kind,
            Delivery.created_at,
            Delivery.expires_at,
            Delivery.seen_at,
            Product.id.label("product_id"),
            Product.name.label("product_name"),
            Verification.id.label("verification_id"),
            Verification.status.label("verification_status"),
            Verification.purpose,
            Verification.code_sealed,
            Verification.code_push,
            Notification.title,
            Notification.body,
        )
        .join(Product, Product.id == Delivery.product_id, isouter=True)
        .join(Verification, Verification.id == Delivery.verification_id, isouter=True)
        .join(Notification, Notification.id == Delivery.notification_id, isouter=True)
        .where(Delivery.device_id == known.device.id, sa.or_(Delivery.number.is_(None), own_number))
    )


def _own_message(session: Session, known: KnownDevice, delivery_id: UUID) -> Any:
    row = session.execute(_messages(known).where(Delivery.id == delivery_id)).first()
    if row is None:
        raise NotFound("This device has no such message.")
    return row


def _item(row: Any, locale: str) -> FeedItem:
    is_code = row.kind == DeliveryKind.CODE
    name = row.product_name or SERVICE_NAME
    return FeedItem(
        delivery_id=row.id,
        kind=row.kind,
        product_id=row.product_id,
        product_name=name,
        title=name if is_code else row.title,
        body=in_language(locale, CODE_WAITS) if is_code else row.body,
        created_at=row.created_at,
        expires_at=row.expires_at,
        seen_at=row.seen_at,
    )


def _advance(
    session: Session,
    delivery_id: UUID,
    before: Sequence[DeliveryStatus],
    status: DeliveryStatus,
    **times: datetime | sa.Function[datetime],
) -> None:
    session.execute(
        sa.update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.status.in_(before))
        .values(status=status, changed_at=clock.now(), **times)
    )
