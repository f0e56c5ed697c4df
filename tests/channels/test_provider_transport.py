"""Whatever goes wrong on the wire is one exception with one word, and never the URL."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from itertools import chain

import pytest
from channel_material import APNS_TARGET, in_a_loop, run

from pushhub.channels.contract import USUAL, TimeLimits
from pushhub.channels.transport import Response, Transport, TransportFailed, post_blocking


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def failure(url: str, headers: dict[str, str] | None = None, limits: TimeLimits = USUAL) -> TransportFailed:
    async def work() -> Response:
        wire = Transport(limits=limits)
        try:
            return await wire.post(url, headers or {}, b"x")
        finally:
            await wire.close()

    return caught(lambda: run(work()))


def caught(work: Callable[[], object]) -> TransportFailed:
    with pytest.raises(TransportFailed) as info:
        work()
    error = info.value
    chained = chain([error], [error.__cause__, error.__context__])
    assert not any(APNS_TARGET in f"{each!r}" for each in chained)
    return error


def url(server: socket.socket, scheme: str = "https") -> str:
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}/3/device/{APNS_TARGET}"


def test_nobody_there_is_connect(listener: socket.socket) -> None:
    address = url(listener)
    listener.close()
    assert failure(address).reason == "connect"
    assert caught(lambda: post_blocking(address, {}, b"")).reason == "connect"


def test_a_server_that_hangs_up_during_tls_is_connect(listener: socket.socket) -> None:
    def hang_up() -> None:
        listener.accept()[0].close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    assert failure(url(listener)).reason == "connect"
    thread.join()


def test_a_server_that_says_nothing_is_connect_timeout(listener: socket.socket) -> None:
    assert failure(url(listener), limits=TimeLimits(provider_connect=0.1)).reason == "connect_timeout"


def test_plain_http_is_not_spoken(listener: socket.socket) -> None:
    assert failure(url(listener, "http")).reason == "request"
    assert caught(lambda: post_blocking(url(listener, "http"), {}, b"")).reason == "request"


@pytest.mark.parametrize("address", ["", "nonsense", f"https://[/{APNS_TARGET}"])
def test_an_address_that_is_none_is_request(address: str) -> None:
    assert failure(address).reason == "request"


@pytest.mark.parametrize("value", ["a\nb", "a\x00b"])
def test_a_header_that_is_none_is_request(value: str) -> None:
    assert failure("https://127.0.0.1:1/", {"apns-collapse-id": value}).reason == "request"


@in_a_loop
async def test_a_transport_that_was_closed_fails_and_a_fresh_one_is_another() -> None:
    wire = Transport(connections=2)
    await wire.close()
    with pytest.raises(TransportFailed, match="closed"):
        await wire.post("https://127.0.0.1:1/", {}, b"")
    assert isinstance(wire.fresh(), Transport)
