"""By which channel a code goes: the first of its route that can carry it, then the next, each at most once.

    ask ──→ step 0 ──(no receipt in time, target dead, channel down)──→ step 1 ──→ … ──→ the last
                 └──(device's receipt)──→ it goes no further

A place that can't carry the code (number never bound, no mailbox told, ceiling reached) is written down as a
delivery that failed, so that the product sees why, and the code goes on to the next place at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pushhub.context import hub
from pushhub.delivery.outbox import new_delivery
from pushhub.delivery.rules import TEST_CHANNEL, DeliveryKind
from pushhub.devices.reachability import Reach
from pushhub.events.models import Event, Tag
from pushhub.events.record import event_row
from pushhub.kernel.db import Base
from pushhub.kernel.ids import Prefix, public_id
from pushhub.kernel.limits import PAID_MESSAGES, count_up, take_back
from pushhub.products.route import PAID, PUSH, READABLE, Step


@dataclass(slots=True)
class Carried:
    """What became of sending a code from one place of its route on."""

    #: The rows of deliveries: those that were skipped, and at the end the one that goes out, if there is one.
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    #: At which place of the route the code is now.
    step: int = 0
    #: Why the first place that was tried can't carry it.
    reason: str | None = None
    #: The channel that has it; None where no place was left.
    channel: str | None = None
    #: Whether whoever gets the message can read the code.
    readable: bool = False
    #: When it goes on by itself; None at the last place.
    escalate_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """The code that is to be carried."""

    verification_id: UUID
    product_id: UUID
    number: str
    live: bool
    expires_at: datetime
    has_email: bool
    paid_per_day: int
    #: Whether the purpose demands that the number itself is proven.
    proven: bool = False


def carry(
    session: Session,
    parcel: Parcel,
    steps: Sequence[Step],
    first: int,
    reach: Callable[[], Reach],
    now: datetime,
    *,
    asked: bool,
) -> Carried:
    """Find the first place from `first` on that can carry the code. Writes nothing but the count of paid messages.

    `asked` says that a person's request sends it, and not the code's going on by itself.
    """
    carried = Carried(step=min(first, len(steps) - 1))
    if not parcel.live:
        carried.channel = TEST_CHANNEL
        carried.deliveries.append(_delivery(parcel, first, now, TEST_CHANNEL) | {"asked": asked})
        return carried
    for place in range(first, len(steps)):
        step = steps[place]
        channel, device_id, reason = _way(session, parcel, step, reach)
        carried.step = place
        carried.deliveries.append(_delivery(parcel, place, now, channel, device_id, reason))
        if reason is None:
            carried.deliveries[-1]["asked"] = asked
            carried.channel = channel
            carried.readable = channel in READABLE
            goes_on = any(_could_carry(parcel, later) for later in steps[place + 1 :])
            carried.escalate_at = now + step.patience if step.patience and goes_on else None
            return carried
        carried.reason = carried.reason or reason
    return carried


def _way(
    session: Session, parcel: Parcel, step: Step, reach: Callable[[], Reach]
) -> tuple[str, UUID | None, str | None]:
    """The channel and device for one place of the route, and why it can't be used."""
    if step.channel == PUSH:
        reached = reach()
        return reached.channel if reached.channel and reached.reachable else PUSH, reached.device_id, reached.reason
    if reason := _why_never(parcel, step):
        return step.channel, None, reason
    if step.channel in PAID:
        subject = str(parcel.product_id)
        if count_up(session, PAID_MESSAGES, subject) > parcel.paid_per_day:
            take_back(session, PAID_MESSAGES, subject)
            return step.channel, None, "cost_ceiling"
    return step.channel, None, None


def _why_never(parcel: Parcel, step: Step) -> str | None:
    """Why a place can't carry this code, whatever happens meanwhile."""
    if step.channel != PUSH and step.channel not in hub().channels:
        return "channel_not_configured"
    if step.channel == "email":
        if not parcel.has_email:
            return "no_address"
        if parcel.proven:  # a mailbox proves no number
            return "assurance_too_low"
    return None


def _could_carry(parcel: Parcel, step: Step) -> bool:
    """Whether it is worth going on to this place: a code does not leave a channel for one that can't have it."""
    return _why_never(parcel, step) is None


def _delivery(
    parcel: Parcel,
    place: int,
    now: datetime,
    channel: str,
    device_id: UUID | None = None,
    skipped: str | None = None,
) -> dict[str, Any]:
    return new_delivery(
        kind=DeliveryKind.CODE,
        channel=channel,
        now=now,
        expires_at=parcel.expires_at,
        device_id=device_id if skipped is None else None,
        number=parcel.number,
        product_id=parcel.product_id,
        verification_id=parcel.verification_id,
        step=place,
        skipped=skipped,
    )


def told_of_skipped(carried: Carried) -> list[tuple[type[Base], dict[str, Any]]]:
    """The events of places that were passed over."""
    return [
        (
            Event,
            event_row(
                Tag.DELIVERY_FAILED,
                row["id"],
                row["product_id"],
                verification_id=public_id(Prefix.VERIFICATION, row["verification_id"]),
                channel=row["channel"],
                error=row["error"],
            ),
        )
        for row in carried.deliveries
        if row["error"] is not None
    ]
