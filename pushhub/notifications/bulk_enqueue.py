"""Many deliveries of one notification, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.models import Delivery
from pushhub.delivery.outbox import new_delivery
from pushhub.delivery.rules import DeliveryKind
from pushhub.kernel.db import ManyRows, db, table_of
from pushhub.kernel.ids import new_key
from pushhub.queueing.wake import wake_after_commit

_table = table_of(Delivery)
#: What differs from one delivery to the next.
_OWN = ("id", "number", "device_id", "channel")
_recipients = ManyRows("recipients", *(_table.c[name] for name in _OWN))

#: A number, the device that has it (None with a test key), and the channel that leads there.
Recipient = tuple[str, UUID | None, str]


def enqueue_many(
    session: Session,
    recipients: Sequence[Recipient],
    *,
    product_id: UUID,
    notification_id: UUID,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Write a delivery for each recipient in the caller's transaction; dispatchers are woken after it."""
    if not recipients:
        return
    same = new_delivery(
        DeliveryKind.NOTIFICATION,
        "",
        now,
        expires_at,
        product_id=product_id,
        notification_id=notification_id,
    )
    values = {name: value for name, value in same.values().items() if name not in _OWN}
    rows = _recipients.parameter((new_key(), *recipient) for recipient in recipients)
    session.connection().execute(_inserting(db.engine.dialect.name, tuple(values)), values | rows)
    for channel in {channel for _, _, channel in recipients}:
        wake_after_commit(session, channel)


@lru_cache(maxsize=4)
def _inserting(dialect: str, same: tuple[str, ...]) -> sa.Insert:
    each = _recipients.table
    values = [sa.bindparam(name, type_=_table.c[name].type) for name in same]
    return sa.insert(_table).from_select([*_OWN, *same], sa.select(*(each.c[name] for name in _OWN), *values))
