"""Tables of offers, devices, bindings, and the memory of proofs that were used."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pushhub.identity.phone import NumberColumn, PhoneNumber
from pushhub.kernel.db import Base
from pushhub.kernel.ids import new_key


class Platform(StrEnum):
    """The kinds of phones."""

    ANDROID = "android"
    IOS = "ios"
    HUAWEI = "huawei"
    WEB = "web"


class OfferStatus(StrEnum):
    """How far an offer has come; the state diagram is in `pushhub.binding.rules`."""

    PENDING = "pending"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Offer(Base):
    """An invitation to bind, shown as a password that changes and as a QR code."""

    __tablename__ = "offers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    number: Mapped[PhoneNumber] = mapped_column(NumberColumn())
    #: False for an offer made with a test key: it is shown like any other and binds nobody.
    live: Mapped[bool]
    status: Mapped[str] = mapped_column(sa.String(12))
    #: Why it ended without being used: `replaced`, `cancelled`, `too_many_tries`.
    closed_reason: Mapped[str | None] = mapped_column(sa.String(20))
    assurance: Mapped[str] = mapped_column(sa.String(20))
    locale: Mapped[str] = mapped_column(sa.String(5))
    totp_secret: Mapped[bytes]
    qr_secret: Mapped[bytes]
    qr_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    step_seconds: Mapped[int]
    tries: Mapped[int] = mapped_column(default=0)
    #: The time step whose password was accepted last; it and those before it are not accepted again.
    last_step: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    binding_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("bindings.id", ondelete="SET NULL"))

    binding: Mapped[Binding | None] = relationship(foreign_keys=[binding_id])

    __table_args__ = (
        sa.Index(
            "uq_offers_pending",
            "product_id",
            "number",
            "live",
            unique=True,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        ),
        sa.Index("ix_offers_number_status", "number", "status"),
        sa.Index("ix_offers_expires_at", "expires_at"),
    )


class Device(Base):
    """One installation of the app on one phone, recognised after a reinstall by its hardware id."""

    __tablename__ = "devices"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    #: Keyed digests; the ids themselves are not kept.
    installation_digest: Mapped[str] = mapped_column(sa.String(64), index=True)
    hardware_digest: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    #: RFC 7638 thumbprint of the device's public key; every request must be signed with it.
    key_thumbprint: Mapped[str] = mapped_column(sa.String(64))
    secret_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    platform: Mapped[str] = mapped_column(sa.String(10))
    model: Mapped[str] = mapped_column(sa.String(80))
    os_version: Mapped[str] = mapped_column(sa.String(40))
    app_version: Mapped[str] = mapped_column(sa.String(40))
    locale: Mapped[str] = mapped_column(sa.String(5))
    push_kind: Mapped[str] = mapped_column(sa.String(12))
    push_value: Mapped[str | None] = mapped_column(sa.String(4096))
    push_topic: Mapped[str | None] = mapped_column(sa.String(255))
    push_environment: Mapped[str | None] = mapped_column(sa.String(12))
    push_registered_at: Mapped[datetime]
    #: Set when the provider said that the target is gone; a new registration clears it.
    push_dead_at: Mapped[datetime | None]
    notifications_allowed: Mapped[bool | None]
    push_service_present: Mapped[bool | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class Binding(Base):
    """One device's time as one number, from and to."""

    __tablename__ = "bindings"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    number: Mapped[PhoneNumber] = mapped_column(NumberColumn(), index=True)
    device_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    #: How the number was proven (`rules.Assurance`).
    assurance: Mapped[str] = mapped_column(sa.String(20))
    consent_version: Mapped[str] = mapped_column(sa.String(20))
    bound_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    #: `moved` (to another device), `other_number`, `unbound` (by the person), `operator`.
    end_reason: Mapped[str | None] = mapped_column(sa.String(20))

    device: Mapped[Device] = relationship()

    __table_args__ = (
        sa.Index(
            "uq_bindings_active_number",
            "number",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index(
            "uq_bindings_active_device",
            "device_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        # For walking through all active bindings, page by page.
        sa.Index(
            "ix_bindings_active",
            "id",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )


class UsedProof(Base):
    """A proof that was seen, remembered until it would be too old anyway."""

    __tablename__ = "used_proofs"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
