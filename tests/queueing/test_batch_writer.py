"""Outcomes that come one after the other are written many at a time, and the last ones before the end."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from pushhub.queueing.batch_writer import BATCH, BatchWriter


class Book:
    """What was written, in how many goes; a go takes as long as a database does."""

    def __init__(self, gather_seconds: float) -> None:
        self.batches: list[list[int]] = []
        self.begun: list[float] = []
        self.settled: list[int] = []
        self.writer = BatchWriter[int]("tests", self._write, self.settled.extend, gather_seconds=gather_seconds)

    async def _write(self, outcomes: list[int]) -> None:
        self.begun.append(time.monotonic())
        await asyncio.sleep(0.01)
        self.batches.append(list(outcomes))


def test_what_comes_while_a_batch_is_written_is_gathered_for_the_next_one() -> None:
    async def live() -> Book:
        book = Book(gather_seconds=0.1)
        running = asyncio.create_task(book.writer.run())
        while len(book.begun) < 4:
            book.writer.add(len(book.settled) + len(book.writer))
            await asyncio.sleep(0.002)
        book.writer.end()
        await running
        return book

    book = asyncio.run(live())
    assert len(book.begun) >= 4
    assert book.settled == list(range(len(book.settled)))
    *gathered, _the_end = [later - earlier for earlier, later in pairwise(book.begun)]
    assert min(gathered) > 0.1  # its own 10 ms, and then 100 ms for whatever else comes


def test_a_full_batch_waits_for_nothing_and_the_end_writes_what_is_left() -> None:
    async def live() -> Book:
        book = Book(gather_seconds=60.0)
        running = asyncio.create_task(book.writer.run())
        for outcome in range(2 * BATCH):
            book.writer.add(outcome)
        await asyncio.sleep(0)
        while len(book.settled) < 2 * BATCH:
            await asyncio.sleep(0.01)
        book.writer.end()
        await running
        for late in (1, 2, 3):
            book.writer.add(late)
        await book.writer.run()
        return book

    book = asyncio.run(asyncio.wait_for(live(), 50.0))
    assert [len(batch) for batch in book.batches] == [BATCH, BATCH, 3]
    assert len(book.writer) == 0
