"""Tables of deliveries and of the tries made for them. The deliveries table is the queue."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.identity.phone import NumberColumn, PhoneNumber
from pushhub.kernel.db import Base
from pushhub.kernel.ids import new_key

_WAITING = sa.text("status IN ('queued', 'sending')")
_OF_NOTIFICATION = sa.text("notification_id IS NOT NULL")


class Delivery(Base):
    """One message on its way by one channel to one device."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    kind: Mapped[str] = mapped_column(sa.String(12))
    product_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    verification_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("verifications.id", ondelete="CASCADE"))
    notification_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("notifications.id", ondelete="CASCADE"))
    #: The number it was sent to; None for what is told to a device whatever its number.
    number: Mapped[PhoneNumber | None] = mapped_column(NumberColumn())
    device_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("devices.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(sa.String(12))
    #: For a code: at which place of its verification's route this delivery stands.
    step: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    #: Whether a person's request sent it. What a code does by itself (going on to another channel) counts toward
    #: no limit.
    asked: Mapped[bool] = mapped_column(default=False)
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
        sa.Index(
            "ix_deliveries_queue",
            "channel",
            "kind",
            "claimable_at",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        sa.Index("ix_deliveries_device_id_id", "device_id", "id"),
        sa.Index("ix_deliveries_number_created_at", "number", "created_at"),
        sa.Index("ix_deliveries_verification_id", "verification_id"),
        sa.Index(
            "ix_deliveries_notification_id",
            "notification_id",
            "status",
            sqlite_where=_OF_NOTIFICATION,
            postgresql_where=_OF_NOTIFICATION,
        ),
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


class OpenCircuit(Base):
    """A way out that was found shut: nothing is sent through it until a try succeeds again. Each dispatcher
    decides for itself; the row is for people (`pushhub doctor`, `/metrics`)."""

    __tablename__ = "open_circuits"

    channel: Mapped[str] = mapped_column(sa.String(12), primary_key=True)
    #: What of the channel is shut: an app's topic and environment, or empty for all of it.
    app: Mapped[str] = mapped_column(sa.String(300), primary_key=True)
    reason: Mapped[str] = mapped_column(sa.String(60))
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
