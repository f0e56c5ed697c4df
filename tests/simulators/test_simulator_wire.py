"""The protocol layer, spoken to by hand."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
import requests

from simulators import Simulators
from tests.simulators.conftest import DEVICE, Sender
from tests.support.waiting import until

_H2 = h2.config.H2Configuration(header_encoding="utf-8")


@contextmanager
def tls(sim: Simulators, url: str, *protocols: str) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cafile=str(sim.ca_path))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    with (
        socket.create_connection(address, timeout=30) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as secure,
    ):
        yield secure


def read_until_closed(sock: socket.socket) -> bytes:
    data = b""
    try:
        while chunk := sock.recv(65536):
            data += chunk
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    return data


def test_apns_agrees_on_http_2_only(sim: Simulators) -> None:
    with tls(sim, sim.apns_url, "h2", "http/1.1") as sock:
        assert sock.selected_alpn_protocol() == "h2"
        assert sock.version() in ("TLSv1.2", "TLSv1.3")
    with tls(sim, sim.apns_url, "http/1.1") as sock:
        assert sock.selected_alpn_protocol() is None
        sock.sendall(b"POST /3/device/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1" not in read_until_closed(sock)
    assert sim.arrived() == []


def test_fcm_agrees_on_either(sim: Simulators) -> None:
    for offered in ("h2", "http/1.1"):
        with tls(sim, sim.fcm_url, offered) as sock:
            assert sock.selected_alpn_protocol() == offered


@pytest.mark.parametrize("junk", [b"\x00" * 64, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"x" * 70_000])
def test_what_is_no_http_1_is_refused_and_closed(sim: Simulators, junk: bytes) -> None:
    with tls(sim, sim.fcm_url) as sock:
        sock.sendall(junk)
        assert read_until_closed(sock).startswith(b"HTTP/1.1 4")


class Http2Client:
    """Just enough HTTP/2 to misbehave with."""

    def __init__(self, sock: ssl.SSLSocket, *, window: int = 65_535) -> None:
        self.sock = sock
        self.h2 = h2.connection.H2Connection(_H2)
        self.h2.local_settings = h2.settings.Settings(
            initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
        )
        self.h2.initiate_connection()
        self.events: list[Any] = []

    def request(self, stream: int, sender: Sender, *, end: bool = True) -> None:
        headers = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", f"/3/device/{DEVICE}"),
            ("authorization", f"bearer {sender.provider_jwt}"),
            ("apns-topic", "org.example.pushhub"),
        ]
        self.h2.send_headers(stream, headers)
        self.h2.send_data(stream, b'{"aps": {}}', end_stream=end)

    def run(self, done: Callable[[], bool]) -> None:
        """Exchange bytes until `done`."""
        while not done():
            self.sock.sendall(self.h2.data_to_send())
            data = self.sock.recv(65_536)
            if not data:
                return
            self.events += self.h2.receive_data(data)
        self.sock.sendall(self.h2.data_to_send())

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def test_a_goaway_names_the_last_stream_that_is_answered(sim: Simulators, sender: Sender) -> None:
    sim.goaway_after(2, "apns")
    with tls(sim, sim.apns_url, "h2") as sock:
        client = Http2Client(sock)
        for stream in (1, 3, 5, 7):
            client.request(stream, sender)
        client.run(lambda: len(client.of(h2.events.StreamEnded)) == 2)
        [goaway] = client.of(h2.events.ConnectionTerminated)
        assert (goaway.last_stream_id, goaway.error_code) == (3, 0)
        assert [event.stream_id for event in client.of(h2.events.StreamEnded)] == [1, 3]
        assert sock.recv(65_536) == b""
    assert len(sim.arrived()) == 2


def test_an_answer_waits_for_the_window_of_the_client(sim: Simulators, sender: Sender) -> None:
    sim.script(provider="apns", reason="TooManyRequests")
    with tls(sim, sim.apns_url, "h2") as sock:
        client = Http2Client(sock, window=7)
        client.request(1, sender)
        client.run(lambda: bool(client.of(h2.events.DataReceived)))
        assert [event.data for event in client.of(h2.events.DataReceived)] == [b'{"reaso']
        assert not sim.arrived()[0].answered
        client.h2.increment_flow_control_window(100, 1)
        client.run(lambda: bool(client.of(h2.events.StreamEnded)))
    body = b"".join(event.data for event in client.of(h2.events.DataReceived))
    assert body == b'{"reason":"TooManyRequests"}'
    assert sim.arrived()[0].answered


def test_a_stream_that_the_client_resets_is_forgotten(sim: Simulators, sender: Sender) -> None:
    sim.script(provider="apns", delay=0.1)
    with tls(sim, sim.apns_url, "h2") as sock:
        client = Http2Client(sock)
        client.request(1, sender)
        client.request(3, sender, end=False)
        client.h2.reset_stream(3)
        client.request(5, sender)
        client.h2.reset_stream(5)
        client.request(7, sender)
        client.run(lambda: len(client.of(h2.events.StreamEnded)) == 2)
        assert sorted(event.stream_id for event in client.of(h2.events.StreamEnded)) == [1, 7]
    assert [each.answered for each in sim.arrived()] == [True, False, True]


def test_a_client_that_breaks_http_2_is_told_so(sim: Simulators, sender: Sender) -> None:
    with tls(sim, sim.apns_url, "h2") as sock:
        client = Http2Client(sock)
        sock.sendall(client.h2.data_to_send() + b"\x00\x00\x04\x03\x00\x00\x00\x00\x00" + b"\x00" * 4)
        client.run(lambda: False)
        assert client.of(h2.events.ConnectionTerminated)[0].error_code == 1
    assert sender.apns().status == 200


def test_requests_sent_ahead_are_answered_in_their_order(sim: Simulators) -> None:
    with tls(sim, sim.fcm_url, "http/1.1") as sock:
        sock.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = read_until_closed(sock)
    assert data.index(b"HTTP/1.1 404") < data.index(b"HTTP/1.1 405")


def test_a_client_that_asks_before_sending_its_body_is_told_to_continue(sim: Simulators) -> None:
    with tls(sim, sim.fcm_url, "http/1.1") as sock:
        sock.sendall(b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 100")
        sock.sendall(b"a=b")
        assert sock.recv(1000).startswith(b"HTTP/1.1 400")


def most_waiting(sim: Simulators) -> int:
    """Bytes that wait in the simulators for the slowest client."""
    return max((each.transport.get_write_buffer_size() for each in list(sim._live)), default=0)


def test_a_client_that_does_not_read_is_not_answered_without_bound(sim: Simulators, sender: Sender) -> None:
    for number in range(300):
        sender.apns(payload={"aps": {}, "number": number, "text": "x" * 3000})
    asked = 20  # about a megabyte each
    with socket.create_connection(("127.0.0.1", int(sim.control_url.rpartition(":")[2])), timeout=30) as sock:
        sock.sendall(b"GET /arrived?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n" * asked)
        waiting = until(lambda: most_waiting(sim), 30, "nothing waits for the client")
        time.sleep(0.1)
        assert 0 < waiting <= most_waiting(sim) < 3_000_000
        received = b""
        while received.count(b"HTTP/1.1 200") < asked:
            received += sock.recv(1_000_000)
    assert requests.get(sim.control_url, timeout=30).status_code == 200
