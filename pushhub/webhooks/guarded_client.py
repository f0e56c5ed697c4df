"""The way to an endpoint of a product: one POST over HTTP/1.1, to no address of our own network.

A product chooses the address, so the name in it may stand for anything, and for something else a moment later.
The check is therefore made where the connection is opened: the name is looked up once, every address that it
stands for is looked at, and the connection goes to one of those very addresses; TLS checks the certificate
against the name. Connections are kept by name, so none is used for another name that stands for the same address.

    Answer.error, where there is no HTTP status
    ├── name_not_found       the name is not in the DNS
    ├── private_address      it stands for an address that is not on the open Internet
    ├── connect, connect_timeout
    ├── certificate          not valid, for another name, or by an authority that is not trusted
    ├── tls                  anything else about TLS
    ├── timeout              no answer within 15 s
    ├── reset                the connection broke
    └── no_http              what came is not HTTP

No redirect is followed, no cookie kept, no proxy of the environment used, and nothing is unpacked.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

import certifi
import httpcore
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pushhub.kernel import clock
from pushhub.kernel.http_values import retry_after
from pushhub.webhooks.resolver import Resolver, TargetRefused
from pushhub.webhooks.rules import LONGEST_WAIT, EndpointAnswer
from pushhub.webhooks.targets import Target

#: Seconds for one POST with all its steps.
TOTAL_SECONDS = 15.0
_CONNECT_SECONDS = 5.0
#: What is read of an answer's body before the connection is given up; nobody looks at it.
_BODY_BYTES = 8 * 1024
BODY_SECONDS = 2.0
_KEEP_SECONDS = 30.0


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections for the pool, to addresses that were looked at."""

    def __init__(self, resolver: Resolver, private_allowed: bool) -> None:
        self._resolver = resolver
        self._private_allowed = private_allowed
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        *others, last = await self._resolver.addresses(host, port, private_allowed=self._private_allowed)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@lru_cache(maxsize=4)
def trusted(extra_roots: bytes | None) -> ssl.SSLContext:
    """Whose certificates count: the usual authorities and those in `extra_roots` (PEM). Reading the usual ones takes
    a tenth of a second, so it is done once."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for root in x509.load_pem_x509_certificates(extra_roots) if extra_roots else ():
        context.load_verify_locations(cadata=root.public_bytes(Encoding.DER))
    return context


class GuardedClient:
    """Posts to endpoints. Belongs to one event loop, and is used as `async with`.

    Args:
        context: whose certificates count; see `trusted`.
        resolver: looks names up.
        private_allowed: call addresses that are not on the open Internet as well.
        total_seconds: for one POST with all its steps.
        body_seconds: for what comes of an answer behind its head.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        resolver: Resolver,
        *,
        private_allowed: bool,
        total_seconds: float = TOTAL_SECONDS,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._total_seconds = total_seconds
        self._body_seconds = body_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=50,
            keepalive_expiry=_KEEP_SECONDS,
            network_backend=_CheckedNetwork(resolver, private_allowed),
        )

    async def __aenter__(self) -> GuardedClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> EndpointAnswer:
        """What the endpoint said, within the time limit. Raises nothing."""
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._exchange(target, headers, body)
        except TimeoutError:
            return EndpointAnswer(error="timeout")
        except TargetRefused as refusal:
            return EndpointAnswer(error=str(refusal.reason))
        except Exception as problem:  # noqa: BLE001 - the library tells of a broken wire in many ways
            return EndpointAnswer(error=_word(problem))

    async def _exchange(self, target: Target, headers: Mapping[str, str], body: bytes) -> EndpointAnswer:
        request = self._pool.stream(
            "POST",
            httpcore.URL(
                scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
            ),
            headers=[("Host", target.authority), *headers.items()],
            content=body,
            extensions={"timeout": {"connect": _CONNECT_SECONDS}},
        )
        async with contextlib.AsyncExitStack() as open_answer:
            response = await open_answer.enter_async_context(request)
            answer = EndpointAnswer(response.status, retry_after=_wish(response))
            # The status has said it all. What else comes is read only so that the connection can be used again.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self._body_seconds):
                    await _drain(response)
        return answer


async def _drain(response: httpcore.Response) -> None:
    read = 0
    async for part in response.aiter_stream():
        read += len(part)
        if read > _BODY_BYTES:
            return


def _wish(response: httpcore.Response) -> timedelta | None:
    if response.status not in (429, 503):
        return None
    values = [value for name, value in response.headers if name.lower() == b"retry-after"]
    return retry_after(values[0].decode("latin-1"), clock.now(), longest=LONGEST_WAIT) if values else None


def _word(problem: Exception) -> str:
    causes: list[BaseException] = []
    cause: BaseException | None = problem
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "certificate"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "tls"
    words = {
        httpcore.ConnectTimeout: "connect_timeout",
        httpcore.ConnectError: "connect",
        httpcore.RemoteProtocolError: "no_http",
        httpcore.NetworkError: "reset",
        httpcore.TimeoutException: "timeout",
    }
    return next((word for kind, word in words.items() if isinstance(problem, kind)), "failed")
