"""The dispatcher: workers and jobs in one event loop, on a thread of its own or as the process.

It is handed what there is to do (`pushhub.dispatcher.work`) and knows none of it. Each worker has its own room for
attempts under way, so a provider that hangs holds up nobody else, and memory is bounded however long the queue is. Any
number of dispatchers may run, in this process, beside it, or on other machines.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pushhub.queueing.worker import DRAIN_SECONDS, Job, Worker

#: Stands for every name when workers and jobs are woken.
ALL = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What a dispatcher does. `close` ends what it was done with, after all of it."""

    workers: Sequence[Worker]
    jobs: Sequence[Job]
    close: Callable[[], Awaitable[None]]


class Dispatcher:
    """Does the work of one application. `start` and `stop` run it on a thread of its own."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run()), name="dispatcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Claim nothing more, wait for what is under way, write what came of it."""
        if self._loop is not None and self._thread is not None:
            with suppress(RuntimeError):  # the loop ended by itself
                self._loop.call_soon_threadsafe(self.ask_to_stop)
            self._thread.join(DRAIN_SECONDS + 5)

    def wake(self, name: str = ALL) -> None:
        """Something is due for those of this name. Safe to call from any thread, at any time."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closing: another dispatcher or the next start takes it
                loop.call_soon_threadsafe(self._wake, name)

    def ask_to_stop(self) -> None:
        """Begin to stop; to be called in the dispatcher's own loop."""
        self._stopping.set()
        self._wake(ALL)

    async def run(self) -> None:
        """Work until told to stop."""
        self._loop = asyncio.get_running_loop()
        jobs = [asyncio.create_task(job.run()) for job in self._work.jobs]
        try:
            await asyncio.gather(*(worker.run(self._stopping) for worker in self._work.workers))
        finally:
            for job in jobs:
                job.cancel()
            self._loop = None
            await self._work.close()

    def _wake(self, name: str) -> None:
        # Only those that have something to do: a look at a queue is a write, and there is one for each commit.
        woken: list[Worker | Job] = [*self._work.workers, *self._work.jobs]
        for each in woken:
            if name in (ALL, each.name):
                each.wake()
