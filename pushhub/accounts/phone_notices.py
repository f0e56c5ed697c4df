"""Telling the phone of an account what happened to the account."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.devices.models import Binding
from pushhub.identity.phone import PhoneNumber
from pushhub.notifications.notices import Notice, tell_device
from pushhub.products.models import Product


def tell(session: Session, product_id: UUID, number: PhoneNumber | None, notice: Notice) -> None:
    """Tell the phone that has this number now, if there is one, in the caller's transaction."""
    if number is None:
        return
    device_id = session.scalar(sa.select(Binding.device_id).where(Binding.number == number, Binding.ended_at.is_(None)))
    if device_id is not None:
        product = session.get_one(Product, product_id)
        tell_device(session, device_id, notice, number, product=product.name)
