"""Tables of products and their API keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.kernel.db import Base, JsonObject
from pushhub.kernel.ids import new_key


class Product(Base):
    __tablename__ = "products"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    #: The name that people see on the phone.
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    #: What differs from the default policy (see `rules.Policy`).
    policy: Mapped[JsonObject] = mapped_column(default=dict)
    created_at: Mapped[datetime]


class ApiKey(Base):
    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"), index=True)
    #: SHA-256 of the key; the key itself is shown once and kept nowhere.
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    #: Whether it reaches people; a test key reaches nobody.
    live: Mapped[bool]
    scopes: Mapped[list[str]] = mapped_column(sa.JSON)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
