"""Tables of webhooks, their secrets, and the messages that are on their way to them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.kernel.db import Base
from pushhub.kernel.ids import new_key


class Webhook(Base):
    """An address of a product that is told of its events."""

    __tablename__ = "webhooks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"), index=True)
    #: Whether it is told what live keys do, or what test keys do.
    live: Mapped[bool]
    url: Mapped[str] = mapped_column(sa.String(2000))
    #: Which kinds of events it is told of; empty means all.
    tags: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    #: `gone` (the address answered 410) or `switched_off`; None while it is told.
    disabled_reason: Mapped[str | None] = mapped_column(sa.String(20))
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


_CURRENT = sa.text("signs_until IS NULL")


class WebhookSecret(Base):
    """What messages to a webhook are signed with: one current secret, and those that it took the place of a
    short while ago."""

    __tablename__ = "webhook_secrets"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    webhook_id: Mapped[UUID] = mapped_column(sa.ForeignKey("webhooks.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[bytes]
    #: None for the current one.
    signs_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        sa.Index(
            "uq_webhook_secrets_current",
            "webhook_id",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )


def secret_context(secret_id: UUID) -> str:
    """The context under which a secret is sealed."""
    return f"webhook-secret:{secret_id}"


_WAITING = sa.text("status IN ('queued', 'sending')")
_DONE = sa.text("status IN ('delivered', 'failed')")


class WebhookMessage(Base):
    """One event on its way to one webhook. The table is a queue of its own, worked like that of deliveries."""

    __tablename__ = "webhook_messages"

    webhook_id: Mapped[UUID] = mapped_column(sa.ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True)
    event_position: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        sa.ForeignKey("events.position", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    )
    #: The event's subject: what is told of one thing goes out in its order.
    subject_id: Mapped[UUID]
    #: `queued`, `sending`, `delivered`, `failed`.
    status: Mapped[str] = mapped_column(sa.String(10))
    tries: Mapped[int]
    #: When a sender may take it: the due time while queued, the end of the lease while sending.
    claimable_at: Mapped[datetime]
    lease_owner: Mapped[UUID | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    #: What the last try met: the HTTP status, and a stable word where it was not a yes.
    last_status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(sa.String(60))

    __table_args__ = (
        # What waits, by webhook: a sender takes a few of each, and passes by those that wait for an earlier one.
        sa.Index(
            "ix_webhook_messages_queue",
            "webhook_id",
            "claimable_at",
            "event_position",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        sa.Index(
            "ix_webhook_messages_subject",
            "webhook_id",
            "subject_id",
            "event_position",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        sa.Index("ix_webhook_messages_done", "status", "changed_at", sqlite_where=_DONE, postgresql_where=_DONE),
    )
