"""What happened, for the people who must be able to tell later: one row for each change of state, written in
the transaction that made the change. No row holds a code, a password, a push target or a full number."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pushhub import clock
from pushhub.db import Base
from pushhub.ids import new_key


class Tag(StrEnum):
    """The kinds of events."""

    OFFER_CREATED = "offer.created"
    OFFER_USED = "offer.used"
    OFFER_CANCELLED = "offer.cancelled"
    OFFER_EXPIRED = "offer.expired"
    BINDING_CREATED = "binding.created"
    BINDING_ENDED = "binding.ended"
    VERIFICATION_CREATED = "verification.created"
    VERIFICATION_RESENT = "verification.resent"
    VERIFICATION_ARMED = "verification.armed"
    VERIFICATION_APPROVED = "verification.approved"
    VERIFICATION_EXHAUSTED = "verification.exhausted"
    VERIFICATION_EXPIRED = "verification.expired"
    VERIFICATION_CANCELLED = "verification.cancelled"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"


class Event(Base):
    __tablename__ = "events"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    #: Whose event it is; None for what concerns no single product.
    product_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    tag: Mapped[str] = mapped_column(sa.String(40))
    #: The key of the offer, binding, verification … that changed.
    subject_id: Mapped[UUID]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]

    __table_args__ = (
        sa.Index("ix_events_product_id_id", "product_id", "id"),
        sa.Index("ix_events_subject_id", "subject_id"),
    )


def record(session: Session, tag: Tag, subject_id: UUID, product_id: UUID | None, **data: Any) -> None:
    """Write one event in the caller's transaction."""
    row = {"id": new_key(), "product_id": product_id, "tag": tag, "subject_id": subject_id, "data": data}
    session.execute(sa.insert(Event), [{**row, "at": clock.now()}])
