"""HTTP/2 (RFC 9113): the protocol of APNs and of a fast FCM client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from simulators.wire import Reply, Request

if TYPE_CHECKING:
    from simulators.connection import Connection

# At DEBUG hpack tells every header that it decodes, credentials and push targets among them.
logging.getLogger("hpack").setLevel(logging.INFO)

#: Streams a client may have open at once on one connection (what Apple's hosts are seen to announce).
MAX_STREAMS = 1000
MAX_HEADER_BYTES = 16 * 1024
#: How many bytes of bodies may come in before the connection's window is opened again.
_WINDOW_STEP = 16 * 1024
#: Names and values come from our own services, in lower case: checking them again costs a third of the speed.
_CONFIG = H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False)


class Http2:
    """The server side of one HTTP/2 connection.

    After `requests_per_connection` requests it sends GOAWAY with the id of the last stream that it will
    answer, answers those, ignores later streams (a client may safely send them again on a new connection,
    RFC 9113 section 6.8), and closes.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._h2 = H2Connection(config=_CONFIG)
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_BYTES,
            },
        )
        self._incoming: dict[int, Request] = {}
        self._deciding: set[int] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._unsent: dict[int, Reply] = {}
        self._written: list[Callable[[], None]] = []
        self._requests = 0
        self._last_stream: int | None = None
        self._goaway = b""
        self._unacknowledged = 0
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            RequestReceived: self._on_request,
            DataReceived: self._on_data,
            StreamEnded: self._on_end,
            StreamReset: self._on_reset,
            WindowUpdated: self._on_window,
            ConnectionTerminated: self._on_goaway,
        }
        self._h2.initiate_connection()
        self.flush()

    def receive(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            # h2 has already queued the GOAWAY that names the error.
            self.flush()
            self._connection.transport.close()
            return
        for event in events:
            handler = self._handlers.get(type(event))
            if handler is not None:
                handler(event)
            if self._connection.gone:
                return
        if self._unacknowledged >= _WINDOW_STEP:
            self._h2.increment_flow_control_window(self._unacknowledged)
            self._unacknowledged = 0
        self.flush()

    def resume(self) -> None:
        """One read holds a bounded number of requests, and all of them were answered at once."""

    def flush(self) -> None:
        data = self._h2.data_to_send() + self._goaway
        self._goaway = b""
        written, self._written = self._written, []
        if self._connection.gone:
            return
        if data:
            self._connection.transport.write(data)
        for call in written:
            call()

    def lost(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._incoming.clear()
        self._unsent.clear()

    def _on_request(self, event: RequestReceived) -> None:
        stream_id = event.stream_id
        if self._last_stream is not None:
            return
        lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
        pseudo = dict(line for line in lines if line[0].startswith(":"))
        headers = [line for line in lines if not line[0].startswith(":")]
        method, path = pseudo.get(":method", ""), pseudo.get(":path", "")
        self._incoming[stream_id] = Request(self._connection, method, path, headers)
        self._requests += 1
        limit = self._connection.service.requests_per_connection()
        if limit is not None and self._requests >= limit:
            self._go_away(stream_id)

    def _go_away(self, last_stream: int) -> None:
        # Written past h2, which after its own GOAWAY would refuse to send the answers that are still due.
        frame = GoAwayFrame(0, last_stream_id=last_stream, error_code=0)
        self._last_stream = last_stream
        self._goaway = frame.serialize()

    def _on_data(self, event: DataReceived) -> None:
        self._unacknowledged += event.flow_controlled_length
        request = self._incoming.get(event.stream_id)
        if request is None:
            return
        request.body += event.data
        if len(request.body) > self._connection.service.body_limit:
            # Answered before its end: RFC 9113 section 8.1 has the server reset the rest with NO_ERROR.
            request.too_long = True
            self._decide(event.stream_id)

    def _on_end(self, event: StreamEnded) -> None:
        if event.stream_id in self._incoming:
            self._decide(event.stream_id)

    def _on_reset(self, event: StreamReset) -> None:
        self._incoming.pop(event.stream_id, None)
        self._unsent.pop(event.stream_id, None)
        timer = self._timers.pop(event.stream_id, None)
        if timer is not None:
            timer.cancel()
        self._done(event.stream_id)

    def _on_goaway(self, event: ConnectionTerminated) -> None:
        self.flush()
        self._connection.transport.close()

    def _on_window(self, event: WindowUpdated) -> None:
        waiting = [event.stream_id] if event.stream_id else list(self._unsent)
        for stream_id in waiting:
            if stream_id in self._unsent:
                self._push(stream_id)

    def _decide(self, stream_id: int) -> None:
        request = self._incoming.pop(stream_id)
        self._deciding.add(stream_id)
        reply = self._connection.answer(request)
        if reply.delay > 0:
            self._timers[stream_id] = self._connection.loop.call_later(reply.delay, self._late, stream_id, reply)
        else:
            self._carry_out(stream_id, reply)
        if request.too_long and not self._connection.gone and stream_id not in self._timers:
            self._reset_stream(stream_id, 0)

    def _late(self, stream_id: int, reply: Reply) -> None:
        del self._timers[stream_id]
        if not self._connection.gone:
            self._carry_out(stream_id, reply)
            self.flush()

    def _carry_out(self, stream_id: int, reply: Reply) -> None:
        if reply.fault == "hang":
            return
        if reply.fault == "reset":
            self._connection.reset()
        elif reply.fault == "rst_stream":
            self._reset_stream(stream_id, reply.reset_code)
            self._done(stream_id)
        else:
            self._send(stream_id, reply)

    def _reset_stream(self, stream_id: int, code: int) -> None:
        with suppress(ProtocolError):  # the client has closed it in the meantime
            self._h2.reset_stream(stream_id, code)

    def _send(self, stream_id: int, reply: Reply) -> None:
        headers = [(":status", str(reply.status)), *reply.headers]
        truncate = reply.fault == "truncate"
        try:
            self._h2.send_headers(stream_id, headers, end_stream=not reply.body and not truncate)
        except ProtocolError:
            self._done(stream_id)  # reset or gone away in the bytes that came after the request
            return
        if truncate:
            if len(reply.body) > 1:
                self._h2.send_data(stream_id, reply.body[: len(reply.body) // 2])
            self.flush()
            self._connection.transport.close()
        elif reply.body:
            self._unsent[stream_id] = reply
            self._push(stream_id)
        else:
            self._sent(stream_id, reply)

    def _push(self, stream_id: int) -> None:
        """Send as much of a body as the client's windows allow; the rest waits for WINDOW_UPDATE."""
        reply = self._unsent[stream_id]
        try:
            while reply.body:
                room = min(self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size)
                if room <= 0:
                    return
                self._h2.send_data(stream_id, reply.body[:room], end_stream=len(reply.body) <= room)
                reply.body = reply.body[room:]
        except ProtocolError:
            self._done(stream_id)
        else:
            self._sent(stream_id, reply)
        del self._unsent[stream_id]

    def _sent(self, stream_id: int, reply: Reply) -> None:
        if reply.written is not None:
            self._written.append(reply.written)
        self._done(stream_id)

    def _done(self, stream_id: int) -> None:
        self._deciding.discard(stream_id)
        if self._last_stream is not None and not self._deciding and not self._incoming:
            self._connection.loop.call_soon(self._connection.finish)
