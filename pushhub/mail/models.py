"""The tables of letters."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.kernel.db import Base

_WAITING = sa.text("status IN ('queued', 'sending')")


class Letter(Base):
    """One letter to one mailbox. The table is a queue, worked like that of deliveries."""

    __tablename__ = "letters"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"), index=True)
    #: What it is for: `recovery_link`, `credentials`. A word for logs and metrics.
    kind: Mapped[str] = mapped_column(sa.String(40))
    #: `queued`, `sending`, `sent`, `failed`, `expired`.
    status: Mapped[str] = mapped_column(sa.String(10))
    tries: Mapped[int]
    #: When a worker may take it: the due time while queued, the end of the lease while sending.
    claimable_at: Mapped[datetime]
    lease_owner: Mapped[UUID | None]
    #: What the last try met, where it was not a yes.
    error: Mapped[str | None] = mapped_column(sa.String(60))
    #: Mailbox, subject and words; empty once the letter is final.
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    #: It is worth nothing later: a link is over by then.
    valid_until: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]

    __table_args__ = (
        sa.Index("ix_letters_queue", "claimable_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        sa.Index("ix_letters_status_changed_at", "status", "changed_at"),
    )


class MailServerLook(Base):
    """One row: whether the mail server lets us in, as a dispatcher saw it last. It is looked at when a page asks,
    whosever letter that is about, so that what the page says tells nothing of one mailbox."""

    __tablename__ = "mail_server_looks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    #: Since when it has not let us in; empty while it does.
    failing_since: Mapped[datetime | None]


def letter_context(letter_id: UUID) -> str:
    """The context under which a letter is sealed."""
    return f"letter:{letter_id}"
