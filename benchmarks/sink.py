"""A provider that says yes to everything and reads as little as it can, so that what is measured beside it on the
same cores is the sender: `python -m benchmarks.sink DIRECTORY`.

    FCM     HTTP/2, and HTTP/1.1 for firebase-admin
    APNs    HTTP/2
    OAuth   HTTP/1.1; a GET there tells how many messages were taken

Each has a port of its own, so no path has to be read. Of HTTP/2 (RFC 9113) it reads the frames and not what is in
them, which is ten times cheaper than a whole server; only for APNs it decodes the headers, because clients such as
aioapns know an answer by its `apns-id`. It checks nothing: whether messages are right is for the simulators to say.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from hpack import Decoder

from simulators.certificates import prepare_certificates
from simulators.credentials import APNS_KEY_ID, APNS_TEAM_ID, APNS_TOPIC, PROJECT_ID, Credentials
from simulators.http2 import MAX_STREAMS

#: The name under which it tells the address where it counts.
COUNTED_AT = "COUNTED_AT"

_HOST = "127.0.0.1"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING, _WINDOW_UPDATE = 0, 1, 4, 6, 8
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 1, 1, 4, 8, 32
_FRAME_HEADER = 9
#: How much of bodies may come in on one stream, and on a connection before its window is opened again.
_WINDOW = 1 << 20

_NAME = json.dumps({"name": f"projects/{PROJECT_ID}/messages/1"}).encode()
_GRANT = json.dumps({"access_token": "ya29.sink", "expires_in": 3599, "token_type": "Bearer"}).encode()
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STATUS_200 = b"\x88"  # RFC 7541, appendix A
_CONTENT_TYPE_JSON = b"\x0f\x10\x10application/json"  # never indexed, so no table has to be kept
_APNS_ID = b"\x00\x07apns-id"


@dataclass(slots=True)
class Tally:
    """How many messages were taken."""

    taken: int = 0


def _frame(kind: int, flags: int, stream: bytes, payload: bytes) -> bytes:
    return b"%b%b%b%b" % (len(payload).to_bytes(3), bytes((kind, flags)), stream, payload)


def _acknowledged(kind: int, payload: bytes) -> bytes:
    """What a frame that is about the whole connection is answered with."""
    if kind == _SETTINGS:
        return _frame(_SETTINGS, _ACK, _WHOLE, b"")
    return _frame(_PING, _ACK, _WHOLE, payload) if kind == _PING else b""


_WHOLE = bytes(4)
_GREETING = _frame(
    _SETTINGS,
    0,
    _WHOLE,
    # MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE
    b"\x00\x03" + MAX_STREAMS.to_bytes(4) + b"\x00\x04" + _WINDOW.to_bytes(4),
) + _frame(_WINDOW_UPDATE, 0, _WHOLE, (2 * _WINDOW).to_bytes(4))
_FCM_HEADERS = _STATUS_200 + _CONTENT_TYPE_JSON
_FCM_HEADERS_START = len(_FCM_HEADERS).to_bytes(3) + bytes((_HEADERS, _END_HEADERS))
_FCM_DATA_START = len(_NAME).to_bytes(3) + bytes((_DATA, _END_STREAM))


class _Http2:
    """One connection: an answer for every stream whose request has ended."""

    def __init__(self, transport: asyncio.Transport, tally: Tally, *, apns: bool) -> None:
        self._transport = transport
        self._tally = tally
        self._decoder = Decoder() if apns else None
        self._apns_ids: dict[bytes, bytes] = {}
        self._rest = b""
        self._preface = len(_PREFACE)
        self._unacknowledged = 0
        transport.write(_GREETING)

    def receive(self, data: bytes) -> None:
        data = self._rest + data
        at, end = self._preface, len(data)
        if end < at:
            self._rest = data
            return
        self._preface = 0
        answers: list[bytes] = []
        while end - at >= _FRAME_HEADER:
            after = at + _FRAME_HEADER + int.from_bytes(data[at : at + 3])
            if after > end:
                break
            kind, flags, stream = data[at + 3], data[at + 4], data[at + 5 : at + 9]
            if kind == _DATA:
                self._unacknowledged += after - at - _FRAME_HEADER
            elif kind == _HEADERS:
                self._note_id(stream, flags, data[at + _FRAME_HEADER : after])
            elif not flags & _ACK:
                answers.append(_acknowledged(kind, data[at + _FRAME_HEADER : after]))
            if kind <= _HEADERS and flags & _END_STREAM:
                answers.append(self._yes(stream))
            at = after
        self._rest = data[at:]
        if self._unacknowledged >= _WINDOW:
            answers.append(_frame(_WINDOW_UPDATE, 0, _WHOLE, self._unacknowledged.to_bytes(4)))
            self._unacknowledged = 0
        if answers:
            self._transport.write(b"".join(answers))

    def _yes(self, stream: bytes) -> bytes:
        self._tally.taken += 1
        if self._decoder is None:
            return b"%b%b%b%b%b%b" % (_FCM_HEADERS_START, stream, _FCM_HEADERS, _FCM_DATA_START, stream, _NAME)
        apns_id = self._apns_ids.pop(stream)
        block = _STATUS_200 + _APNS_ID + bytes((len(apns_id),)) + apns_id
        return _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, block)

    def _note_id(self, stream: bytes, flags: int, payload: bytes) -> None:
        if self._decoder is None:
            return
        if not flags & _END_HEADERS:
            raise ValueError("headers in several frames are not read here")
        if flags & _PADDED:
            payload = payload[1 : len(payload) - payload[0]]
        if flags & _PRIORITY:
            payload = payload[5:]
        headers = dict(self._decoder.decode(payload, raw=True))
        self._apns_ids[stream] = bytes(headers.get(b"apns-id", b""))


class _Http1:
    """One connection: an answer for every request."""

    def __init__(self, transport: asyncio.Transport, tally: Tally, *, oauth: bool) -> None:
        self._transport = transport
        self._tally = tally
        self._oauth = oauth
        self._rest = b""

    def receive(self, data: bytes) -> None:
        data = self._rest + data
        answers = []
        while (end := data.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(data, 0, end + 2)
            after = end + 4 + (int(length[1]) if length else 0)
            if len(data) < after:
                break
            answers.append(self._answer(data[:4]))
            data = data[after:]
        self._rest = data
        if answers:
            self._transport.write(b"".join(answers))

    def _answer(self, method: bytes) -> bytes:
        if not self._oauth:
            self._tally.taken += 1
            body = _NAME
        elif method == b"GET ":
            body = b'{"taken": %d}' % self._tally.taken
        else:
            body = _GRANT
        return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


class _Connection(asyncio.Protocol):
    """Speaks what was agreed on in the TLS handshake; with APNs HTTP/2 even where nothing was (aioapns)."""

    def __init__(self, name: str, tally: Tally) -> None:
        self._name = name
        self._tally = tally

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        apns = self._name == "apns"
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        self._speaker: _Http2 | _Http1 = (
            _Http2(transport, self._tally, apns=apns)
            if apns or agreed == "h2"
            else _Http1(transport, self._tally, oauth=self._name == "oauth")
        )

    def data_received(self, data: bytes) -> None:
        self._speaker.receive(data)


async def serve(directory: Path) -> None:
    """Print where everything is, as settings, and serve until SIGTERM."""
    directory.mkdir(mode=0o700, exist_ok=True)
    credentials, certificates = Credentials(directory), prepare_certificates(directory, _HOST)
    loop, tally, stop = asyncio.get_running_loop(), Tally(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    async def listen(name: str, *protocols: str) -> str:
        context: ssl.SSLContext = certificates.context(protocols)
        server = await loop.create_server(
            lambda: _Connection(name, tally), _HOST, 0, ssl=context, backlog=1000, ssl_handshake_timeout=30
        )
        return f"https://{_HOST}:{server.sockets[0].getsockname()[1]}"

    fcm, apns = await listen("fcm", "h2", "http/1.1"), await listen("apns", "h2")
    oauth = await listen("oauth", "http/1.1")
    credentials.write_service_account(f"{oauth}/token")
    settings = {
        "PUSHHUB_FCM_CREDENTIALS": credentials.service_account,
        "PUSHHUB_FCM_URL": fcm,
        "PUSHHUB_APNS_KEY": credentials.apns_key,
        "PUSHHUB_APNS_KEY_ID": APNS_KEY_ID,
        "PUSHHUB_APNS_TEAM_ID": APNS_TEAM_ID,
        "PUSHHUB_APNS_TOPIC": APNS_TOPIC,
        "PUSHHUB_APNS_URL": apns,
        "PUSHHUB_APNS_SANDBOX_URL": apns,
        "PUSHHUB_PROVIDER_CA": certificates.ca,
        COUNTED_AT: oauth,
    }
    for name, value in settings.items():
        print(f"{name}={value}", flush=True)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
