"""The states of a delivery and what follows from a channel's answer. Pure: no I/O, no clock.

queued ──→ sending ──→ accepted ──→ received ──→ seen
  ↑           │           (a receipt may overtake the provider's answer: any state before it may jump)
  └── retry ──┤
              ├──→ dead      the push target is gone
              ├──→ failed    it can't be sent, or the channel is down and the code has another
              └──→ expired   its time ran out while it waited
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pushhub.channels.contract import Accepted, ChannelDown, Outcome, Rejected, Retry, TargetDead
from pushhub.queueing.lease_queue import Transition


class DeliveryKind(StrEnum):
    CODE = "code"
    NOTIFICATION = "notification"


class DeliveryStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    RECEIVED = "received"
    SEEN = "seen"
    DEAD = "dead"
    FAILED = "failed"
    EXPIRED = "expired"


#: What a receipt may follow: it moves a delivery forward only.
BEFORE_RECEIVED = (
    DeliveryStatus.QUEUED,
    DeliveryStatus.SENDING,
    DeliveryStatus.ACCEPTED,
    DeliveryStatus.DEAD,
    DeliveryStatus.FAILED,
    DeliveryStatus.EXPIRED,
)
BEFORE_SEEN = (*BEFORE_RECEIVED, DeliveryStatus.RECEIVED)

#: Why a delivery was put off without a try.
CIRCUIT_OPEN = "circuit_open"
#: The name of the channel that stands in for all others when a test key is used.
TEST_CHANNEL = "recording"

_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(seconds=60)
_PAID_TRIES = 3
#: After these nobody knows whether the message went out.
PERHAPS_SENT = frozenset({"timeout", "reset"})
#: How long a delivery that has no other channel waits for one that is down.
_DOWN_WAIT = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class DeliveryTransition(Transition):
    """The fate of a delivery after an attempt."""

    #: What the attempt is recorded as.
    outcome: str = ""
    provider_id: str | None = None
    #: Whether the code goes on to its next channel at once, without waiting for a receipt.
    escalate: bool = False


def after_try(
    outcome: Outcome,
    *,
    tries: int,
    now: datetime,
    expires_at: datetime,
    escalate_at: datetime | None = None,
    paid: bool = False,
    jitter: Callable[[], float],
) -> DeliveryTransition:
    """What follows from a channel's answer to try number `tries` (counted from 1).

    With `escalate_at` the code has a further channel, to which it goes by itself at that time. A retry that would
    come later than that is still made, but the code goes on at once. `jitter` gives a number from 0
    to 1. A retry that would come after `expires_at` is not made. A message that is `paid` for is tried three times
    at most, and not again where it may have gone out: a second copy would cost as well, and does not replace the first.
    Where it was put off because of an open circuit, nothing was tried.
    """
    goes_on = escalate_at is not None
    match outcome:
        case Retry(reason) if paid and reason != CIRCUIT_OPEN and (tries >= _PAID_TRIES or reason in PERHAPS_SENT):
            return _ended(DeliveryStatus.FAILED, "retry", reason, goes_on)
        case Accepted(provider_id):
            return DeliveryTransition(DeliveryStatus.ACCEPTED, outcome="accepted", provider_id=provider_id)
        case TargetDead(reason):
            return _ended(DeliveryStatus.DEAD, "target_dead", reason, goes_on)
        case Rejected(reason):
            return _ended(DeliveryStatus.FAILED, "rejected", reason, goes_on)
        case ChannelDown(reason) if goes_on:
            return _ended(DeliveryStatus.FAILED, "channel_down", reason, goes_on)
        case ChannelDown(reason):
            word, due = "channel_down", now + _DOWN_WAIT * (0.5 + jitter() / 2)
        case Retry(reason, after):
            word, due = "retry", now + _wait(after, tries, jitter())
    if due >= expires_at:
        return _ended(DeliveryStatus.EXPIRED, word, reason, goes_on)
    too_late = escalate_at is not None and due >= escalate_at
    return DeliveryTransition(DeliveryStatus.QUEUED, _word(reason), due, outcome=word, escalate=too_late)


def _ended(status: DeliveryStatus, outcome: str, reason: str, goes_on: bool) -> DeliveryTransition:
    return DeliveryTransition(status, _word(reason), outcome=outcome, escalate=goes_on)


def _wait(wish: timedelta | None, tries: int, jitter: float) -> timedelta:
    """How long before the next try. What the provider asks for is the least, and a little more by chance, so that
    not all come back in the same moment; "at once" is believed the first time only."""
    if wish is None:
        return backoff(tries, jitter)
    if not wish and tries == 1:
        return wish
    return max(wish * (1 + jitter / 10), backoff(tries, jitter))


def backoff(tries: int, jitter: float) -> timedelta:
    """How long to wait after try number `tries`: doubled each time up to a minute, half of it by chance."""
    longest = min(_FIRST_WAIT * int(2 ** min(tries - 1, 10)), _LONGEST_WAIT)
    return longest * (0.5 + jitter / 2)


def _word(reason: str) -> str:
    """A provider's word, cut to what its column holds."""
    return reason[:60]
