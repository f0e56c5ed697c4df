"""A dispatcher's work, done by the test: no thread, no clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pushhub.dispatcher.dispatcher import Work
from pushhub.dispatcher.lane import Lane
from pushhub.kernel import clock
from pushhub.kernel.ids import new_key
from pushhub.mail.health import MAIL_SERVER
from pushhub.mail.worker import MailWorker
from pushhub.queueing.worker import AttemptResult

#: Let a dispatcher do everything that is due now.
Dispatch = Callable[[], None]
#: Let so much time pass (`later(seconds=30)`), and then a dispatcher do everything that is due.
Later = Callable[..., None]


def attempted(item: Any, outcome: Any) -> AttemptResult[Any, Any]:
    """One try of something that was claimed, and what came of it, at this moment."""
    return AttemptResult(new_key(), item, outcome, clock.now(), clock.now())


async def do_all_that_is_due(work: Work) -> None:
    """Send what is due now, letters too, and let codes go on that fall due thereby; then again, until nothing is due.
    What follows from notifications and for webhooks is left to tests that are about them."""
    senders = [worker for worker in work.workers if isinstance(worker, (Lane, MailWorker))]
    jobs = {job.name: job for job in work.jobs}
    while True:
        await asyncio.gather(*(sender.empty() for sender in senders), jobs[MAIL_SERVER].turn())
        if not await jobs["escalation"].turn():
            return
