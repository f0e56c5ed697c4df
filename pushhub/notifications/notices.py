"""What the service itself tells a device. Sending for products comes through the same tables."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from uuid import UUID

from sqlalchemy.orm import Session

from pushhub.delivery.outbox import new_delivery
from pushhub.delivery.rules import DeliveryKind
from pushhub.devices.models import Device
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import write_rows
from pushhub.kernel.ids import new_key
from pushhub.notifications.models import Notification
from pushhub.notifications.pending import channel_to
from pushhub.queueing.wake import wake_after_commit
from pushhub.translations.message_texts import (
    ACCOUNT_LEFT,
    ACCOUNT_LEFT_TITLE,
    ACCOUNT_REREGISTERED,
    ACCOUNT_REREGISTERED_TITLE,
    NUMBER_MOVED,
    NUMBER_MOVED_TITLE,
    OPERATOR_UNBOUND,
    PASSWORD_CHANGED,
    PASSWORD_CHANGED_TITLE,
    in_language,
)

_KEPT_TRYING = timedelta(days=7)


class Notice(Enum):
    """The notices that the service sends, as (title, body)."""

    NUMBER_MOVED = (NUMBER_MOVED_TITLE, NUMBER_MOVED)
    UNBOUND_BY_OPERATOR = (NUMBER_MOVED_TITLE, OPERATOR_UNBOUND)
    PASSWORD_CHANGED = (PASSWORD_CHANGED_TITLE, PASSWORD_CHANGED)
    ACCOUNT_REREGISTERED = (ACCOUNT_REREGISTERED_TITLE, ACCOUNT_REREGISTERED)
    ACCOUNT_LEFT = (ACCOUNT_LEFT_TITLE, ACCOUNT_LEFT)


def tell_device(session: Session, device_id: UUID, notice: Notice, number: PhoneNumber, **values: str) -> None:
    """Tell this device, whatever number it is bound to now, in the caller's transaction. `values` are put into the
    notice's text beside the number."""
    device = session.get_one(Device, device_id)
    title, body = notice.value
    now = clock.now()
    notification = Notification(
        id=new_key(),
        product_id=None,
        title=in_language(device.locale, title),
        body=in_language(device.locale, body, number=number.masked, **values),
        data={},
        recipients=1,
        created_at=now,
        expires_at=now + _KEPT_TRYING,
    )
    session.add(notification)
    session.flush()
    row = new_delivery(
        DeliveryKind.NOTIFICATION,
        channel_to(device),
        now,
        notification.expires_at,
        device_id=device.id,
        notification_id=notification.id,
    )
    write_rows(session, [row])
    wake_after_commit(session, row.channel)
