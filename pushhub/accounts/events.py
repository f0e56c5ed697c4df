"""What happened to an account, written for its owner and told to the phone, in the transaction that made it happen."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.models import AccountEvent
from pushhub.devices.models import Binding
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.ids import least_key_of, new_key
from pushhub.notifications.notices import Notice, tell_device
from pushhub.products.models import Product


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


def tell_phone(session: Session, product_id: UUID, number: PhoneNumber | None, notice: Notice) -> None:
    """Tell the phone that has this number now, if there is one, in the caller's transaction."""
    if number is None:
        return
    device_id = session.scalar(sa.select(Binding.device_id).where(Binding.number == number, Binding.ended_at.is_(None)))
    if device_id is not None:
        product = session.get_one(Product, product_id)
        tell_device(session, device_id, notice, number, product=product.name)


def sweep(session: Session) -> None:
    """Forget what happened longer ago than it is kept. Keys are made in the order of time, so this reads a range of
    the primary key that is empty nearly always."""
    session.execute(
        sa.delete(AccountEvent).where(AccountEvent.id < least_key_of(KEPT), AccountEvent.at < clock.now() - KEPT)
    )
