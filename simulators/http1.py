"""HTTP/1.1 (RFC 9112): what firebase-admin and google-auth speak, and the control API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import h11

from simulators.wire import Reply, Request

if TYPE_CHECKING:
    from simulators.connection import Connection

#: Bytes a client may send ahead while its request is still being answered.
_PIPELINE_BYTES = 64 * 1024


class Http1:
    """The server side of one HTTP/1.1 connection, one request at a time.

    There are no streams to reset here, so the fault `rst_stream` resets the connection; after
    `requests_per_connection` requests the answer says `Connection: close`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=16 * 1024)
        self._request: Request | None = None
        self._requests = 0
        self._answering = False
        self._timer: asyncio.TimerHandle | None = None

    def receive(self, data: bytes) -> None:
        self._h11.receive_data(data)
        if not self._answering and self._connection.writable:
            self._advance()
        elif len(self._h11.trailing_data[0]) > _PIPELINE_BYTES:
            self._connection.transport.abort()

    def resume(self) -> None:
        if not self._answering:
            self._advance()

    def flush(self) -> None:
        """Everything is written at once; nothing waits."""

    def lost(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _advance(self) -> None:
        while not self._answering and self._connection.writable and not self._connection.gone:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse(error.error_status_hint)
                return
            if event is h11.NEED_DATA or event is h11.PAUSED:
                if self._h11.they_are_waiting_for_100_continue:
                    self._write(h11.InformationalResponse(status_code=100, headers=[]))
                return
            self._take(event)

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Request):
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            method, path = event.method.decode("latin-1"), event.target.decode("latin-1")
            self._request = Request(self._connection, method, path, headers)
        elif isinstance(event, h11.ConnectionClosed):
            self._connection.transport.close()
        elif self._request is None:
            raise RuntimeError("h11 went on with a message that it had not begun")
        elif isinstance(event, h11.Data):
            self._request.body += event.data
            if len(self._request.body) > self._connection.service.body_limit:
                self._request.too_long = True
                self._decide(self._request)
        elif isinstance(event, h11.EndOfMessage):
            self._decide(self._request)

    def _decide(self, request: Request) -> None:
        self._answering = True
        self._requests += 1
        limit = self._connection.service.requests_per_connection()
        last = request.too_long or (limit is not None and self._requests >= limit)
        reply = self._connection.answer(request)
        if reply.delay > 0:
            self._timer = self._connection.loop.call_later(reply.delay, self._late, reply, last)
        else:
            self._carry_out(reply, last=last)

    def _late(self, reply: Reply, last: bool) -> None:
        self._timer = None
        if not self._connection.gone:
            self._carry_out(reply, last=last)
            self._advance()

    def _carry_out(self, reply: Reply, *, last: bool) -> None:
        if reply.fault == "hang":
            return
        if reply.fault in ("reset", "rst_stream"):
            self._connection.reset()
            return
        headers = [*reply.headers, ("content-length", str(len(reply.body)))]
        if last:
            headers.append(("connection", "close"))
        self._write(h11.Response(status_code=reply.status, headers=headers))
        if reply.fault == "truncate":
            self._write(h11.Data(data=reply.body[: len(reply.body) // 2]))
            self._connection.transport.close()
            return
        self._write(h11.Data(data=reply.body))
        self._write(h11.EndOfMessage())
        if reply.written is not None and not self._connection.gone:
            reply.written()
        if self._h11.their_state in (h11.MUST_CLOSE, h11.CLOSED):
            self._connection.transport.close()  # the client has said that it sends nothing more
            return
        if last:
            self._connection.finish()
            return
        self._h11.start_next_cycle()
        self._answering = False

    def _refuse(self, status: int) -> None:
        """Answer what is not HTTP/1.1 with the status that h11 proposes, and close."""
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [("content-length", "0"), ("connection", "close")]
            self._write(h11.Response(status_code=status, headers=headers))
            self._write(h11.EndOfMessage())
        self._connection.finish()

    def _write(self, event: h11.Event) -> None:
        data = self._h11.send(event)
        if data and not self._connection.gone:
            self._connection.transport.write(data)
