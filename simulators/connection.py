"""One connection of a simulated provider: TLS with ALPN chooses HTTP/2 or HTTP/1.1, a service answers.

The protocol layer is written here, on h2 and h11, because a fault has to happen on the wire: a connection
that is reset in the middle, a stream that never gets its answer, a GOAWAY that leaves streams unprocessed.

Nothing is buffered without bound: a request body is kept up to the service's `body_limit`, the number of open
streams is limited, and while the client does not read its answers, no more requests are read from it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from itertools import count
from typing import Any, cast

from simulators.http1 import Http1
from simulators.http2 import Http2
from simulators.state import Service
from simulators.wire import Reply, Request

#: How long a connection that is finished on our side waits for the client to close it. Closing at once, with
#: bytes of the client still unread, would make the kernel send a reset and destroy answers on their way.
LINGER_SECONDS = 0.5

#: Numbers the connections of all simulators as they come.
numbers = count(1)


class Connection(asyncio.Protocol):
    """One accepted connection. `live` is the set of connections that the owner closes when it stops."""

    def __init__(self, service: Service, live: set[Any]) -> None:
        self.service = service
        self.number = next(numbers)
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self._live = live
        self._session: Http1 | Http2
        self._finished = False
        self.writable = True  # the client reads its answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._live.add(self)
        tls = transport.get_extra_info("ssl_object")
        agreed = tls.selected_alpn_protocol() if tls is not None else None
        # A host that speaks HTTP/2 only takes it for granted where a client offers no ALPN at all, as Apple's
        # do; a client that then sends HTTP/1.1 is told PROTOCOL_ERROR and closed.
        self._session = Http2(self) if agreed == "h2" or not self.service.http1 else Http1(self)

    def data_received(self, data: bytes) -> None:
        if not self._finished:
            self._session.receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._live.discard(self)
        self._finished = True
        self._session.lost()

    def pause_writing(self) -> None:
        """The client does not read its answers: take no more requests from it."""
        self.writable = False
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.writable = True
        self.transport.resume_reading()
        if not self._finished:
            self._session.resume()

    @property
    def gone(self) -> bool:
        """Nothing can be written any more."""
        return self.transport.is_closing()

    def answer(self, request: Request) -> Reply:
        """Ask the service. An answer to HEAD carries no body (RFC 9110 section 9.3.2)."""
        request.body = request.body[: self.service.body_limit]
        reply = self.service.answer(request)
        if request.method == "HEAD":
            reply.body = b""
        return reply

    def finish(self) -> None:
        """Close politely: read nothing more, leave the client time to take its last answers."""
        if not self._finished:
            self._finished = True
            self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def close_soon(self) -> None:
        """Close after what is being handled now was written."""
        self.loop.call_soon(self.transport.close)

    def reset(self) -> None:
        """Write what is ready, then reset the TCP connection as a crashed peer or a middlebox would."""
        self._session.flush()
        reset(self.transport)


def reset(transport: asyncio.Transport) -> None:
    """Reset the TCP connection."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # Lingering for zero seconds makes the kernel send RST instead of an orderly FIN.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
