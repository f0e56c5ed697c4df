"""Whether a number's device can be reached now, by what, and if not, why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.channel_table import CHANNEL_OF_KIND
from pushhub.channels.contract import PushKind
from pushhub.context import current
from pushhub.devices.models import Binding, Device
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import ReadRow, reading, table_of
from pushhub.products.rules import Assurance

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
#: What `evaluate` looks at, for those who read it together with something else.
COLUMNS: tuple[sa.ColumnElement[object], ...] = (
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
class Reachability:
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


def look_up_reachability(number: PhoneNumber, *, proven: bool = False) -> Reachability:
    """Ask for one number."""
    with reading() as session:
        return reachability_of(session, number, proven=proven)


def reachability_of(session: Session, number: PhoneNumber, *, proven: bool = False) -> Reachability:
    """The same inside a transaction. With `proven`, a number that anybody could have bound is not reached."""
    row = session.execute(_BOUND, {"number": number}).first()
    return evaluate(row, current().channels, proven=proven) if row is not None else without_device(session, number)


_BOUND = (
    sa.select(*COLUMNS)
    .join_from(table_of(Binding), table_of(Device), _devices.id == table_of(Binding).c.device_id)
    .where(table_of(Binding).c.number == sa.bindparam("number"), table_of(Binding).c.ended_at.is_(None))
)


def evaluate(row: ReadRow, channels: Collection[str], *, proven: bool) -> Reachability:
    """The reachability of a device, by what its columns (`COLUMNS`) say."""
    kind = PushKind(row.push_kind)
    channel = CHANNEL_OF_KIND[kind]
    reason = None
    if proven and row.assurance == Assurance.ANONYMOUS_OFFER:
        reason = "assurance_too_low"
    elif channel not in channels:
        reason = "channel_not_configured"
    elif row.push_dead_at is not None:
        reason = "push_target_dead"
    elif row.notifications_allowed is False and kind is not PushKind.POLL:
        reason = "notifications_off"
    return Reachability(reason, row.device_id, channel, row.platform, row.model, row.last_seen_at, row.bound_at)


def without_device(session: Session, number: PhoneNumber) -> Reachability:
    """Why a number without a device has none."""
    before = session.scalar(sa.select(Binding.id).where(Binding.number == number).limit(1))
    return Reachability("never_bound" if before is None else "unbound")
