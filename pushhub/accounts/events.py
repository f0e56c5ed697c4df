"""What happened to an account, written for its owner in the transaction that made it happen."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.models import AccountEvent
from pushhub.kernel import clock
from pushhub.kernel.ids import least_key_of, new_key


class EventKind(StrEnum):
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SESSIONS_ENDED = "sessions_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of event
    REGISTERED = "registered"
    REREGISTERED = "reregistered"
    LOGIN_SET = "login_set"
    EMAIL_ASKED = "email_asked"
    EMAIL_CONFIRMED = "email_confirmed"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    USER_CONFIRMED = "user_confirmed"
    USER_REMOVED = "user_removed"


#: How long it stays known what happened to an account.
KEPT = timedelta(days=365)


def note(session: Session, account_id: UUID, kind: EventKind, **data: object) -> None:
    """Write one event in the caller's transaction."""
    session.execute(
        sa.insert(AccountEvent).values(id=new_key(), account_id=account_id, kind=kind, data=data, at=clock.now())
    )


def sweep(session: Session) -> None:
    """Forget what happened longer ago than it is kept. Keys are made in the order of time, so this reads a range of
    the primary key that is empty nearly always."""
    session.execute(
        sa.delete(AccountEvent).where(AccountEvent.id < least_key_of(KEPT), AccountEvent.at < clock.now() - KEPT)
    )
