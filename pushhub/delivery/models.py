"""Tables of deliveries and of the tries made for them. The deliveries table is the queue."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.db import Base
from pushhub.ids import new_key

_WAITING = sa.text("status IN ('queued', 'sending')")


class Delivery(Base):
    """One message on its way by one channel to one device."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    kind: Mapped[str] = mapped_column(sa.String(12))
    product_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    verification_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("verifications.id", ondelete="CASCADE"))
    notification_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("notifications.id", ondelete="CASCADE"))
    #: The number it was sent to; None for what is told to a device whatever its number.
    number: Mapped[str | None] = mapped_column(sa.String(20))
    device_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("devices.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(sa.String(12))
    status: Mapped[str] = mapped_column(sa.String(10))
    #: When a dispatcher may take it: the due time while queued, the end of the lease while sending. A
    #: dispatcher that dies thereby gives its rows back without anybody's help.
    claimable_at: Mapped[datetime]
    lease_owner: Mapped[UUID | None]
    tries: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    #: When the status last changed.
    changed_at: Mapped[datetime]
    received_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    #: Why it did not work, in the provider's stable word; None while all is well.
    error: Mapped[str | None] = mapped_column(sa.String(60))

    __table_args__ = (
        # Only what waits is in the index of the queue, so it stays small however much history there is.
        sa.Index("ix_deliveries_queue", "channel", "claimable_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        sa.Index("ix_deliveries_device_id_id", "device_id", "id"),
        sa.Index("ix_deliveries_number_created_at", "number", "created_at"),
        sa.Index("ix_deliveries_verification_id", "verification_id"),
    )


class Attempt(Base):
    """One try of a delivery."""

    __tablename__ = "attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    delivery_id: Mapped[UUID] = mapped_column(sa.ForeignKey("deliveries.id", ondelete="CASCADE"), index=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    #: `accepted`, `target_dead`, `retry`, `rejected`, `channel_down`.
    outcome: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[str | None] = mapped_column(sa.String(60))
    #: The provider's name for the message (FCM `name`, APNs `apns-id`).
    provider_id: Mapped[str | None] = mapped_column(sa.String(200))


class DispatcherBeat(Base):
    """When each dispatcher was last alive; `/readyz` looks at it."""

    __tablename__ = "dispatcher_beats"

    owner: Mapped[UUID] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
