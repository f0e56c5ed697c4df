"""Whether a number can be reached now, by what, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.binding.models import Binding, Device
from pushhub.binding.rules import Assurance
from pushhub.channels.contract import PushKind
from pushhub.db import reading
from pushhub.delivery.rules import CHANNEL_OF_KIND
from pushhub.hub import hub
from pushhub.phones import PhoneNumber

#: Why a number can't be reached.
REASONS = (
    "never_bound",
    "unbound",
    "push_target_dead",
    "notifications_off",
    "channel_not_configured",
    "assurance_too_low",
)


@dataclass(frozen=True, slots=True)
class Reach:
    """How a number is reached. `reason` is None where it is reachable, else one of `REASONS`."""

    reason: str | None
    device: Device | None = None
    channel: str | None = None
    bound_at: datetime | None = None

    @property
    def reachable(self) -> bool:
        return self.reason is None


def reach_of_number(number: PhoneNumber) -> Reach:
    """Ask for one number."""
    with reading() as session:
        return reach_of(session, number)


def reach_of(session: Session, number: PhoneNumber, *, proven: bool = False) -> Reach:
    """The same inside a transaction. With `proven`, a number that anybody could have bound is not reached."""
    row = session.execute(
        sa.select(Binding.bound_at, Binding.assurance, Device)
        .join(Device, Device.id == Binding.device_id)
        .where(Binding.number == number.e164, Binding.ended_at.is_(None))
    ).first()
    if row is None:
        before = session.scalar(sa.select(Binding.id).where(Binding.number == number.e164).limit(1))
        return Reach("never_bound" if before is None else "unbound")
    bound_at, assurance, device = row
    channel = CHANNEL_OF_KIND[PushKind(device.push_kind)]
    reason = None
    if proven and assurance == Assurance.ANONYMOUS_OFFER:
        reason = "assurance_too_low"
    elif channel not in hub().channels:
        reason = "channel_not_configured"
    elif device.push_dead_at is not None:
        reason = "push_target_dead"
    elif device.notifications_allowed is False and channel != "poll":
        reason = "notifications_off"
    return Reach(reason, device, channel, bound_at)
