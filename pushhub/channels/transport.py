"""The one way by which bytes reach a push provider: HTTP/2 over TLS, through pyreqwest.

A provider's URL can hold a push target (APNs puts it in the path) and pyreqwest's errors quote the URL, so
none of them leaves this module: every failure becomes a `TransportFailed` with one stable word.

    TransportFailed.reason
    ├── connect_timeout   no connection within 5 s
    ├── timeout           no complete answer within 10 s: the provider may have taken the message
    ├── connect           refused, unreachable, or TLS not agreed
    ├── reset             the connection broke: the provider may have taken the message
    ├── closed            we closed the transport ourselves
    ├── request           the URL or a header can't be sent like this: a defect on our side
    └── failed            anything else, e.g. the provider broke off this one stream

Only after connect_timeout, connect, closed and request is it certain that the provider has nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from typing import Protocol, Self, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyreqwest.client import Client, ClientBuilder, SyncClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    ClientClosedError,
    DetailedPyreqwestError,
    NetworkError,
    PyreqwestError,
    RequestTimeoutError,
)
from pyreqwest.http import Url

from pushhub.channels.contract import USUAL, TimeLimits

#: How often a quiet connection is pinged, and how long it is kept: Apple wants connections to stay open, and
#: a code should not wait for a TLS handshake.
PING_INTERVAL = timedelta(seconds=60)
PING_TIMEOUT = timedelta(seconds=10)
IDLE_TIMEOUT = timedelta(hours=1)

#: Seconds between two changes of the connections to a host. To build the new ones takes some 12 ms.
CHANGE_GAP = 1.0

#: Failures after which a connection can't be trusted: it may have been cut somewhere on the way, and would
#: swallow message after message until its ping goes unanswered.
STALLED = frozenset({"timeout"})

_USER_AGENT = "pushhub"

#: How pyreqwest says that there was no connection yet. Its ConnectError and ConnectTimeoutError don't say it:
#: they also stand for a connection that broke, or fell silent, when the request may have been taken already.
_CONNECTING = "client error (Connect)"

#: The first class that fits names the reason.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (RequestTimeoutError, "timeout"),
    (NetworkError, "reset"),
    (ClientClosedError, "closed"),
    (BuilderError, "request"),
    (ValueError, "request"),  # pyreqwest answers a header or URL that it can't read with a plain ValueError
)

Monotonic = Callable[[], float]
_Builder = TypeVar("_Builder", ClientBuilder, SyncClientBuilder)


class TransportFailed(Exception):
    """No answer came. `reason` is one of the words above; the text never holds a URL or a header."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Look headers up by their lower-case name."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def data(self) -> bytes:
        """The body, under the name that google-auth looks for (`google.auth.transport.Response`)."""
        return self.body


class Wire(Protocol):
    """What a channel needs of a transport; `Transport` in production, a few lines in a test."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """POST and wait for the whole answer. Raises `TransportFailed`."""

    async def close(self) -> None:
        """Close the connections."""

    def fresh(self) -> Self:
        """Another one like this, with connections of its own."""


class Transport:
    """An HTTP/2 client that keeps its connections open.

    HTTP/2 only (unless `http1`), TLS 1.2 or newer, certificates checked, no redirects, no cookies, no decompression,
    no proxy from the environment: a push provider needs none of these, and each would be a way to send a push target
    somewhere else. When a provider closes a connection with GOAWAY, or refuses a stream unread, what it had not
    begun is sent again on a new one by pyreqwest, and nothing is sent twice; after the third time it gives up, which
    is `reset` or `failed` here, as it can't be told from a connection that broke later.

    Args:
        extra_roots: PEM with root certificates to trust besides the usual ones (a simulator, a proxy).
        connections: how many connections per provider host; requests go round them in turn.
        http1: speak HTTP/1.1 with a host that does not agree to HTTP/2. Google and Apple promise HTTP/2; Huawei
            and the push services of browsers (RFC 8030) do not.
        limits: how long a connection and a whole answer may take.
    """

    def __init__(
        self,
        extra_roots: bytes | None = None,
        *,
        connections: int = 1,
        http1: bool = False,
        limits: TimeLimits = USUAL,
    ) -> None:
        self._extra_roots = extra_roots
        self._http1 = http1
        self._limits = limits
        self._clients = [self._client() for _ in range(connections)]
        self._turn = cycle(self._clients)
        self._address: tuple[str, Url | str] = ("", "")
        self._closed = False

    def _client(self) -> Client:
        builder = _prepared(ClientBuilder(), self._extra_roots, self._limits)
        builder = builder.http2(True) if self._http1 else builder.http2_prior_knowledge()
        builder = builder.http2_keep_alive_interval(PING_INTERVAL).http2_keep_alive_timeout(PING_TIMEOUT)
        return builder.http2_keep_alive_while_idle(True).pool_idle_timeout(IDLE_TIMEOUT).build()

    def fresh(self) -> Transport:
        """Another transport like this one, with connections of its own."""
        return Transport(self._extra_roots, connections=len(self._clients), http1=self._http1, limits=self._limits)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """POST and wait for the whole answer, at most 10 s. Raises `TransportFailed` and nothing else."""
        if self._closed:
            raise TransportFailed("closed")
        try:
            # FCM's address is the same for every message, and to parse it costs as much as the rest of the request.
            if self._address[0] is not url:
                self._address = (url, url)
            elif isinstance(self._address[1], str):
                self._address = (url, Url(url))
            request = next(self._turn).post(self._address[1]).headers(headers).body_bytes(body).build()
            response = await request.send()
            return Response(response.status, response.headers, (await response.bytes()).to_bytes())
        except (PyreqwestError, ValueError) as error:
            reason = _reason(error)
        # Raised outside the handler: the error that quotes the URL would otherwise hang on as __context__.
        raise TransportFailed(reason)

    async def close(self) -> None:
        """Close every connection; a request under way ends with `TransportFailed("closed")`."""
        self._closed = True
        for client in self._clients:
            await client.close()


class AtMostOnce:
    """Lets something happen at most once in `gap` seconds."""

    def __init__(self, gap: float, monotonic: Monotonic) -> None:
        self._gap = gap
        self._monotonic = monotonic
        self._last: float | None = None

    def allows(self) -> bool:
        now = self._monotonic()
        if self._last is not None and now - self._last < self._gap:
            return False
        self.start()
        return True

    def start(self) -> None:
        """Let the gap begin now."""
        self._last = self._monotonic()


class Line:
    """A wire, and how many requests are under way on it."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._under_way = 0
        self._idle: asyncio.Event | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The provider's answer to a POST, as `Wire.post` gives it."""
        self._under_way += 1
        try:
            return await self.wire.post(url, headers, body)
        finally:
            self._under_way -= 1
            if self._idle is not None and not self._under_way:
                self._idle.set()

    async def end(self) -> None:
        """Close the wire once nothing is under way on it; nobody begins anything new."""
        self._idle = asyncio.Event()
        if self._under_way:
            await self._idle.wait()
        await self.wire.close()


