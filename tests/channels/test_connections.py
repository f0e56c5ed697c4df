"""Connections that are no good are left for new ones: once for all, at most once in a second, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from channel_material import Ticks, answer, within

from pushhub.channels.transport import CHANGE_GAP, Host, Line, Response, TransportFailed


class Gate:
    """A wire whose requests wait until they are let go; `made` holds all wires, in order."""

    def __init__(self, made: list[Gate] | None = None) -> None:
        self.made = made if made is not None else []
        self.made.append(self)
        self.let_go = asyncio.Event()
        self.under_way = self.answered = 0
        self.closed = False

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        if self.closed:
            raise TransportFailed("closed")
        self.under_way += 1
        await self.let_go.wait()
        self.under_way -= 1
        if self.closed:
            raise TransportFailed("closed")
        self.answered += 1
        return answer(200)

    def fresh(self) -> Gate:
        return Gate(self.made)

    async def close(self) -> None:
        self.closed = True
        self.let_go.set()


def begun(line: Line, number: int) -> list[asyncio.Task[Response]]:
    return [asyncio.create_task(line.post("u", {}, b"")) for _ in range(number)]


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def left_in_the_middle(host: Host, number: int) -> tuple[list[asyncio.Task[Response]], ...]:
    """So many requests are under way when the host's connections are left, and as many on the new ones."""
    line = host.line
    first = begun(line, number)
    await turns()
    host.leave(line)
    second = begun(host.line, number)
    await turns()
    return first, second


@within(5)
async def test_what_is_under_way_ends_on_the_old_connections_and_then_they_are_closed() -> None:
    host = Host(old := Gate())
    first, second = await left_in_the_middle(host, 200)
    new = old.made[1]
    assert (old.under_way, new.under_way, old.closed) == (200, 200, False)
    new.let_go.set()
    assert [each.status for each in await asyncio.gather(*second)] == [200] * 200
    assert not old.closed
    first[0].cancel()  # the message that is given up counts as ended
    old.let_go.set()
    assert [each.status for each in await asyncio.gather(*first[1:])] == [200] * 199
    await turns()
    assert (old.closed, new.closed) == (True, False)


@within(5)
async def test_connections_with_nothing_under_way_are_closed_at_once() -> None:
    host = Host(old := Gate())
    host.leave(host.line)
    await turns()
    assert (old.closed, old.made[1].closed) == (True, False)


@within(5)
async def test_however_many_find_a_connection_bad_and_however_late_it_is_left_once() -> None:
    ticks = Ticks()
    host = Host(old := Gate(), monotonic=ticks)
    line = host.line
    for _ in range(200):
        host.leave(line)
        ticks.at += CHANGE_GAP
    assert len(old.made) == 2
    assert host.line is not line


@within(5)
async def test_connections_are_changed_at_most_once_in_a_second() -> None:
    ticks = Ticks()
    host = Host(old := Gate(), monotonic=ticks)
    for _ in range(10):
        host.leave(host.line)
    assert len(old.made) == 2
    ticks.at += CHANGE_GAP - 0.01
    host.leave(host.line)
    assert len(old.made) == 2
    ticks.at += 0.01
    host.leave(host.line)
    assert len(old.made) == 3


@within(5)
async def test_closing_closes_the_old_connections_too_and_waits_for_nobody() -> None:
    host = Host(old := Gate())
    first, second = await left_in_the_middle(host, 3)
    await host.close()
    assert [each.closed for each in old.made] == [True, True]
    for ended in await asyncio.gather(*first, *second, return_exceptions=True):
        assert isinstance(ended, TransportFailed)


@pytest.mark.parametrize("failure", [TransportFailed("reset"), RuntimeError("a defect")])
@within(5)
async def test_a_request_that_fails_counts_as_ended(failure: Exception) -> None:
    class Broken(Gate):
        async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
            raise failure

    host = Host(old := Broken())
    line = host.line
    with pytest.raises(type(failure)):
        await line.post("u", {}, b"")
    host.leave(line)
    await turns()
    assert old.closed
