"""Sends letters, beside the lanes of the dispatcher.

    claim a few ──→ hand each to the mail server, no session open ──→ write what came of them
      ↑ woken by a commit, or by the clock

Letters are few and nobody waits for them with a phone in the hand: one small batch at a time is enough.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from aiosmtplib import SMTPException

from pushhub.channels.contract import Outcome, Rejected, Retry
from pushhub.dispatcher.lane import DRAIN_SECONDS, logged
from pushhub.mail import health, queue
from pushhub.mail.queue import Claimed, Tried
from pushhub.mail.transport import Carrier
from pushhub.queueing.batch_writer import BatchWriter

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Letters on their way at once: half of the connections that the channel has, so that codes find some.
AT_ONCE = 4
#: How often the queue is looked at by itself: a further try falls due without anybody's commit.
POLL_SECONDS = 1.0
#: What becomes of a letter that can't be read here: a dispatcher that has its sealing key already may send it.
UNREADABLE = Retry("unreadable")


class Owner(Protocol):
    """What a postman needs of the dispatcher."""

    owner: UUID

    async def in_database(self, work: Callable[[], T]) -> T: ...


class Postman:
    """Sends for one dispatcher, in its loop. Without a mail server (`carrier` is None) letters wait."""

    def __init__(self, owner: Owner, carrier: Carrier | None) -> None:
        self._owner = owner
        self._carrier = carrier
        self._awake = asyncio.Event()
        #: Set when a page may have asked how the mail server is.
        self.asked = asyncio.Event()
        self._outcomes = BatchWriter[Tried]("letters", self._complete, lambda _: None)

    def wake(self) -> None:
        """Something may be due."""
        self._awake.set()
        self.asked.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until told to stop, then write what is to be written. Whoever sets `stopping` calls `wake` after it."""
        while not stopping.is_set():
            self._awake.clear()
            if not await self._turn():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), POLL_SECONDS)

    async def empty(self) -> None:
        """Send what is due now and write what came of it."""
        while await self._turn():
            pass

    async def look(self) -> bool:
        """See whether the mail server lets us in, if a page has asked."""
        if self._carrier is None or not await self._owner.in_database(health.take_look):
            return False
        try:
            await self._carrier.greet()
            lets_us_in = True
        except (SMTPException, OSError):
            lets_us_in = False
        await self._owner.in_database(partial(health.write_down, lets_us_in=lets_us_in))
        return False

    async def _turn(self) -> bool:
        carrier, claimed = self._carrier, list[Claimed]()
        if carrier is not None:
            with logged("letters"):
                claimed = await self._owner.in_database(partial(queue.claim, self._owner.owner, AT_ONCE))
            await asyncio.gather(*(self._send(carrier, letter) for letter in claimed))
            # The database may be away for longer than this process: what can't be written is sent again when its
            # lease ends, under the same Message-ID.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._outcomes.write_all(), DRAIN_SECONDS)
        return len(claimed) > 0

    async def _send(self, carrier: Carrier, letter: Claimed) -> None:
        outcome: Outcome = Rejected("internal_error")
        try:
            outcome = await _tried(carrier, letter)
        except Exception:
            # That is a bug, and one letter must not take the others along.
            log.exception("a letter raised", extra={"letter_id": str(letter.id)})
        self._outcomes.add(Tried(letter, outcome))

    async def _complete(self, tried: list[Tried]) -> None:
        await self._owner.in_database(partial(queue.complete, self._owner.owner, tried))


async def _tried(carrier: Carrier, letter: Claimed) -> Outcome:
    content = letter.content
    if content is None:
        return UNREADABLE
    mail = content.written(letter.id, carrier.sender)
    return await carrier.hand_over(mail, content.receiver, content.message_id(letter.id, carrier.sender))
