"""One channel's way through the dispatcher, for one kind of messages.

Codes and notifications of a channel have a lane each, with room of its own: however many notifications wait, or
hang at the provider, a code finds its lane empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial

from pushhub.channels.contract import Channel, ChannelDown, Outcome, Rejected, Retry
from pushhub.delivery import outbox
from pushhub.delivery.message_source import DeliveryResult, MessageSource, OutgoingMessage
from pushhub.delivery.rules import CIRCUIT_OPEN, DeliveryKind
from pushhub.dispatcher.circuits import Circuits
from pushhub.dispatcher.presence import Presence
from pushhub.kernel import clock
from pushhub.queueing.batch_writer import BATCH
from pushhub.queueing.lease_queue import Key
from pushhub.queueing.worker import GATHER_SECONDS, DatabaseThreads, LeaseWorker

#: Messages in flight. Notifications have less: the connection is the same, and codes go first.
IN_FLIGHT = {DeliveryKind.CODE: 500, DeliveryKind.NOTIFICATION: 100}
#: A full lane waits until this part of its room is free, rather than taking a row or two at a time.
_LEAST_PART = 4
#: For how many moments notifications stand back for codes, before a batch of theirs has its turn.
_MOMENTS_FOR_CODES = 50
#: How long a delivery must be due before a dispatcher takes it whose own way out is shut.
_HEAD_START_OF_OTHERS = timedelta(seconds=1)
#: What becomes of a delivery whose message can't be read (a sealing key is missing): nobody else has to wait for it.
UNREADABLE = Rejected("unreadable")


class Lane(LeaseWorker[OutgoingMessage, Outcome]):
    """Claims, sends and settles one kind of messages of one channel.

    Args:
        source: what is sent.
        channel: by what.
        circuits: those of the channel.
        presence: of the dispatcher that the lane belongs to.
        escalate_now: called where a code has to go on to its next channel at once.
        goes_first: whether others have something due that goes before what this lane sends.
    """

    def __init__(
        self,
        source: MessageSource,
        channel: Channel,
        circuits: Circuits,
        presence: Presence,
        database: DatabaseThreads,
        *,
        escalate_now: Callable[[], None],
        goes_first: Callable[[], bool] = lambda: False,
    ) -> None:
        # A channel with few connections says so: what it has no room for would only wait there for its time to run out.
        room = min(IN_FLIGHT[source.kind], getattr(channel, "room", IN_FLIGHT[source.kind]))
        super().__init__(channel.name, database, room=room, least_room=max(1, room // _LEAST_PART), full_claim=BATCH)
        self._source = source
        self._channel = channel
        self._circuits = circuits
        self._presence = presence
        self._owner = presence.owner
        self._escalate_now = escalate_now
        self._goes_first = goes_first

    def claim(self, room: int) -> Sequence[OutgoingMessage]:
        # Where our way out is shut, another machine's may be open: it has the first look at what is due.
        others_first = self._circuits.any_open() and not self._presence.alone
        due_for = _HEAD_START_OF_OTHERS if others_first else timedelta(0)
        claimed = outbox.claim(self._source, self.name, self._owner, room, due_for=due_for)
        return self._source.load(self.name, self._owner, claimed)

    def give_back(self, held: Collection[Key]) -> None:
        outbox.give_back(self._source, self.name, self._owner, held)

    async def attempt(self, item: OutgoingMessage) -> Outcome:
        message, now = item.message, clock.now()
        if message is None:
            return UNREADABLE
        circuit = self._circuits.of(message)
        if not circuit.lets_through(now):
            wait = circuit.next_try_at - now if circuit.next_try_at is not None else None
            return ChannelDown(CIRCUIT_OPEN) if item.escalate_at is not None else Retry(CIRCUIT_OPEN, wait)
        try:
            outcome = await self._channel.send(message)
        except Exception:  # a bug of the channel, which says nothing against the provider
            self._circuits.learn(message, self.outcome_of_a_bug())
            raise
        self._circuits.learn(message, outcome)
        return outcome

    def outcome_of_a_bug(self) -> Outcome:
        return Rejected("internal_error")

    async def complete(self, results: list[DeliveryResult]) -> None:
        if await self.database.run(partial(outbox.complete, self._source, self._owner, results)):
            self._escalate_now()
        if self._circuits.just_closed:
            self._circuits.just_closed = False
            await self.database.run(partial(outbox.release, self.name))

    async def let_others_go_first(self, stopping: asyncio.Event) -> None:
        """Wait while codes are due, but not for ever."""
        for _ in range(_MOMENTS_FOR_CODES):
            if not self._goes_first() or stopping.is_set():
                return
            await asyncio.sleep(GATHER_SECONDS)
