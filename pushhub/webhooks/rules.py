"""The states of a message to a webhook, and when it is tried again. Pure: no I/O, no clock.

queued ──→ sending ──→ delivered   the endpoint said 2xx
  ↑           │
  └── again ──┤
              └──→ failed      ten tries, or the webhook was disabled
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pushhub.queueing.lease_queue import Transition

#: At most so many webhooks of one product, for live and for test keys each.
WEBHOOKS_AT_MOST = 10
#: How long a secret goes on signing after another one has taken its place.
OLD_SECRET_LIFE = timedelta(hours=24)
#: A body is smaller than this (Standard Webhooks recommends at most 20 kB).
LARGEST_BODY = 20_000

#: The waits between tries, of which there is one more.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
#: By how much of itself a wait may be longer, so that what failed together does not come back together.
JITTER = 0.2
#: The endpoint's wish (`Retry-After`) counts up to this.
LONGEST_WAIT = WAITS[-1]


class MessageStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DisabledReason(StrEnum):
    """Why a webhook is told nothing: its endpoint answered 410, or its product switched it off. Failing is no reason,
    however long: after ten tries that one message is given up, and the next is tried."""

    GONE = "gone"
    SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """What one try met: the HTTP status, or a stable word where there was no answer."""

    status: int | None = None
    error: str | None = None
    retry_after: timedelta | None = None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The endpoint says that it wants no more."""
        return self.status == 410


def after_try(answer: EndpointAnswer, *, tries: int, now: datetime, jitter: Callable[[], float]) -> Transition:
    """What follows from try number `tries` (counted from 1). `jitter` gives a number from 0 to 1."""
    if answer.delivered:
        return Transition(MessageStatus.DELIVERED)
    word = answer.error or _word(answer)
    if answer.gone or tries > len(WAITS):
        return Transition(MessageStatus.FAILED, word)
    wait = WAITS[tries - 1] * (1 + JITTER * jitter())
    if answer.retry_after is not None:
        wait = max(wait, min(answer.retry_after, LONGEST_WAIT))
    return Transition(MessageStatus.QUEUED, word, now + wait)


def _word(answer: EndpointAnswer) -> str:
    if answer.gone:
        return "gone"
    return "redirect" if answer.status is not None and 300 <= answer.status < 400 else "not_accepted"
