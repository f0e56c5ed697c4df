"""The dispatcher: a lane for each channel and kind of message, and the work that goes on beside them.

Each lane has its own room for messages in flight, so a provider that hangs holds up nobody else, and memory is
bounded however long the queue is. Any number of dispatchers may run, in this process, beside it, or on other
machines.

    lanes         claim, send, settle (`pushhub.dispatcher.lane`)
    escalation    codes without a receipt go on to their next channel
    fan-out       notifications become deliveries, a few hundred at a time
    relay, sender events get their order and go out as webhooks
    postman       letters of the cabinets (`pushhub.mail`)
    chores        what time does to rows (`pushhub.dispatcher.housekeeping`), the sign of life, open circuits
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

import sqlalchemy as sa
from flask import Flask

from pushhub.context import Hub
from pushhub.delivery.models import DispatcherBeat
from pushhub.delivery.rules import DeliveryKind
from pushhub.dispatcher import circuits, housekeeping
from pushhub.dispatcher.circuits import Circuits
from pushhub.dispatcher.lane import DRAIN_SECONDS, Lane, every, logged
from pushhub.events.relay import relay_events
from pushhub.kernel import clock
from pushhub.kernel.db import insert, transaction
from pushhub.kernel.ids import new_key
from pushhub.mail.transport import carrier_of
from pushhub.mail.worker import Postman
from pushhub.mail.write import LANE as LETTERS
from pushhub.notifications.fan_out import LANE as FAN_OUT
from pushhub.notifications.fan_out import fan_out_due
from pushhub.verifications.escalation import escalate_due
from pushhub.webhooks.sender import WebhookSender

T = TypeVar("T")

#: Stands for every channel when lanes are woken.
ALL = ""
_DATABASE_THREADS = 8
_SEEN_LATELY = timedelta(seconds=12)
_CHORES_SECONDS = 5.0
#: How often what falls due by time is looked for: codes that go on, notifications for later, events to tell.
_LOOK_SECONDS = 0.5


class Dispatcher:
    """Delivers for one application. `start` and `stop` run it on a thread of its own."""

    def __init__(self, app: Flask, parts: Hub) -> None:
        self.owner = new_key()
        self.alone = True
        self._app = app
        self._channels = list(parts.channels.values())
        self._circuits = [Circuits(channel.name) for channel in self._channels]
        self._lanes = [
            Lane(self, channel, kind, shared)
            for kind in DeliveryKind
            for channel, shared in zip(self._channels, self._circuits, strict=True)
        ]
        self._code_lanes = [lane for lane in self._lanes if lane.kind is DeliveryKind.CODE]
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._fan_out_due = asyncio.Event()
        self._sender = WebhookSender(app)
        self._postman = Postman(self, carrier_of(parts.channels))
        # Of its own: channels that use threads (an SMS gateway that hangs) must not take those of the database.
        self._database = ThreadPoolExecutor(_DATABASE_THREADS, thread_name_prefix="dispatcher-database")

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
        self._wake_lanes(ALL)  # the postman too
        self._sender.wake()

    async def run(self) -> None:
        """Deliver until told to stop."""
        self._loop = asyncio.get_running_loop()
        beside = [
            asyncio.create_task(every(_CHORES_SECONDS, asyncio.Event(), self._chores, "chores")),
            asyncio.create_task(every(_LOOK_SECONDS, self._hurried, self._escalate, "escalation")),
            asyncio.create_task(every(_LOOK_SECONDS, self._fan_out_due, self._fan_out, "fan-out")),
            asyncio.create_task(every(_LOOK_SECONDS, asyncio.Event(), self._relay, "relay")),
            asyncio.create_task(every(_LOOK_SECONDS, self._postman.asked, self._postman.look, "mail server")),
        ]
        try:
            workers = [lane.run(self._stopping) for lane in self._lanes]
            await asyncio.gather(*workers, self._sender.run(self._stopping), self._postman.run(self._stopping))
        finally:
            for task in beside:
                task.cancel()
            self._loop = None
            for channel in self._channels:
                await channel.close()
            # What a thread has begun in the database it ends, so that no connection is left in the middle of something.
            await asyncio.get_running_loop().run_in_executor(None, self._database.shutdown)

    async def run_until_idle(self) -> None:
        """Do what is due now, retries and further channels that fall due at once included, and return."""
        while True:
            await asyncio.gather(*(lane.empty() for lane in self._lanes), self._postman.empty(), self._postman.look())
            if not await self._escalate():
                return

    async def in_database(self, work: Callable[[], T]) -> T:
        """Do database work on a thread, with the application's context."""

        def with_context() -> T:
            with self._app.app_context():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._database, with_context)

    def codes_wait(self) -> bool:
        """Whether codes are due, so that other messages stand back."""
        return any(lane.behind for lane in self._code_lanes)

    def hurry(self) -> None:
        """A code has to go on to its next channel at once."""
        self._hurried.set()

    def _wake_lanes(self, channel: str) -> None:
        # Only the lanes that have something to do: a look at the queue is a write, and there is one for each commit.
        for lane in self._lanes:
            if channel in (ALL, lane.name):
                lane.wake()
        if channel in (ALL, FAN_OUT):
            self._fan_out_due.set()
        if channel in (ALL, LETTERS):
            self._postman.wake()

    async def _fan_out(self) -> bool:
        return await self.in_database(fan_out_due)

    async def _relay(self) -> bool:
        numbered = await self.in_database(relay_events)
        if numbered:
            self._sender.wake()
        return numbered > 0

    async def _escalate(self) -> bool:
        return await self.in_database(escalate_due) > 0

    async def _chores(self) -> bool:
        for chore in (self._beat, housekeeping.sweep, lambda: circuits.write_down(self._circuits)):
            with logged("chores"):
                await self.in_database(chore)
        return False

    def _beat(self) -> None:
        """Say that this dispatcher is at work, and see whether others are."""
        now = clock.now()
        statement = insert(DispatcherBeat).values(owner=self.owner, seen_at=now)
        others = sa.select(DispatcherBeat.owner).where(
            DispatcherBeat.owner != self.owner, DispatcherBeat.seen_at > now - _SEEN_LATELY
        )
        with transaction() as session:
            session.execute(statement.on_conflict_do_update(index_elements=["owner"], set_={"seen_at": now}))
            self.alone = session.scalar(others.limit(1)) is None
