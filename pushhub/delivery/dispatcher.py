"""The dispatcher: claims what is due, sends it, writes what came of it.

Each channel has a lane of its own with its own room for messages in flight, so a provider that hangs holds up
nobody else, and memory is bounded however long the queue is. Any number of dispatchers may run, in this
process, beside it, or on other machines.

    lane:   claim a batch ──→ send each, no session open ──→ outcomes ──→ write a batch
              ↑ woken by a commit in this process, by NOTIFY, or by the clock
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from flask import Flask

from pushhub import clock, housekeeping
from pushhub.channels.contract import Channel, Outcome, Rejected
from pushhub.db import insert, transaction
from pushhub.delivery import outbox
from pushhub.delivery.messages import Prepared, prepare
from pushhub.delivery.models import DispatcherBeat
from pushhub.delivery.outbox import Tried
from pushhub.errors import PushhubError
from pushhub.hub import Hub
from pushhub.ids import new_key

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Stands for every channel when lanes are woken.
ALL = ""
#: Messages in flight in one lane.
IN_FLIGHT = 500
#: Rows claimed, and outcomes written, in one go.
BATCH = 200
#: How often a lane looks by itself: a retry falls due without anybody's commit.
POLL_SECONDS = 1.0
#: How long a stopping dispatcher waits for answers that are under way.
DRAIN_SECONDS = 12.0
_CHORES_SECONDS = 5.0
#: What becomes of a delivery whose message can't be read (a sealing key is missing): nobody else has to wait for it.
UNREADABLE = Rejected("unreadable")


class Dispatcher:
    """Delivers for one application. `start` and `stop` run it on a thread of its own."""

    def __init__(self, app: Flask, parts: Hub) -> None:
        self.owner = new_key()
        self._app = app
        self._lanes = [Lane(self, channel) for channel in parts.channels.values()]
        self._channels = list(parts.channels.values())
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin to deliver; returns at once."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run()), name="dispatcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Claim nothing more, wait for what is under way, write what came of it."""
        if self._loop is not None and self._thread is not None:
            with suppress(RuntimeError):  # the loop ended by itself
                self._loop.call_soon_threadsafe(self.ask_to_stop)
            self._thread.join(DRAIN_SECONDS + 5)

    def wake(self, channel: str = ALL) -> None:
        """Something is due on this channel. Safe to call from any thread, at any time."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closing: another dispatcher or the next start takes it
                loop.call_soon_threadsafe(self._wake_lanes, channel)

    def ask_to_stop(self) -> None:
        """Begin to stop; to be called in the dispatcher's own loop."""
        self._stopping.set()
        self._wake_lanes(ALL)

    async def run(self) -> None:
        """Deliver until told to stop."""
        self._loop = asyncio.get_running_loop()
        chores = asyncio.create_task(self._chores())
        try:
            await asyncio.gather(*(lane.run(self._stopping) for lane in self._lanes))
        finally:
            chores.cancel()
            self._loop = None
            for channel in self._channels:
                await channel.close()

    async def run_until_idle(self) -> None:
        """Deliver what is due now, retries that fall due at once included, and return."""
        await asyncio.gather(*(lane.empty() for lane in self._lanes))

    async def in_database(self, work: Callable[[], T]) -> T:
        """Do database work on a thread, with the application's context."""

        def with_context() -> T:
            with self._app.app_context():
                return work()

        return await asyncio.to_thread(with_context)

    def _wake_lanes(self, channel: str) -> None:
        # Only the lane that has something to do: a look at the queue is a write, and there is one for each commit.
        for lane in self._lanes:
            if channel in (ALL, lane.name):
                lane.wake()

    async def _chores(self) -> None:
        while True:
            with _logged("chores"):
                await self.in_database(self._beat)
                await self.in_database(housekeeping.sweep)
            await asyncio.sleep(_CHORES_SECONDS)

    def _beat(self) -> None:
        now = clock.now()
        statement = insert(DispatcherBeat).values(owner=self.owner, seen_at=now)
        with transaction() as session:
            session.execute(statement.on_conflict_do_update(index_elements=["owner"], set_={"seen_at": now}))


class Lane:
    """One channel's way through the dispatcher."""

    def __init__(self, dispatcher: Dispatcher, channel: Channel) -> None:
        self._dispatcher = dispatcher
        self._channel = channel
        self.name = channel.name
        self._awake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._done: list[Tried] = []
        self._something_done = asyncio.Event()
        self._ending = False

    def wake(self) -> None:
        self._awake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Claim and send until told to stop, then drain."""
        writer = asyncio.create_task(self._write())
        while not stopping.is_set():
            self._awake.clear()
            if await self._claim_and_send() < BATCH:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), POLL_SECONDS)
        if self._sending:
            await asyncio.wait(self._sending, timeout=DRAIN_SECONDS)
        # What the provider has not answered by now may have arrived: it is tried again, under the same id, when
        # its lease ends.
        for task in self._sending:
            task.cancel()
        self._ending = True
        self._something_done.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(writer, DRAIN_SECONDS)

    async def empty(self) -> None:
        """Send what is due now and write what came of it."""
        while await self._claim_and_send():
            await asyncio.gather(*self._sending)
            while self._done:
                await self._write_batch()

    async def _claim_and_send(self) -> int:
        room = min(BATCH, IN_FLIGHT - len(self._sending) - len(self._done))
        if room <= 0:
            return 0
        prepared: list[Prepared] = []
        with _logged("claim"):
            prepared = await self._dispatcher.in_database(lambda: self._claim(room))
        for entry in prepared:
            task = asyncio.create_task(self._send(entry))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return len(prepared)

    def _claim(self, room: int) -> list[Prepared]:
        claimed = outbox.claim(self._channel.name, self._dispatcher.owner, room)
        return prepare(claimed) if claimed else []

    async def _send(self, entry: Prepared) -> None:
        started = clock.now()
        outcome: Outcome
        try:
            outcome = UNREADABLE if entry.message is None else await self._channel.send(entry.message)
        except Exception:
            # A channel never raises; if it does, that is a bug, and one message must not take the lane along.
            log.exception("channel raised", extra={"channel": self._channel.name})
            outcome = Rejected("internal_error")
        self._done.append(Tried(entry.claimed, outcome, started, clock.now(), entry.device_id))
        self._something_done.set()

    async def _write(self) -> None:
        while self._done or not self._ending:
            await self._something_done.wait()
            self._something_done.clear()
            while self._done:
                await self._write_batch()

    async def _write_batch(self) -> None:
        batch = self._done[:BATCH]
        try:
            await self._complete(batch)
        except PushhubError as problem:
            # Nothing was written. The rows are ours until the lease ends, so the outcomes are kept and tried again.
            log.warning("outcomes not written yet", extra={"cause": problem.code, "count": len(batch)})
            await asyncio.sleep(0.5)
            return
        except Exception:
            # One outcome that can't be written must not hold up the others, nor end the lane.
            log.exception("outcomes refused by the database", extra={"count": len(batch)})
            for entry in batch:
                with _logged("write one outcome"):
                    await self._complete([entry])
        del self._done[: len(batch)]
        self.wake()

    async def _complete(self, tried: list[Tried]) -> None:
        await self._dispatcher.in_database(lambda: outbox.complete(self._dispatcher.owner, tried))


class _logged:
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
