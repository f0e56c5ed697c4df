"""Sends what is queued for webhooks, beside the lanes of the dispatcher and built like one of them.

    claim a few of each webhook ──→ sign and post each, no session open ──→ outcomes ──→ write a batch
      ↑ woken by the relay in this process, by a place that became free, or by the clock

How many tries one webhook may have under way follows from how it does: an endpoint that answers gets more, up to a
limit; one that does not answer gets one at a time. So an endpoint that hangs holds up only itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from flask import Flask

from pushhub.context import hub
from pushhub.kernel import clock
from pushhub.kernel.ids import new_key
from pushhub.kernel.secret_files import root_certificates
from pushhub.queueing.batch_writer import BatchWriter
from pushhub.webhooks import queue, signing
from pushhub.webhooks.guarded_client import TOTAL_SECONDS, Wire, trusted
from pushhub.webhooks.queue import Claimed, Tried
from pushhub.webhooks.rules import LARGEST_BODY, Answer
from pushhub.webhooks.targets import UrlRefusal, target_of

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Messages in flight in one process.
IN_FLIGHT = 100
#: How often the queue is looked at by itself: a retry falls due without anybody's commit.
POLL_SECONDS = 1.0
#: The least time between two looks at the queue, and for how long outcomes are gathered.
GATHER_SECONDS = 0.02
#: How long a stopping sender waits for answers that are under way.
DRAIN_SECONDS = 12.0
_DATABASE_THREADS = 2
_HEADERS = {"Content-Type": "application/json", "User-Agent": "pushhub"}


class Pace:
    """How many tries each webhook may have under way in this process."""

    FIRST = 4
    MOST = 16

    def __init__(self) -> None:
        self._allowed: dict[UUID, int] = {}
        self._under_way: Counter[UUID] = Counter()

    def room(self, webhook_id: UUID) -> int:
        """How many more may begin now."""
        return self._allowed.get(webhook_id, self.FIRST) - self._under_way[webhook_id]

    def begin(self, webhook_id: UUID) -> None:
        self._under_way[webhook_id] += 1

    def end(self, webhook_id: UUID, *, answered: bool) -> None:
        """A try has ended: twice as many next time if the endpoint answered, else one at a time."""
        self._under_way[webhook_id] -= 1
        if not self._under_way[webhook_id]:
            del self._under_way[webhook_id]
        doubled = min(self._allowed.get(webhook_id, self.FIRST) * 2, self.MOST)
        self._allowed[webhook_id] = doubled if answered else 1


class WebhookSender:
    """Sends for one application, in the loop in which `run` is called.

    Args:
        app: whose messages are sent.
        try_seconds: for one try at an endpoint.
        poll_seconds: how often the queue is looked at by itself.
        largest_body: bytes from which on a message is not sent.
    """

    def __init__(
        self,
        app: Flask,
        *,
        try_seconds: float = TOTAL_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        with app.app_context():
            self._resolver = hub().resolver
            settings = hub().settings
        self.owner = new_key()
        self._app = app
        self._try_seconds = try_seconds
        self._poll_seconds = poll_seconds
        self._largest_body = largest_body
        self._private_allowed = settings.webhook_private_addresses
        self._extra_roots = root_certificates(settings.provider_ca)
        self._pace = Pace()
        # Of its own: whatever else uses threads in this process must not take those of the database.
        self._database = ThreadPoolExecutor(_DATABASE_THREADS, thread_name_prefix="webhook-database")
        self._awake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._outcomes = BatchWriter[Tried](
            "webhooks", self._complete, lambda _: self.wake(), gather_seconds=GATHER_SECONDS
        )

    def wake(self) -> None:
        """Something may be due; to be called in the sender's own loop."""
        self._awake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until told to stop, then drain. Whoever sets `stopping` calls `wake` after it."""
        async with self._wire() as wire:
            writer = asyncio.create_task(self._outcomes.run())
            loop = asyncio.get_running_loop()
            while not stopping.is_set():
                self._awake.clear()
                looked = loop.time()
                if not await self._claim_and_send(wire):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._awake.wait(), self._poll_seconds)
                await asyncio.sleep(max(0.0, looked + GATHER_SECONDS - loop.time()))
            if self._sending:
                await asyncio.wait(self._sending, timeout=DRAIN_SECONDS)
            # What was not answered by now may have arrived: it is sent again, under the same id, when its lease ends.
            for task in self._sending:
                task.cancel()
            self._outcomes.end()
            with suppress(TimeoutError):
                await asyncio.wait_for(writer, DRAIN_SECONDS)
            self._database.shutdown(wait=False)

    async def run_until_idle(self) -> None:
        """Send what is due now, write what came of it, and return."""
        async with self._wire() as wire:
            while await self._claim_and_send(wire):
                await asyncio.gather(*self._sending)
                await self._outcomes.write_all()

    def _wire(self) -> Wire:
        return Wire(
            trusted(self._extra_roots),
            self._resolver,
            private_allowed=self._private_allowed,
            total_seconds=self._try_seconds,
        )

    async def _claim_and_send(self, wire: Wire) -> int:
        room = IN_FLIGHT - len(self._sending) - len(self._outcomes)
        claimed: list[Claimed] = []
        if room > 0:
            try:
                claimed = await self._in_database(lambda: queue.claim(self.owner, room, self._pace.room))
            except Exception:
                # The database failing for a while must not end the sender; the next turn tries again.
                log.exception("webhook messages not claimed")
        for message in claimed:
            self._pace.begin(message.webhook_id)
            task = asyncio.create_task(self._send(wire, message))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return len(claimed)

    async def _send(self, wire: Wire, message: Claimed) -> None:
        answer = Answer(error="internal_error")
        try:
            answer = await self._try(wire, message)
        except Exception:
            # That is a bug, and one message must not take the others along.
            log.exception("a message to a webhook raised", extra={"message_id": message.message_id})
        finally:
            self._pace.end(message.webhook_id, answered=answer.status is not None)
        self._outcomes.add(Tried(message, answer))

    async def _try(self, wire: Wire, message: Claimed) -> Answer:
        target = target_of(message.url, private_allowed=self._private_allowed)
        if isinstance(target, UrlRefusal):  # the setting is another one than when it was registered
            return Answer(error=str(target))
        if not message.secrets:
            return Answer(error="secret_unreadable")
        if len(message.body) >= self._largest_body:
            return Answer(error="body_too_large")
        signed = signing.headers(message.secrets, message.message_id, clock.now(), message.body)
        return await wire.post(target, _HEADERS | signed, message.body)

    async def _complete(self, tried: list[Tried]) -> None:
        await self._in_database(lambda: queue.complete(self.owner, tried))

    async def _in_database(self, work: Callable[[], T]) -> T:
        def with_context() -> T:
            with self._app.app_context():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._database, with_context)
