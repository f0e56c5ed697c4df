"""Outcomes are gathered and written many at a time; the database failing for a while loses none of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pushhub.kernel.errors import PushhubError

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Outcomes written in one go.
BATCH = 200
_PAUSE_SECONDS = 0.5


class BatchWriter(Generic[T]):
    """Writes what it is given until it is told to end.

    Args:
        of: whose outcomes they are, for the log.
        write: writes some of them in one transaction. `PushhubError` means that nothing was written.
        written: is told of those that are settled.
        gather_seconds: for how long a batch that is not full waits for more.
    """

    def __init__(
        self,
        of: str,
        write: Callable[[list[T]], Awaitable[None]],
        written: Callable[[list[T]], None],
        *,
        gather_seconds: float = 0.0,
    ) -> None:
        self._of = of
        self._write = write
        self._written = written
        self._gather_seconds = gather_seconds
        self._waiting: list[T] = []
        self._something = asyncio.Event()
        self._ending = False

    def __len__(self) -> int:
        """How many wait to be written."""
        return len(self._waiting)

    def add(self, outcome: T) -> None:
        self._waiting.append(outcome)
        self._something.set()

    def end(self) -> None:
        """Let `run` return when everything is written."""
        self._ending = True
        self._something.set()

    async def run(self) -> None:
        while self._waiting or not self._ending:
            await self._something.wait()
            if len(self._waiting) < BATCH and not self._ending:
                await asyncio.sleep(self._gather_seconds)
            if self._waiting:
                await self._write_batch()
            if not self._waiting and not self._ending:
                self._something.clear()

    async def write_all(self) -> None:
        """Write what waits, however long that takes."""
        while self._waiting:
            await self._write_batch()

    async def _write_batch(self) -> None:
        batch = self._waiting[:BATCH]
        try:
            await self._write(batch)
        except PushhubError as problem:
            # Nothing was written. The rows are ours until the lease ends, so the outcomes are kept and tried again.
            extra = {"of": self._of, "cause": problem.code, "count": len(batch)}
            log.warning("outcomes not written yet", extra=extra)
            await asyncio.sleep(_PAUSE_SECONDS)
            return
        except Exception:
            # One outcome that can't be written must not hold up the others, nor end the writer.
            log.exception("outcomes refused by the database", extra={"of": self._of, "count": len(batch)})
            await self._one_by_one(batch)
        del self._waiting[: len(batch)]
        self._written(batch)

    async def _one_by_one(self, batch: list[T]) -> None:
        for outcome in batch:
            try:
                await self._write([outcome])
            except Exception:
                log.exception("an outcome is lost", extra={"of": self._of})
