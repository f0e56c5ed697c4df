"""Sends letters, beside the lanes of the dispatcher.

Letters are few and nobody waits for them with a phone in the hand: a few at a time are enough.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from pushhub.channels.contract import Outcome, Rejected, Retry
from pushhub.mail import queue
from pushhub.mail.queue import LETTERS, LeasedLetter, LetterResult
from pushhub.mail.transport import MailTransport
from pushhub.queueing.lease_queue import Key
from pushhub.queueing.worker import DatabaseThreads, LeaseWorker

#: Letters on their way at once: half of the connections that the channel has, so that codes find some.
AT_ONCE = 4
#: What becomes of a letter that can't be read here: a dispatcher that has its sealing key already may send it.
UNREADABLE = Retry("unreadable")


class MailWorker(LeaseWorker[LeasedLetter, Outcome]):
    """Sends the letters of one installation. Without a mail server (`transport` is None) they wait."""

    def __init__(self, owner: UUID, database: DatabaseThreads, transport: MailTransport | None) -> None:
        super().__init__(LETTERS, database, room=AT_ONCE)
        self._owner = owner
        self._transport = transport

    def claim(self, room: int) -> Sequence[LeasedLetter]:
        return queue.claim(self._owner, room) if self._transport is not None else []

    def give_back(self, held: Collection[Key]) -> None:
        queue.QUEUE.give_back(self._owner, held)

    async def attempt(self, item: LeasedLetter) -> Outcome:
        if item.content is None or self._transport is None:
            return UNREADABLE
        sender = self._transport.sender
        mail, message_id = item.content.written(item.id, sender), item.content.message_id(item.id, sender)
        return await self._transport.hand_over(mail, item.content.receiver, message_id)

    def outcome_of_a_bug(self) -> Outcome:
        return Rejected("internal_error")

    async def complete(self, results: list[LetterResult]) -> None:
        await self.database.run(partial(queue.complete, self._owner, results))
