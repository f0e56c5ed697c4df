"""The states of a letter, and when it is tried again. Pure: no I/O, no clock.

queued ──→ sending ──→ sent      a mail server took it
  ↑           │
  └── again ──┼──────→ failed    it can't be sent like this, or nobody has this mailbox
              └──────→ expired   its time ran out before a server took it
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from pushhub.channels.contract import Accepted, Outcome, Rejected, Retry, TargetDead
from pushhub.queueing.lease_queue import Transition

#: The wait after the first try; each further one is twice as long, up to the longest.
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=2)
#: By how much of itself a wait may be longer, so that what failed together does not come back together.
JITTER = 0.2


class LetterStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


FINAL = (LetterStatus.SENT, LetterStatus.FAILED, LetterStatus.EXPIRED)


class MailState(StrEnum):
    """What a page may say of mail. It is the same for every address, so it tells nothing of who has an account."""

    OK = "ok"
    #: The mail server does not take anything now; letters go as soon as it does.
    DELAYED = "delayed"
    #: The installation has no mail server.
    NOT_CONFIGURED = "not_configured"


def after_try(
    outcome: Outcome, *, tries: int, now: datetime, valid_until: datetime, jitter: Callable[[], float]
) -> Transition:
    """What follows from try number `tries` (counted from 1). `jitter` gives a number from 0 to 1.

    A server that lets nobody in is no reason to give a letter up: an operator may mend that in time.
    """
    if isinstance(outcome, Accepted):
        return Transition(LetterStatus.SENT)
    if isinstance(outcome, (TargetDead, Rejected)):
        return Transition(LetterStatus.FAILED, outcome.reason)
    wait = min(FIRST_WAIT * 2 ** min(tries - 1, 10), LONGEST_WAIT) * (1 + JITTER * jitter())
    if isinstance(outcome, Retry) and outcome.after is not None:
        wait = max(wait, outcome.after)
    if now + wait >= valid_until:
        return Transition(LetterStatus.EXPIRED, outcome.reason)
    return Transition(LetterStatus.QUEUED, outcome.reason, now + wait)
