"""The table of panels."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.identity.phone import NumberColumn, PhoneNumber
from pushhub.kernel.db import Base
from pushhub.kernel.ids import new_key


class Panel(Base):
    """One panel in one page of a product: for one number and, unless it only binds, for one purpose."""

    __tablename__ = "panels"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    number: Mapped[PhoneNumber] = mapped_column(NumberColumn())
    #: False for one that was made with a test key: it reaches nobody.
    live: Mapped[bool]
    #: What its code is for; None for a panel that only binds.
    purpose: Mapped[str | None] = mapped_column(sa.String(40))
    #: What its offers say of how the number was proven (`binding.rules.Assurance`).
    assurance: Mapped[str] = mapped_column(sa.String(20))
    locale: Mapped[str] = mapped_column(sa.String(5))
    #: The only origin whose pages may use it; None for any.
    origin: Mapped[str | None] = mapped_column(sa.String(255))
    #: SHA-256 of the secret.
    secret_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    #: The offer and the verification that it shows, the newest of each.
    offer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("offers.id", ondelete="SET NULL"))
    verification_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("verifications.id", ondelete="SET NULL"))
    #: When the right code was typed into this very panel.
    approved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
