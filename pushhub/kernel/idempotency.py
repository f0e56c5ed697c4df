"""Requests that are safe to repeat (draft-ietf-httpapi-idempotency-key-header-07).

Only ids are kept, for 24 hours: a repeat is answered by reading again the thing that the first request made,
so that no secret of the first answer lies here. The row is written in the transaction that makes the thing;
of two requests at once the slower one is refused by the primary key and, on its second try, finds the row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pushhub.kernel import clock
from pushhub.kernel.db import Base
from pushhub.kernel.errors import IdempotencyKeyMalformed, IdempotencyKeyReused

KEPT = timedelta(hours=24)


class IdempotencyKey(Base):
    """Which thing a key made."""

    __tablename__ = "idempotency_keys"

    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    key_digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    request_digest: Mapped[str] = mapped_column(sa.String(64))
    resource_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """The key of one request and a digest of what was asked."""

    key_digest: str
    request_digest: str

    @classmethod
    def of(cls, key: str, space: str, *request: str) -> Repeatable:
        """`space` keeps apart what must not meet (live and test).

        Raises `IdempotencyKeyMalformed` for a key that is empty, too long or not visible ASCII.
        """
        if not 1 <= len(key) <= 255 or not all("!" <= letter <= "~" for letter in key):
            raise IdempotencyKeyMalformed
        asked = hashlib.sha256("\0".join(request).encode()).hexdigest()
        return cls(hashlib.sha256(f"{space}\0{key}".encode()).hexdigest(), asked)


def made_before(session: Session, product_id: UUID, request: Repeatable | None) -> UUID | None:
    """The key of the thing this request made already. Raises `IdempotencyKeyReused` for another request."""
    if request is None:
        return None
    row = session.execute(
        sa.select(IdempotencyKey.request_digest, IdempotencyKey.resource_id).where(
            IdempotencyKey.product_id == product_id,
            IdempotencyKey.key_digest == request.key_digest,
            IdempotencyKey.created_at > clock.now() - KEPT,
        )
    ).first()
    if row is None:
        return None
    if row.request_digest != request.request_digest:
        raise IdempotencyKeyReused
    made: UUID = row.resource_id
    return made


def remember(session: Session, product_id: UUID, request: Repeatable | None, resource_id: UUID) -> None:
    """Write down what the request made, in the transaction that made it."""
    if request is None:
        return
    session.execute(
        sa.delete(IdempotencyKey).where(
            IdempotencyKey.product_id == product_id,
            IdempotencyKey.key_digest == request.key_digest,
            IdempotencyKey.created_at <= clock.now() - KEPT,
        )
    )
    session.execute(
        sa.insert(IdempotencyKey).values(
            product_id=product_id,
            key_digest=request.key_digest,
            request_digest=request.request_digest,
            resource_id=resource_id,
            created_at=clock.now(),
        )
    )


def sweep(session: Session) -> None:
    """Forget keys that are older than they are kept."""
    session.execute(sa.delete(IdempotencyKey).where(IdempotencyKey.created_at <= clock.now() - KEPT))
