"""The table of verifications, and what is written into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.identity.phone import NumberColumn, PhoneNumber
from pushhub.kernel.db import Base, NewRow
from pushhub.kernel.ids import new_key
from pushhub.verifications.rules import VerificationStatus


class Verification(Base):
    """One request to prove possession of a number."""

    __tablename__ = "verifications"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    number: Mapped[PhoneNumber] = mapped_column(NumberColumn())
    purpose: Mapped[str] = mapped_column(sa.String(40))
    #: False for one made with a test key: it reaches nobody and its code is all zeros.
    live: Mapped[bool]
    status: Mapped[str] = mapped_column(sa.String(10))
    digits: Mapped[int]
    #: Keyed digest of the code; what a check looks at.
    code_digest: Mapped[str] = mapped_column(sa.String(100))
    #: The code, sealed, while it may still be fetched or sent again; erased with the end of the verification.
    code_sealed: Mapped[bytes | None]
    #: `fetch` or `inline` (`products.rules.CodePush`), as the product's policy was when it asked.
    code_push: Mapped[str] = mapped_column(sa.String(8))
    locale: Mapped[str] = mapped_column(sa.String(5))
    attempts_allowed: Mapped[int]
    attempts_used: Mapped[int]
    resends_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    resend_at: Mapped[datetime]
    #: The product's channel order as it was when it asked: `["push:20", "sms"]`.
    route: Mapped[list[str]] = mapped_column(sa.JSON)
    #: Which place of the route it has come to, from 0.
    step: Mapped[int] = mapped_column(sa.SmallInteger)
    #: When the code goes on to the next channel unless the device has it by then; None where it goes no further.
    escalate_at: Mapped[datetime | None]
    #: The person's mailbox, sealed, where the product told it; erased with the end of the verification.
    email_sealed: Mapped[bytes | None]
    #: When the bound device fetched the code, or the code left in readable form (SMS, e-mail). Before that a check
    #: is refused without looking.
    armed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index(
            "uq_verifications_live",
            "product_id",
            "number",
            "purpose",
            "live",
            unique=True,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        ),
        # Of the pending ones, too, but said in another way: no look for one verification may take this index. While a
        # table is empty all of them cost the same to the planner, and a plan is kept for as long as the connection.
        sa.Index(
            "ix_verifications_due",
            "expires_at",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
        sa.Index(
            "ix_verifications_escalation",
            "escalate_at",
            sqlite_where=sa.text("escalate_at IS NOT NULL"),
            postgresql_where=sa.text("escalate_at IS NOT NULL"),
        ),
        sa.Index("ix_verifications_number_product_id", "number", "product_id"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerification(NewRow):
    """A verification that is to be written."""

    model = Verification
    id: UUID
    product_id: UUID
    number: PhoneNumber
    purpose: str
    live: bool
    status: VerificationStatus
    digits: int
    code_digest: str
    code_sealed: bytes
    code_push: str
    locale: str
    attempts_allowed: int
    attempts_used: int
    resends_left: int
    created_at: datetime
    expires_at: datetime
    resend_at: datetime
    route: list[str]
    step: int
    escalate_at: datetime | None
    email_sealed: bytes | None
    armed_at: datetime | None
    closed_at: datetime | None


def code_context(verification_id: UUID) -> str:
    """The context under which a verification's code is sealed and digested."""
    return f"code:{verification_id}"


def email_context(verification_id: UUID) -> str:
    """The context under which the person's mailbox is sealed."""
    return f"email:{verification_id}"
