"""One channel's way through the dispatcher, for one kind of messages.

Codes and notifications of a channel have a lane each, with room of its own: however many notifications wait, or
hang at the provider, a code finds its lane empty.

    claim a batch ──→ send each, no session open ──→ outcomes ──→ write a batch
      ↑ woken by a commit in this process, by NOTIFY, or by the clock
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from pushhub.channels.contract import Channel, ChannelDown, Outcome, Rejected, Retry
from pushhub.delivery import outbox, results
from pushhub.delivery.messages import Prepared, prepare
from pushhub.delivery.results import Tried
from pushhub.delivery.rules import CIRCUIT_OPEN, DeliveryKind
from pushhub.dispatcher.circuits import Circuits
from pushhub.kernel import clock
from pushhub.kernel.ids import new_key
from pushhub.queueing.batch_writer import BATCH, BatchWriter

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Messages in flight. Notifications have less: the connection is the same, and codes go first.
IN_FLIGHT = {DeliveryKind.CODE: 500, DeliveryKind.NOTIFICATION: 100}
#: A full lane waits until this part of its room is free, rather than taking a row or two at a time.
_LEAST_PART = 4
#: How often a lane looks by itself: a retry falls due without anybody's commit.
POLL_SECONDS = 1.0
#: The least time between two looks at the queue, and for how long outcomes are gathered. Under load this makes
#: batches of what would be single rows, each of which would cost as many statements as a batch does.
GATHER_SECONDS = 0.01
SETTLE_SECONDS = 0.03
#: For how many such moments notifications stand back for codes, before a batch of theirs has its turn.
_STAND_BACK = 50
#: How long a delivery must be due before a dispatcher takes it whose own way out is shut.
_STAND_BACK_FOR_OTHERS = timedelta(seconds=1)
_AT_ONCE = timedelta(0)
#: How long a stopping lane waits for answers that are under way.
DRAIN_SECONDS = 12.0
#: What becomes of a delivery whose message can't be read (a sealing key is missing): nobody else has to wait for it.
UNREADABLE = Rejected("unreadable")


class Owner(Protocol):
    """What a lane needs of its dispatcher."""

    owner: UUID
    #: Whether no other dispatcher is at work.
    alone: bool

    async def in_database(self, work: Callable[[], T]) -> T: ...
    def codes_wait(self) -> bool: ...
    def hurry(self) -> None: ...


class Lane:
    """Claims, sends and settles one kind of messages of one channel."""

    def __init__(self, owner: Owner, channel: Channel, kind: DeliveryKind, circuits: Circuits) -> None:
        self._owner = owner
        self._channel = channel
        self._circuits = circuits
        self.name = channel.name
        self.kind = kind
        # A channel with few connections says so: what it has no room for would only wait there for its time to run out.
        self._room = min(IN_FLIGHT[kind], getattr(channel, "room", IN_FLIGHT[kind]))
        self._awake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._outcomes = BatchWriter(channel.name, self._complete, self._settled, gather_seconds=SETTLE_SECONDS)
        #: What this lane knows that it has taken, until the outcome is written.
        self._held: set[UUID] = set()
        self._unsure = False

    @property
    def behind(self) -> bool:
        """Whether something is due that it has not taken yet."""
        return self._awake.is_set()

    def wake(self) -> None:
        self._awake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Claim and send until told to stop, then drain."""
        writer = asyncio.create_task(self._outcomes.run())
        loop = asyncio.get_running_loop()
        while not stopping.is_set():
            self._awake.clear()
            looked = loop.time()
            if await self._claim_and_send() < BATCH:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), POLL_SECONDS)
            await asyncio.sleep(max(0.0, looked + GATHER_SECONDS - loop.time()))
            await self._let_codes_go_first(stopping)
        if self._sending:
            await asyncio.wait(self._sending, timeout=DRAIN_SECONDS)
        # What the provider has not answered by now may have arrived: it is tried again, under the same id, when
        # its lease ends.
        for task in self._sending:
            task.cancel()
        self._outcomes.end()
        with suppress(TimeoutError):
            await asyncio.wait_for(writer, DRAIN_SECONDS)

    async def empty(self) -> None:
        """Send what is due now and write what came of it."""
        while await self._claim_and_send():
            await asyncio.gather(*self._sending)
            await self._outcomes.write_all()

    async def _let_codes_go_first(self, stopping: asyncio.Event) -> None:
        if self.kind is DeliveryKind.CODE:
            return
        for _ in range(_STAND_BACK):
            if not self._owner.codes_wait() or stopping.is_set():
                return
            await asyncio.sleep(GATHER_SECONDS)

    async def _claim_and_send(self) -> int:
        room = min(BATCH, self._room - len(self._sending) - len(self._outcomes))
        if room < max(1, self._room // _LEAST_PART):
            return 0  # the writer wakes the lane when there is more
        prepared: list[Prepared] = []
        unsure, self._unsure = self._unsure, True
        with logged("claim"):
            if unsure:  # the last claim may have been committed although its answer never came
                held = list(self._held)
                await self._owner.in_database(partial(outbox.give_back, self.name, self.kind, self._owner.owner, held))
            prepared = await self._owner.in_database(partial(self._claim, room))
            self._unsure = False
        for entry in prepared:
            self._held.add(entry.claimed.delivery_id)
            task = asyncio.create_task(self._send(entry))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return len(prepared)

    def _claim(self, room: int) -> list[Prepared]:
        # Where our way out is shut, another machine's may be open: it has the first look at what is due.
        stand_back = self._circuits.any_open() and not self._owner.alone
        due_for = _STAND_BACK_FOR_OTHERS if stand_back else _AT_ONCE
        claimed = outbox.claim(self.name, self.kind, self._owner.owner, room, due_for=due_for)
        return prepare(self.name, self.kind, self._owner.owner, claimed)

    async def _send(self, entry: Prepared) -> None:
        started = clock.now()
        outcome: Outcome
        message = entry.message
        if message is None:
            outcome = UNREADABLE
        elif not (circuit := self._circuits.of(message)).lets_through(started):
            wait = circuit.closed_until - started if circuit.closed_until is not None else None
            outcome = ChannelDown(CIRCUIT_OPEN) if entry.goes_on else Retry(CIRCUIT_OPEN, wait)
        else:
            try:
                outcome = await self._channel.send(message)
            except Exception:
                # A channel never raises; if it does, that is a bug, and one message must not take the lane along.
                log.exception("channel raised", extra={"channel": self.name})
                outcome = Rejected("internal_error")
            self._circuits.learn(message, outcome)
        self._outcomes.add(Tried(new_key(), entry, outcome, started, clock.now()))

    def _settled(self, batch: list[Tried]) -> None:
        self._held.difference_update(entry.sent.claimed.delivery_id for entry in batch)
        self.wake()

    async def _complete(self, tried: list[Tried]) -> None:
        if await self._owner.in_database(partial(results.complete, self._owner.owner, tried)):
            self._owner.hurry()
        if self._circuits.reopened:
            self._circuits.reopened = False
            for kind in DeliveryKind:
                await self._owner.in_database(partial(outbox.release, self.name, kind))


class logged:
    """The database failing for a while must not end the dispatcher: the failure is logged and the next turn
    tries again."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, _trace: object) -> bool:
        if problem is None or isinstance(problem, asyncio.CancelledError):
            return False
        log.error("dispatcher turn failed", exc_info=problem, extra={"turn": self._what})
        return True


async def every(seconds: float, woken: asyncio.Event, turn: Callable[[], Awaitable[bool]], what: str) -> None:
    """Do a turn again and again: at once while it says that there is more, else when woken or after `seconds`."""
    while True:
        woken.clear()
        more = False
        with logged(what):
            more = await turn()
        if not more:
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), seconds)
