"""A dispatcher's work, done by the test: no thread, no clock of its own."""

from __future__ import annotations

import asyncio

from pushhub.dispatcher.dispatcher import Work
from pushhub.dispatcher.lane import Lane
from pushhub.mail.health import MAIL_SERVER
from pushhub.mail.worker import MailWorker


async def do_all_that_is_due(work: Work) -> None:
    """Send what is due now, letters too, and let codes go on that fall due thereby; then again, until nothing is due.
    What follows from notifications and for webhooks is left to tests that are about them."""
    senders = [worker for worker in work.workers if isinstance(worker, (Lane, MailWorker))]
    jobs = {job.name: job for job in work.jobs}
    while True:
        await asyncio.gather(*(sender.empty() for sender in senders), jobs[MAIL_SERVER].turn())
        if not await jobs["escalation"].turn():
            return
