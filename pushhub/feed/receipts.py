"""What the device says: that a message arrived, was seen, and what is in its feed. Only the device's word
means that something was delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from pushhub.context import current
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import BEFORE_RECEIVED, BEFORE_SEEN, DeliveryKind, DeliveryStatus
from pushhub.devices.dpop import KnownDevice
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.kernel import clock
from pushhub.kernel.db import ReadRow, reading, transaction
from pushhub.kernel.errors import NotFound
from pushhub.kernel.ids import Prefix, public_id
from pushhub.notifications.models import Notification
from pushhub.notifications.rules import NotificationStatus, words_for
from pushhub.products.models import Product
from pushhub.products.rules import CodePush
from pushhub.translations.message_texts import CODE_WAITS, in_language
from pushhub.verifications.lifecycle import arm, stop_elsewhere
from pushhub.verifications.models import Verification, code_context
from pushhub.verifications.rules import VerificationStatus

FEED_PAGE = 50
#: The name under which the service itself speaks, where no product does.
SERVICE_NAME = "pushhub"


class ReceiptEvent(StrEnum):
    RECEIVED = "received"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The device's word. `at` is when it happened, by the phone's clock."""

    delivery_id: UUID
    event: ReceiptEvent
    at: datetime


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
    #: What became of the code, so that the phone stops showing one that was used; None for a notification.
    code_status: str | None
    #: The newest delivery of the same code to this device, where it was sent again after this one.
    sent_again_as: UUID | None


@dataclass(frozen=True, slots=True)
class Opened:
    """One message as the app opens it. `code` is there for a code that can still be used."""

    item: FeedItem
    purpose: str | None
    code: str | None = field(repr=False)
    #: What the product gave its notification for the app.
    data: Mapping[str, str] | None = field(default=None, repr=False)


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
        _advance(session, row, BEFORE_RECEIVED, DeliveryStatus.RECEIVED, received_at=now)
        code = None
        usable = row.verification_status == VerificationStatus.PENDING and row.expires_at > now
        if row.kind == DeliveryKind.CODE and usable and row.code_sealed:
            code = current().keyring.unseal(row.code_sealed, code_context(row.verification_id))
            arm(session, row.verification_id)
        return Opened(_item(row, known.device.locale), row.purpose, code, row.data)


def acknowledge(known: KnownDevice, receipts: Sequence[Receipt]) -> None:
    """Write receipts, in any order and any number of times; each moves its delivery forward or not at all.

    Raises `NotFound` where one names a delivery to another device; then none is written. A notification that was
    cancelled meanwhile is the device's own still: it must not cost the other receipts.
    """
    with transaction() as session:
        for receipt in receipts:
            delivery_id = receipt.delivery_id
            row = _own_message(session, known, delivery_id, stopped_too=True)
            moment = _believed(receipt.at, row.created_at)
            if receipt.event is ReceiptEvent.RECEIVED:
                _advance(session, row, BEFORE_RECEIVED, DeliveryStatus.RECEIVED, received_at=moment)
            else:
                received = sa.func.coalesce(Delivery.received_at, moment)
                _advance(session, row, BEFORE_SEEN, DeliveryStatus.SEEN, received_at=received, seen_at=moment)
            if row.kind == DeliveryKind.CODE and row.code_push == CodePush.INLINE:
                arm(session, row.verification_id)


def _believed(at: datetime, created_at: datetime) -> datetime:
    """The phone's time where it can be true: a receipt that waited for a connection tells when it happened, a
    phone whose clock is wrong does not."""
    now = clock.now()
    return at if created_at <= at <= now else now


#: A cancelled notification is seen by those whom it had reached.
_not_stopped = sa.or_(
    Notification.id.is_(None),
    Notification.status != NotificationStatus.CANCELLED,
    Delivery.status != DeliveryStatus.EXPIRED,
)


def _later() -> sa.ScalarSelect[UUID]:
    """The last of the deliveries of the same code to the same device after this one. On another channel there is no
    message of it on the device, so that this one stays what the person looks at.

    By the time when they were made: the keys are of machines whose clocks may differ."""
    again = aliased(Delivery)
    return (
        sa.select(again.id)
        .where(
            again.verification_id == Delivery.verification_id,
            again.device_id == Delivery.device_id,
            sa.tuple_(again.created_at, again.id) > sa.tuple_(Delivery.created_at, Delivery.id),
        )
        .order_by(again.created_at.desc(), again.id.desc())
        .limit(1)
        .correlate(Delivery)
        .scalar_subquery()
    )


def _messages(known: KnownDevice, *, stopped_too: bool = False) -> sa.Select[*tuple[object, ...]]:
    own_number = Delivery.number == known.binding.number if known.binding is not None else sa.false()
    own = sa.and_(Delivery.device_id == known.device.id, sa.or_(Delivery.number.is_(None), own_number))
    return (
        sa.select(
            Delivery.id,
            Delivery.kind,
            Delivery.channel,
            Delivery.device_id,
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
            Notification.texts,
            Notification.data,
            _later().label("sent_again_as"),
        )
        .join(Product, Product.id == Delivery.product_id, isouter=True)
        .join(Verification, Verification.id == Delivery.verification_id, isouter=True)
        .join(Notification, Notification.id == Delivery.notification_id, isouter=True)
        .where(own if stopped_too else sa.and_(own, _not_stopped))
    )


def _own_message(session: Session, known: KnownDevice, delivery_id: UUID, *, stopped_too: bool = False) -> ReadRow:
    row = session.execute(_messages(known, stopped_too=stopped_too).where(Delivery.id == delivery_id)).first()
    if row is None:
        raise NotFound("This device has no such message.")
    return row


def _item(row: ReadRow, locale: str) -> FeedItem:
    is_code = row.kind == DeliveryKind.CODE
    name = row.product_name or SERVICE_NAME
    if is_code:
        title, body = name, in_language(locale, CODE_WAITS)
    else:
        title, body = words_for(locale, row.title, row.body, row.texts)
    return FeedItem(
        delivery_id=row.id,
        kind=row.kind,
        product_id=row.product_id,
        product_name=name,
        title=title,
        body=body,
        created_at=row.created_at,
        expires_at=row.expires_at,
        seen_at=row.seen_at,
        code_status=row.verification_status,
        sent_again_as=row.sent_again_as,
    )


def _advance(
    session: Session,
    row: ReadRow,
    before: Sequence[DeliveryStatus],
    status: DeliveryStatus,
    **times: datetime | sa.Function[datetime],
) -> None:
    """Move a delivery forward, or not at all. A code that the device has goes to no further channel."""
    moved = session.execute(
        sa.update(Delivery)
        .where(Delivery.id == row.id, Delivery.status.in_(before))
        .values(status=status, changed_at=clock.now(), **times)
        .returning(Delivery.id)
    ).first()
    if row.kind != DeliveryKind.CODE:
        return
    stop_elsewhere(session, row.verification_id, row.device_id)
    if moved is None:
        return
    tag = Tag.DELIVERY_RECEIVED if status is DeliveryStatus.RECEIVED else Tag.DELIVERY_SEEN
    of = public_id(Prefix.VERIFICATION, row.verification_id)
    record.record(session, tag, row.id, row.product_id, verification_id=of, channel=row.channel)
