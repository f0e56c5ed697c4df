"""Somebody's endpoint: a real HTTPS server on this machine that answers as a test wants, well or badly."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from standardwebhooks.webhooks import Webhook as Verifier

Behaviour = Callable[["Received", socket.socket], None]


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> dict[str, Any]:
        """The document, after the signature has been looked at by the reference implementation."""
        document: dict[str, Any] = Verifier(secret).verify(self.body, self.headers)
        return document


def says(status: int, body: str = "", **headers: str) -> Behaviour:
    """Answer properly."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]

    def answer(_: Received, connection: socket.socket) -> None:
        connection.sendall(("\r\n".join(lines) + f"\r\n\r\n{body}").encode())

    return answer


def hangs(_: Received, connection: socket.socket) -> None:
    """Take the request and say nothing until the caller goes away."""
    with suppress(OSError):
        connection.recv(1)


def talks_garbage(_: Received, connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n\x00\xff\xfe" + b"\x00" * 100)
    connection.close()


def resets(_: Received, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket.close(connection)


def closes(_: Received, connection: socket.socket) -> None:
    connection.close()


def never_ends(_: Received, connection: socket.socket) -> None:
    """200, and a body without an end."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)


def trickles(_: Received, connection: socket.socket) -> None:
    """200, and a body that comes a letter at a time."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.1)


class Receiver:
    """Listens on 127.0.0.1; `behaviour` may be changed at any time, also to a function of the request."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.behaviour: Behaviour = says(204)
        self.received: list[Received] = []
        self.connections = 0
        self.at_once = 0
        self.most_at_once = 0
        self._context = context
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self._scheme = "https" if context else "http"
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path: str = "/hook", host: str = "localhost") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        with suppress(OSError):  # closed before
            self._listening.shutdown(socket.SHUT_RDWR)  # closing alone would leave its thread in accept() for ever
        self._listening.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(plain, server_side=True)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            while (request := _read(connection)) is not None:
                self._answer(request, connection)
        except (OSError, ValueError):
            pass  # the caller went away, or did not trust us
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
            plain.close()

    def _answer(self, request: Received, connection: socket.socket) -> None:
        with self._lock:
            self.received.append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            behaviour = self.behaviour
        try:
            behaviour(request, connection)
        finally:
            with self._lock:
                self.at_once -= 1


MakeReceiver = Callable[..., Receiver]


def _read(connection: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        part = connection.recv(65536)
        if not part:
            return None
        body += part
    return Received(first.split(" ")[1], headers, body)
