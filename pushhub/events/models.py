"""The tables of events: what happened, and the last place that was given in their order."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.kernel.db import Base, JsonObject
from pushhub.kernel.ids import new_key


class Tag(StrEnum):
    """The kinds of events. A webhook names them to choose what it is told."""

    OFFER_CREATED = "offer.created"
    OFFER_USED = "offer.used"
    OFFER_CANCELLED = "offer.cancelled"
    OFFER_EXPIRED = "offer.expired"
    BINDING_CREATED = "binding.created"
    BINDING_ENDED = "binding.ended"
    VERIFICATION_CREATED = "verification.created"
    VERIFICATION_RESENT = "verification.resent"
    VERIFICATION_ESCALATED = "verification.escalated"
    VERIFICATION_UNDELIVERABLE = "verification.undeliverable"
    VERIFICATION_ARMED = "verification.armed"
    VERIFICATION_APPROVED = "verification.approved"
    VERIFICATION_EXHAUSTED = "verification.exhausted"
    VERIFICATION_EXPIRED = "verification.expired"
    VERIFICATION_CANCELLED = "verification.cancelled"
    DELIVERY_ACCEPTED = "delivery.accepted"
    DELIVERY_RECEIVED = "delivery.received"
    DELIVERY_SEEN = "delivery.seen"
    DELIVERY_DEAD = "delivery.dead"
    DELIVERY_FAILED = "delivery.failed"
    DELIVERY_EXPIRED = "delivery.expired"
    NOTIFICATION_CREATED = "notification.created"
    NOTIFICATION_SENT = "notification.sent"
    NOTIFICATION_CANCELLED = "notification.cancelled"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_TEST = "webhook.test"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"


class Event(Base):
    """One change of state, told to the product whose it is."""

    __tablename__ = "events"

    #: Given out by the database: of two events of one verification the later one has the higher position.
    position: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    id: Mapped[UUID] = mapped_column(default=new_key)
    #: The place in what `GET /v1/events` and webhooks tell. Given after the commit, by one process at a time
    #: (see `pushhub.events.relay`), so that no event appears behind a reader who has passed its place.
    sequence: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: Whose event it is; None for what concerns no single product.
    product_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    #: False for what a test key did.
    live: Mapped[bool] = mapped_column(default=True)
    tag: Mapped[str] = mapped_column(sa.String(40))
    #: The key of the offer, binding, verification … that changed.
    subject_id: Mapped[UUID]
    data: Mapped[JsonObject] = mapped_column(default=dict)
    at: Mapped[datetime]

    __table_args__ = (
        sa.Index("ix_events_product_id_live_sequence", "product_id", "live", "sequence"),
        sa.Index("uq_events_sequence", "sequence", unique=True),
        sa.Index(
            "ix_events_unsequenced",
            "position",
            sqlite_where=sa.text("sequence IS NULL"),
            postgresql_where=sa.text("sequence IS NULL"),
        ),
        sa.Index("ix_events_subject_id", "subject_id"),
    )


class EventCounter(Base):
    """One row: the last number that was given to an event. A number is never given twice, also after the newest
    events were deleted, so a reader's cursor keeps its meaning."""

    __tablename__ = "event_counter"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(sa.BigInteger)
