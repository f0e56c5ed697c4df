"""What works on a lease queue, and jobs that are done again and again, in the loop of a dispatcher.

claim a batch ──→ attempt each, no session open ──→ outcomes ──→ write a batch
  ↑ woken by a commit in this process, by NOTIFY, or by the clock
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from flask import Flask

from pushhub.kernel import clock
from pushhub.kernel.ids import new_key
from pushhub.queueing.batch_writer import BATCH, BatchWriter
from pushhub.queueing.lease_queue import Key, Lease

log = logging.getLogger(__name__)

#: How often a queue is looked at by itself: a retry falls due without anybody's commit.
POLL_SECONDS = 1.0
#: The least time between two looks at a queue, and for how long outcomes are gathered. Under load this makes batches
#: of what would be single rows, each of which would cost as many statements as a batch does.
GATHER_SECONDS = 0.01
SETTLE_SECONDS = 0.03
#: How long a stopping worker waits for answers that are under way.
DRAIN_SECONDS = 12.0


class Leased(Protocol):
    """Something that a worker holds."""

    @property
    def lease(self) -> Lease: ...


Item = TypeVar("Item", bound=Leased)
Outcome = TypeVar("Outcome")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AttemptResult(Generic[Item, Outcome]):
    """What came of one try. `key` is that of its attempt: writing it twice, because the answer of the first commit
    was lost, leaves one."""

    key: UUID
    item: Item
    outcome: Outcome
    started_at: datetime
    finished_at: datetime


class Worker(ABC):
    """Something that works until its dispatcher stops."""

    name: str

    @abstractmethod
    def wake(self) -> None:
        """Something may be due; to be called in the worker's own loop."""

    @abstractmethod
    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop, then drain. Whoever sets `stopping` calls `wake` after it."""

    @abstractmethod
    async def empty(self) -> None:
        """Work on what is due now and write what came of it."""


class LeaseWorker(Worker, Generic[Item, Outcome]):
    """Claims, attempts and writes, with a bounded number of attempts under way.

    Args:
        name: under which it is woken, and which stands in logs.
        database: does the database work.
        room: attempts under way at the same time.
        least_room: how much room there must be for a further claim, so that a full worker does not take a row or two
            at a time.
        full_claim: a claim of so many says that there may be more.
        poll_seconds: how often it looks by itself.
        gather_seconds: the least time between two looks.
        settle_seconds: for how long outcomes are gathered.
    """

    def __init__(
        self,
        name: str,
        database: DatabaseThreads,
        *,
        room: int,
        least_room: int = 1,
        full_claim: int = 1,
        poll_seconds: float = POLL_SECONDS,
        gather_seconds: float = GATHER_SECONDS,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self.name = name
        self.database = database
        self._room = room
        self._least_room = least_room
        self._full_claim = full_claim
        self._poll_seconds = poll_seconds
        self._gather_seconds = gather_seconds
        self._awake = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._results = BatchWriter[AttemptResult[Item, Outcome]](
            name, self.complete, self._written, gather_seconds=settle_seconds
        )
        #: What this worker knows that it has taken, until the outcome is written.
        self._held: set[Key] = set()
        self._unsure = False

    @abstractmethod
    def claim(self, room: int) -> Sequence[Item]:
        """Take at most `room` items. Database work, on a thread."""

    @abstractmethod
    def give_back(self, held: Collection[Key]) -> None:
        """Queue again what was claimed and is not among `held`. Database work, on a thread."""

    @abstractmethod
    async def attempt(self, item: Item) -> Outcome:
        """Try once. What it raises is a bug, and ends as `outcome_of_a_bug`."""

    @abstractmethod
    def outcome_of_a_bug(self) -> Outcome:
        """The outcome of an attempt that raised."""

    @abstractmethod
    async def complete(self, results: list[AttemptResult[Item, Outcome]]) -> None:
        """Write what came of some. `PushhubError` means that nothing was written."""

    async def let_others_go_first(self, stopping: asyncio.Event) -> None:
        """Wait for others that go first, between two claims."""

    @property
    def behind(self) -> bool:
        """Whether something is due that it has not taken yet."""
        return self._awake.is_set()

    def wake(self) -> None:
        self._awake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        writer = asyncio.create_task(self._results.run())
        loop = asyncio.get_running_loop()
        while not stopping.is_set():
            self._awake.clear()
            looked = loop.time()
            if await self._claim_and_begin() < self._full_claim:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), self._poll_seconds)
            await asyncio.sleep(max(0.0, looked + self._gather_seconds - loop.time()))
            await self.let_others_go_first(stopping)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=DRAIN_SECONDS)
        # What was not answered by now may have arrived: it is tried again, under the same id, when its lease ends.
        for task in self._under_way:
            task.cancel()
        self._results.end()
        with suppress(TimeoutError):
            await asyncio.wait_for(writer, DRAIN_SECONDS)

    async def empty(self) -> None:
        while await self._claim_and_begin():
            await asyncio.gather(*self._under_way)
            await self._results.write_all()

    async def _claim_and_begin(self) -> int:
        room = min(BATCH, self._room - len(self._under_way) - len(self._results))
        if room < self._least_room:
            return 0  # the writer wakes the worker when there is more
        items: Sequence[Item] = ()
        unsure, self._unsure = self._unsure, True
        with logged(f"{self.name}: claim"):
            if unsure:  # the last claim may have been committed although its answer never came
                await self.database.run(partial(self.give_back, list(self._held)))
            items = await self.database.run(partial(self.claim, room))
            self._unsure = False
        for item in items:
            self._held.add(item.lease.key)
            task = asyncio.create_task(self._work_on(item))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(items)

    async def _work_on(self, item: Item) -> None:
        started = clock.now()
        try:
            outcome = await self.attempt(item)
        except Exception:
            # One item must not take the worker along.
            log.exception("an attempt raised", extra={"worker": self.name, "key": str(item.lease.key)})
            outcome = self.outcome_of_a_bug()
        self._results.add(AttemptResult(new_key(), item, outcome, started, clock.now()))

    def _written(self, batch: list[AttemptResult[Item, Outcome]]) -> None:
        self._held.difference_update(result.item.lease.key for result in batch)
        self.wake()


class Job:
    """Something that is done again and again: at once while a turn says that there is more, else when woken or after
    some seconds.

    Args:
        name: under which it is woken, and which stands in logs.
        turn: does a part; whether there is more.
        seconds: between two turns.
    """

    def __init__(self, name: str, turn: Callable[[], Awaitable[bool]], seconds: float) -> None:
        self.name = name
        self.turn = turn
        self._seconds = seconds
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Let the next turn be now; to be called in the job's own loop."""
        self._awake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._awake.clear()
            more = False
            with logged(self.name):
                more = await self.turn()
            if not more:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), self._seconds)


@contextmanager
def logged(what: str) -> Iterator[None]:
    """The database failing for a while must not end the dispatcher: the failure is logged and the next turn
    tries again."""
    try:
        yield
    except asyncio.CancelledError:
        raise
    except BaseException:
        log.exception("dispatcher turn failed", extra={"turn": what})


class DatabaseThreads:
    """Threads for the database work of an event loop. They are its own: whatever else uses threads in this process (an
    SMS gateway that hangs) must not take those of the database.

    Args:
        app: in whose context the work is done.
        count: how much goes on at the same time.
    """

    def __init__(self, app: Flask, count: int) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="dispatcher-database")

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, done on a thread with the application's context."""

        def with_context() -> T:
            with self._app.app_context():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, with_context)

    async def finish(self) -> None:
        """End what was begun, so that no connection is left in the middle of something, and the threads."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