class Host:
    """The connections to one host of a provider, which can be changed for new ones while requests are under way.

    What is under way ends on the connections where it began, and they are closed after the last of it. However
    many find at once that a connection is no good, it is changed once; and at most once in a second.

        line = host.line
        response = await line.post(...)
        if ...:             # this connection is no good
            host.leave(line)
    """

    def __init__(self, wire: Wire, *, monotonic: Monotonic = time.monotonic) -> None:
        self.line = Line(wire)
        self._changes = AtMostOnce(CHANGE_GAP, monotonic)
        self._ending: dict[asyncio.Task[None], Line] = {}

    def leave(self, line: Line) -> None:
        """Begin nothing more on `line`. Without effect where others have left it already."""
        if line is not self.line or not self._changes.allows():
            return
        self.line = Line(line.wire.fresh())
        task = asyncio.create_task(line.end())
        self._ending[task] = line
        task.add_done_callback(self._ending.pop)

    async def close(self) -> None:
        """Close every connection, the old ones too; a request under way ends with `TransportFailed("closed")`."""
        ending = dict(self._ending)
        for line in (self.line, *ending.values()):
            await line.wire.close()
        await asyncio.gather(*ending)


def post_blocking(url: str, headers: Mapping[str, str], body: bytes, extra_roots: bytes | None = None) -> Response:
    """POST once from a thread, on a connection of its own, with the same rules as `Transport`.

    For what asks for a blocking exchange, i.e. google-auth when it trades a signature for an OAuth
    credential. HTTP/1.1 will do here. Raises `TransportFailed` and nothing else.
    """
    try:
        with _prepared(SyncClientBuilder(), extra_roots, USUAL).http2(True).build() as client:
            response = client.post(url).headers(headers).body_bytes(body).build().send()
            return Response(response.status, response.headers, bytes(response.bytes()))
    except (PyreqwestError, ValueError) as error:
        reason = _reason(error)
    raise TransportFailed(reason)


def _prepared(builder: _Builder, extra_roots: bytes | None, limits: TimeLimits) -> _Builder:
    builder = builder.https_only(True).min_tls_version("TLSv1.2").no_proxy().user_agent(_USER_AGENT)
    builder = builder.follow_redirects(False).referer(False).default_cookie_store(False)
    builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
    builder = builder.connect_timeout(timedelta(seconds=limits.provider_connect))
    builder = builder.timeout(timedelta(seconds=limits.provider))
    for root in x509.load_pem_x509_certificates(extra_roots) if extra_roots else ():
        builder = builder.add_root_certificate_der(root.public_bytes(Encoding.DER))
    return builder


def _reason(error: Exception) -> str:
    causes = (error.details["causes"] or ()) if isinstance(error, DetailedPyreqwestError) else ()
    if any(cause["message"] == _CONNECTING for cause in causes):
        return "connect_timeout" if isinstance(error, RequestTimeoutError) else "connect"
    return next((word for kind, word in _REASONS if isinstance(error, kind)), "failed")
