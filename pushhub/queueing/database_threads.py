"""Threads for the database work of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import Flask

T = TypeVar("T")


class DatabaseThreads:
    """Threads of their own: whatever else uses threads in this process (an SMS gateway that hangs) must not take those
    of the database.

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
