"""The table of notifications."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.kernel.db import Base, JsonObject
from pushhub.kernel.ids import new_key


class Notification(Base):
    __tablename__ = "notifications"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    #: Who sends it; None for what the service itself tells a device.
    product_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[str] = mapped_column(sa.String(2000))
    data: Mapped[JsonObject] = mapped_column(default=dict)
    #: The words in other languages: `{"kk": {"title": …, "body": …}}`.
    texts: Mapped[JsonObject] = mapped_column(default=dict)
    #: `scheduled`, `sending`, `sent`, `cancelled`.
    status: Mapped[str] = mapped_column(sa.String(10), default="sent")
    #: False for one made with a test key: it reaches nobody.
    live: Mapped[bool] = mapped_column(default=True)
    #: To whom: the numbers, until they have been turned into deliveries; None means every number of the product.
    numbers: Mapped[list[str] | None] = mapped_column(sa.JSON(none_as_null=True))
    #: How far the turning into deliveries has come: a place in `numbers`, or the last binding that was looked at.
    cursor: Mapped[str] = mapped_column(sa.String(40), default="")
    #: How many numbers it is for (None while nobody has counted all numbers of the product), and how many of them
    #: are bound to no device.
    recipients: Mapped[int | None]
    unreachable: Mapped[int] = mapped_column(default=0)
    send_at: Mapped[datetime | None]
    #: When the next of its numbers are turned into deliveries. Moved on with each turn, so that those which are under
    #: way at the same time take turns.
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]

    __table_args__ = (
        sa.Index(
            "ix_notifications_due",
            "due_at",
            sqlite_where=sa.text("status IN ('scheduled', 'sending')"),
            postgresql_where=sa.text("status IN ('scheduled', 'sending')"),
        ),
    )
