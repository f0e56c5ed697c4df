"""The message that carries a notification: in the language of the phone that it goes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.contract import Message
from pushhub.delivery.message_source import OutgoingMessage, WrittenResult, message_or_none
from pushhub.delivery.models import Delivery
from pushhub.delivery.outbox import CLAIMED, read_claimed
from pushhub.delivery.rules import DeliveryKind
from pushhub.devices.models import Device
from pushhub.devices.push_targets import TARGET_COLUMNS, mend_targets, push_target
from pushhub.kernel.db import ReadMapping, ReadRow, table_of
from pushhub.kernel.ids import Prefix, public_id
from pushhub.notifications.models import Notification
from pushhub.notifications.rules import NotificationStatus, words_for
from pushhub.queueing.lease_queue import Claim

_delivery, _notification = table_of(Delivery), table_of(Notification)
_READ = (
    sa.select(
        _delivery.c.id,
        _delivery.c.channel,
        _delivery.c.error,
        _delivery.c.expires_at,
        *TARGET_COLUMNS,
        _notification.c.id.label("notification_id"),
        _notification.c.title,
        _notification.c.body,
        _notification.c.texts,
        _notification.c.data,
    )
    .select_from(
        sa.outerjoin(_delivery, table_of(Device), table_of(Device).c.id == _delivery.c.device_id).join(
            _notification, _notification.c.id == _delivery.c.notification_id
        )
    )
    .where(*CLAIMED)
)


class NotificationMessages:
    """Notifications, as the outbox asks for them."""

    kind = DeliveryKind.NOTIFICATION
    # What a dispatcher was writing to in the moment of the cancellation was passed by then
    # (`pushhub.notifications.pending`).
    over = (
        (
            sa.select(Notification.status).where(Notification.id == Delivery.notification_id).scalar_subquery()
            == NotificationStatus.CANCELLED,
            "notification_cancelled",
        ),
    )

    def load(self, channel: str, owner: UUID, claim: Claim) -> list[OutgoingMessage]:
        """The messages of claimed notifications, read in one query."""
        return [
            OutgoingMessage(lease, row["channel"], row["expires_at"], message_or_none(_message, row), row["device_id"])
            for lease, row in read_claimed(_READ, self, channel, owner, claim)
        ]

    def tell_expired(self, session: Session, rows: Sequence[ReadRow]) -> None:
        """Of notifications products are told only how many came how far."""

    def after_results(self, session: Session, written: Sequence[WrittenResult], now: datetime) -> bool:
        """Mend push targets. A notification has no further channel to go on to."""
        mend_targets(session, (each.result for each in written), now)
        return False


NOTIFICATIONS = NotificationMessages()


def _message(row: ReadMapping) -> Message:
    title, body = words_for(row["locale"] or "", row["title"], row["body"], row["texts"] or {})
    return Message(
        id=row["id"],
        collapse_id=public_id(Prefix.NOTIFICATION, row["notification_id"]),
        target=push_target(row),
        title=title,
        body=body,
        data={
            **(row["data"] or {}),
            "delivery_id": public_id(Prefix.DELIVERY, row["id"]),
            "kind": str(DeliveryKind.NOTIFICATION),
        },
        expires_at=row["expires_at"],
        urgent=False,
        previous_error=row["error"],
    )
