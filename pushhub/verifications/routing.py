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
from uuid import UUID

from sqlalchemy.orm import Session

from pushhub.channels.channel_table import PAID, Receiver, receiver_of
from pushhub.context import current
from pushhub.delivery.outbox import NewDelivery, new_delivery
from pushhub.delivery.rules import TEST_CHANNEL, DeliveryKind
from pushhub.devices.reachability import Reachability
from pushhub.events.models import Tag
from pushhub.events.record import NewEvent, new_event
from pushhub.kernel.db import NewRow
from pushhub.kernel.errors import NumberUnreachable
from pushhub.kernel.ids import Prefix, public_id
from pushhub.kernel.limits import PAID_MESSAGES, count_up, take_back
from pushhub.products.route import PUSH, Step
from pushhub.products.rules import Policy
from pushhub.verifications.models import NewVerification, Verification


@dataclass(slots=True)
class Routed:
    """What became of sending a code from one place of its route on."""

    #: Those that were passed over, and at the end the one that goes out, if there is one.
    deliveries: list[NewDelivery] = field(default_factory=list)
    #: An event for each that was passed over.
    passed_over: list[NewEvent] = field(default_factory=list)
    #: At which place of the route the code is now.
    step: int = 0
    #: Why the first place that was tried can't carry it.
    reason: str | None = None
    #: The channel that has it; None where no place was left.
    channel: str | None = None
    #: When it goes on by itself; None at the last place.
    escalate_at: datetime | None = None

    def rows(self) -> list[NewRow]:
        """The rows that are to be written."""
        return [*self.deliveries, *self.passed_over]


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """The code that is to be sent, and its product's policy."""

    verification: Verification | NewVerification
    policy: Policy

    @property
    def proven(self) -> bool:
        """Whether the purpose demands that the number itself is proven."""
        return self.verification.purpose in self.policy.proven_purposes


def choose_channel(
    session: Session,
    request: RouteRequest,
    steps: Sequence[Step],
    first: int,
    reach: Callable[[], Reachability],
    now: datetime,
    *,
    asked: bool,
) -> Routed:
    """Find the first place from `first` on that can carry the code. Writes nothing but the count of paid messages.

    `asked` says that a person's request sends it, and not the code's going on by itself.
    """
    routed = Routed(step=min(first, len(steps) - 1))
    if not request.verification.live:
        routed.channel = TEST_CHANNEL
        routed.deliveries.append(_delivery(request, first, now, TEST_CHANNEL, asked=asked))
        return routed
    for place in range(first, len(steps)):
        step = steps[place]
        channel, device_id, reason = _way(session, request, step, reach)
        routed.step = place
        if reason is not None:
            skipped = _delivery(request, place, now, channel, skipped=reason)
            routed.deliveries.append(skipped)
            routed.passed_over.append(_event(request, skipped))
            routed.reason = routed.reason or reason
            continue
        routed.deliveries.append(_delivery(request, place, now, channel, device_id, asked=asked))
        routed.channel = channel
        # A code does not leave a channel for one that can't have it.
        goes_on = any(_why_never(request, later) is None for later in steps[place + 1 :])
        routed.escalate_at = now + step.patience if step.patience and goes_on else None
        return routed
    return routed


def require_channel(routed: Routed) -> str:
    """The channel that has the code. Raises `NumberUnreachable` (with `reason`) where none does."""
    if routed.channel is None:
        raise NumberUnreachable(reason=routed.reason)
    return routed.channel


def _way(
    session: Session, request: RouteRequest, step: Step, reach: Callable[[], Reachability]
) -> tuple[str, UUID | None, str | None]:
    """The channel and device for one place of the route, and why it can't be used. A paid message is counted."""
    if step.channel == PUSH:
        reached = reach()
        return reached.channel if reached.channel and reached.reachable else PUSH, reached.device_id, reached.reason
    if reason := _why_never(request, step):
        return step.channel, None, reason
    if step.channel in PAID:
        subject = str(request.verification.product_id)
        if count_up(session, PAID_MESSAGES, subject) > request.policy.paid_per_day:
            take_back(session, PAID_MESSAGES, subject)
            return step.channel, None, "cost_ceiling"
    return step.channel, None, None


def _why_never(request: RouteRequest, step: Step) -> str | None:
    """Why a place can't carry this code, whatever happens meanwhile."""
    if step.channel != PUSH and step.channel not in current().channels:
        return "channel_not_configured"
    if receiver_of(step.channel) is Receiver.MAILBOX:
        if request.verification.email_sealed is None:
            return "no_address"
        if request.proven:  # a mailbox proves no number
            return "assurance_too_low"
    return None


def _delivery(
    request: RouteRequest,
    place: int,
    now: datetime,
    channel: str,
    device_id: UUID | None = None,
    *,
    asked: bool = False,
    skipped: str | None = None,
) -> NewDelivery:
    verification = request.verification
    return new_delivery(
        DeliveryKind.CODE,
        channel,
        now,
        verification.expires_at,
        device_id=device_id,
        number=verification.number,
        product_id=verification.product_id,
        skipped=skipped,
        verification_id=verification.id,
        step=place,
        asked=asked,
    )


def _event(request: RouteRequest, skipped: NewDelivery) -> NewEvent:
    return new_event(
        Tag.DELIVERY_FAILED,
        skipped.id,
        request.verification.product_id,
        verification_id=public_id(Prefix.VERIFICATION, request.verification.id),
        channel=skipped.channel,
        error=skipped.error,
    )
