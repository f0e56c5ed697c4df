"""The states of a delivery and what follows from a channel's answer. Pure: no I/O, no clock.

queued ──→ sending ──→ accepted ──→ received ──→ seen
  ↑           │           (a receipt may overtake the provider's answer: any state before it may jump)
  └── retry ──┤
              ├──→ dead      the push target is gone
              ├──→ failed    it can't be sent, or the channel is down
              └──→ expired   its time ran out while it waited
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pushhub.channels.contract import Accepted, ChannelDown, Outcome, PushKind, Rejected, Retry, TargetDead


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

#: Through which channel a push target of each kind is reached.
CHANNEL_OF_KIND = {
    PushKind.FCM_TOKEN: "fcm",
    PushKind.FCM_FID: "fcm",
    PushKind.APNS: "apns",
    PushKind.POLL: "poll",
}

#: The name of the channel that stands in for all others when a test key is used.
TEST_CHANNEL = "recording"

_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of a delivery after a try."""

    status: DeliveryStatus
    outcome: str
    error: str | None = None
    provider_id: str | None = None
    #: For a delivery that goes back into the queue: when it is due.
    due: datetime | None = None


def after_try(
    outcome: Outcome, *, tries: int, now: datetime, expires_at: datetime, jitter: Callable[[], float]
) -> Next:
    """What follows from a channel's answer to try number `tries` (counted from 1).

    `jitter` gives a number from 0 to 1. A retry that would come after `expires_at` is not made.
    """
    match outcome:
        case Accepted(provider_id):
            return Next(DeliveryStatus.ACCEPTED, "accepted", provider_id=provider_id)
        case TargetDead(reason):
            return Next(DeliveryStatus.DEAD, "target_dead", error=reason)
        case Rejected(reason):
            return Next(DeliveryStatus.FAILED, "rejected", error=reason)
        case ChannelDown(reason):
            return Next(DeliveryStatus.FAILED, "channel_down", error=reason)
        case Retry(reason, after):
            due = now + (after if after is not None else backoff(tries, jitter()))
            if due >= expires_at:
                return Next(DeliveryStatus.EXPIRED, "retry", error=reason)
            return Next(DeliveryStatus.QUEUED, "retry", error=reason, due=due)


def backoff(tries: int, jitter: float) -> timedelta:
    """How long to wait after try number `tries`: doubled each time up to a minute, half of it by chance."""
    longest = min(_FIRST_WAIT * int(2 ** min(tries - 1, 10)), _LONGEST_WAIT)
    return longest * (0.5 + jitter / 2)
