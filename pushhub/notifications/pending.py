"""Deliveries of notifications that have not gone out: they can be stopped, and they go with a number that moves.

Rows that a dispatcher is writing to at this moment are passed by: what became of them is known already, or they were
just claimed. Those still go out; what is cancelled is then not claimed again (`pushhub.delivery.outbox`).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.channel_table import CHANNEL_OF_KIND
from pushhub.channels.contract import PushKind
from pushhub.context import current
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import DeliveryKind, DeliveryStatus
from pushhub.devices.models import Device
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import skip_locked
from pushhub.queueing.wake import wake_after_commit

_WAITING = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)


def stop_notification(session: Session, notification_id: UUID) -> int:
    """Stop all of one notification; returns how many numbers it thereby does not reach."""
    return _stop(session, Delivery.notification_id == notification_id, "notification_cancelled")


def stop_for_number(session: Session, number: PhoneNumber) -> None:
    """The number has no device any more: what waits for it must not come out on the one that had it."""
    _stop(session, _of_device_of(number), "unbound")


def follow_number(session: Session, number: PhoneNumber, device: Device) -> None:
    """The number has come to this device: what waits for it goes there."""
    channel = channel_to(device)
    moved = _change(session, _of_device_of(number), {"device_id": device.id, "channel": channel})
    if moved:
        wake_after_commit(session, channel)


def channel_to(device: Device) -> str:
    """By what the device is told something: its feed, where this installation does not have the channel of its push
    target."""
    channel = CHANNEL_OF_KIND[PushKind(device.push_kind)]
    return channel if channel in current().channels else CHANNEL_OF_KIND[PushKind.POLL]


def _of_device_of(number: PhoneNumber) -> sa.ColumnElement[bool]:
    """What goes to a device under this number. What a test key sent to it has none, and never gets one."""
    return sa.and_(Delivery.number == number, Delivery.device_id.is_not(None))


def _stop(session: Session, which: sa.ColumnElement[bool], reason: str) -> int:
    """What is being sent may still arrive. It is not tried again, because its time is over."""
    queued = Delivery.status == DeliveryStatus.QUEUED
    now = clock.now()
    changed = _change(
        session,
        which,
        {
            "status": sa.case((queued, DeliveryStatus.EXPIRED), else_=Delivery.status),
            "error": sa.case((queued, reason), else_=Delivery.error),
            "expires_at": now,
            "changed_at": now,
        },
    )
    return sum(status == DeliveryStatus.EXPIRED for status in changed)


def _change(session: Session, which: sa.ColumnElement[bool], values: dict[str, object]) -> Sequence[str]:
    """Change deliveries that wait; their statuses after it."""
    waiting = skip_locked(
        sa.select(Delivery.id).where(which, Delivery.kind == DeliveryKind.NOTIFICATION, Delivery.status.in_(_WAITING))
    )
    return session.scalars(
        sa.update(Delivery)
        .where(Delivery.id.in_(waiting.scalar_subquery()), Delivery.status.in_(_WAITING))
        .values(values)
        .returning(Delivery.status)
        .execution_options(synchronize_session=False)
    ).all()
