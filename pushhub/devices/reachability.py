"""Whether a number's device can be reached now, by what, and if not, why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.contract import PushKind
from pushhub.context import hub
from pushhub.delivery.rules import CHANNEL_OF_KIND
from pushhub.devices.models import Binding, Device
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import reading, table_of
from pushhub.products.assurance import Assurance

#: Why a number can't be reached.
REASONS = (
    "never_bound",
    "unbound",
    "push_target_dead",
    "notifications_off",
    "channel_not_configured",
    "assurance_too_low",
    "cost_ceiling",
    "no_address",
)

_devices = table_of(Device).c
#: What `judge` looks at, for those who read it together with something else.
COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    table_of(Binding).c.bound_at,
    table_of(Binding).c.assurance,
    _devices.id.label("device_id"),
    _devices.platform,
    _devices.model,
    _devices.last_seen_at,
    _devices.push_kind,
    _devices.push_dead_at,
    _devices.notifications_allowed,
)


@dataclass(frozen=True, slots=True)
class Reach:
    """How a number's device is reached. `reason` is None where it is reachable, else one of `REASONS`."""

    reason: str | None
    device_id: UUID | None = None
    channel: str | None = None
    platform: str | None = None
    model: str | None = None
    last_seen_at: datetime | None = None
    bound_at: datetime | None = None

    @property
    def reachable(self) -> bool:
        return self.reason is None


def reach_of_number(number: PhoneNumber, *, proven: bool = False) -> Reach:
    """Ask for one number."""
    with reading() as session:
        return reach_of(session, number.e164, proven=proven)


def reach_of(session: Session, number: str, *, proven: bool = False) -> Reach:
    """The same inside a transaction. With `proven`, a number that anybody could have bound is not reached."""
    row = session.execute(_BOUND, {"number": number}).first()
    return judge(row, hub().channels, proven=proven) if row is not None else never_or_no_more(session, number)


_BOUND = (
    sa.select(*COLUMNS)
    .join_from(table_of(Binding), table_of(Device), _devices.id == table_of(Binding).c.device_id)
    .where(table_of(Binding).c.number == sa.bindparam("number"), table_of(Binding).c.ended_at.is_(None))
)


def judge(row: Any, channels: Collection[str], *, proven: bool) -> Reach:
    """What the columns of a bound device say."""
    channel = CHANNEL_OF_KIND[PushKind(row.push_kind)]
    reason = None
    if proven and row.assurance == Assurance.ANONYMOUS_OFFER:
        reason = "assurance_too_low"
    elif channel not in channels:
        reason = "channel_not_configured"
    elif row.push_dead_at is not None:
        reason = "push_target_dead"
    elif row.notifications_allowed is False and channel != "poll":
        reason = "notifications_off"
    return Reach(reason, row.device_id, channel, row.platform, row.model, row.last_seen_at, row.bound_at)


def never_or_no_more(session: Session, number: str) -> Reach:
    """Why a number without a device has none."""
    before = session.scalar(sa.select(Binding.id).where(Binding.number == number).limit(1))
    return Reach("never_bound" if before is None else "unbound")
