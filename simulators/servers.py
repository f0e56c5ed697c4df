"""`Simulators`: all simulated providers and their control API, in one background thread."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from copy import deepcopy
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from simulators.apns import Apns
from simulators.apns_auth import ProviderTokens
from simulators.certificates import prepare_certificates
from simulators.connection import Connection
from simulators.control import Control
from simulators.credentials import (
    APNS_KEY_ID,
    APNS_TEAM_ID,
    APNS_TOPIC,
    HMS_APP_ID,
    PROJECT_ID,
    SMTP_USER,
    Credentials,
)
from simulators.environment import address, settings
from simulators.fcm import TOKEN_PATH, Fcm
from simulators.hms import Hms
from simulators.inbox import DEFAULT_KEEP, Arrival, Count, Inbox
from simulators.oauth import AccessTokens
from simulators.scripts import Script
from simulators.sms import Sms
from simulators.smtp import Smtp, Submission
from simulators.state import Environment, Service, SimulatorState, TargetFacts
from simulators.webpush import WebPush

PORTS = (
    *("fcm_port", "apns_port", "apns_sandbox_port", "control_port"),
    *("hms_port", "webpush_port", "sms_port", "smtp_port", "smtps_port"),
)
_BACKLOG = 512
_STOP_SECONDS = 2.0

log = logging.getLogger(__name__)
T = TypeVar("T")


class Simulators:
    """Servers of FCM, APNs, Push Kit and a browser's push service, an SMS gateway, a mail server and a control API,
    for as long as the `with` block lasts.

    Keys and certificates are kept in `directory`; starting again there with the same `ports` (names as in `PORTS`)
    lets a running sender go on. A port of 0, or one that is left out, is any free one; the attribute `ports` gives
    them back for the next start. The inbox holds the newest `keep` arrivals. `clock` gives seconds since 1970.
    Without `http2` all hosts speak HTTP/1.1 alone.

    Entering raises OSError if a port is taken or the directory can't be written, and ValueError if a key file
    in it is damaged. All methods may be called from any thread.
    """

    def __init__(
        self,
        directory: Path,
        host: str = "127.0.0.1",
        *,
        keep: int = DEFAULT_KEEP,
        clock: Callable[[], float] = time.time,
        http2: bool = True,
        **ports: int,
    ) -> None:
        if unknown := sorted(set(ports) - set(PORTS)):
            raise TypeError(f"There is no {', '.join(unknown)}: the ports are {', '.join(PORTS)}.")
        self.directory = directory.absolute()
        self.host = host
        self.ports = dict.fromkeys(PORTS, 0) | ports
        self._http2 = http2
        self._state = SimulatorState(clock, Inbox(keep))
        self._live: set[Connection | Smtp] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("These simulators run already.")
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._credentials = Credentials(self.directory)
        self._certificates = prepare_certificates(self.directory, self.host)
        self._sms_token = self._credentials.secret("sms access token").hex()[:40]
        self._smtp_password = self._credentials.secret("smtp password").hex()[:24]
        self._webpush = WebPush(self._state, self._credentials.secret("subscriptions"))
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="simulators", daemon=True)
        self._thread.start()
        try:
            ready.result()
        except (OSError, ValueError, RuntimeError):
            self._thread.join()
            self._thread = None
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._thread = None

    @property
    def fcm_url(self) -> str:
        """`https://host:port`; the path is `/v1/projects/<project>/messages:send`."""
        return self._url("fcm_port")

    @property
    def apns_url(self) -> str:
        """In place of `https://api.push.apple.com`."""
        return self._url("apns_port")

    @property
    def apns_sandbox_url(self) -> str:
        """In place of `https://api.sandbox.push.apple.com`."""
        return self._url("apns_sandbox_port")

    @property
    def hms_url(self) -> str:
        """In place of `https://push-api.cloud.huawei.com`."""
        return self._url("hms_port")

    @property
    def webpush_url(self) -> str:
        """A browser's push service; `subscribe` gives the addresses below it."""
        return self._url("webpush_port")

    @property
    def sms_url(self) -> str:
        """The SMS gateway as an Apprise URL with a place for the number."""
        return f"smseagle://{self._sms_token}@{address(self.host, self.ports['sms_port'])}/{{number}}"

    @property
    def smtps_url(self) -> str:
        """The mail server, TLS from the first byte, with user and password."""
        return self._mail_url("smtps", "smtps_port")

    @property
    def smtp_url(self) -> str:
        """The same with STARTTLS."""
        return self._mail_url("smtp", "smtp_port")

    @property
    def control_url(self) -> str:
        """The control API, plain HTTP."""
        return self._url("control_port", "http")

    @property
    def ca_path(self) -> Path:
        """The PEM file of the authority to trust."""
        return self._certificates.ca

    @property
    def project(self) -> str:
        """The Firebase project id."""
        return PROJECT_ID

    def settings(self) -> dict[str, str]:
        """The environment with which pushhub sends to these simulators."""
        return settings(self, self._credentials)

    def arrived(
        self,
        provider: str | None = None,
        target: str | None = None,
        *,
        after: int = 0,
        limit: int | None = None,
    ) -> list[Arrival]:
        """What arrived and is kept, oldest first: copies, only those with `seq` above `after`."""
        inbox = self._state.inbox
        return self._in_loop(lambda: inbox.arrived(provider=provider, target=target, after=after, limit=limit))

    def counts(self) -> dict[str, Count]:
        """How many requests arrived per provider, kept or not."""
        return self._in_loop(lambda: deepcopy(self._state.inbox.counts))

    def script(self, **script: Any) -> int:
        """Add a scripted answer or fault; the arguments are the fields of `Script`. Returns its id.

        ValueError for what can't be played, TypeError for an unknown field.
        """
        prepared = Script(**script)
        return self._in_loop(lambda: self._state.scripts.add(prepared))

    def subscribe(self, application_server_key: str | None = None) -> dict[str, Any]:
        """A push subscription as a browser gives it, bound to the key of an application server if one is given.

        Its messages are shown decrypted in the inbox; their target there is the endpoint.
        """
        return self._in_loop(lambda: self._webpush.subscribe(application_server_key))

    def declare(
        self,
        target: str,
        *,
        environment: Environment | None = None,
        topic: str | None = None,
        unregistered_since: datetime | None = None,
    ) -> None:
        """Say where a push target belongs and since when it is gone. Replaces what was said before."""
        facts = TargetFacts(environment, topic, unregistered_since)
        self._in_loop(lambda: self._state.declare(target, facts))

    def goaway_after(self, requests: int | None, provider: str | None = None) -> None:
        """Close each connection of a provider (None: of all) gracefully after so many requests; None ends it.

        ValueError for less than one request or an unknown provider.
        """
        self._in_loop(lambda: self._state.set_goaway_after(provider, requests))

    def clear(self) -> None:
        """Forget arrivals, counts, scripts, declared targets and `goaway_after`."""
        self._in_loop(self._state.forget)

    def _url(self, port: str, scheme: str = "https") -> str:
        return f"{scheme}://{address(self.host, self.ports[port])}"

    def _mail_url(self, scheme: str, port: str) -> str:
        return f"{scheme}://{SMTP_USER}:{self._smtp_password}@{address(self.host, self.ports[port])}"

    def _in_loop(self, call: Callable[[], T]) -> T:
        """Run in the event loop's thread, which owns all state; after the end, here."""
        if self._thread is None or self._loop is None:
            return call()

        async def run() -> T:
            return call()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _run(self, ready: Future[None]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except (OSError, ValueError) as error:
            ready.set_exception(error)
        finally:
            if not ready.done():
                ready.set_exception(RuntimeError("The simulators did not start."))

    async def _serve(self, ready: Future[None]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_log_without_values)
        servers: list[asyncio.Server] = []
        try:
            await self._listen(servers)
            ready.set_result(None)
            await self._stop.wait()
        finally:
            await self._close(servers)

    async def _close(self, servers: Sequence[asyncio.Server]) -> None:
        loop = asyncio.get_running_loop()
        for server in servers:
            for listener in server.sockets:
                loop.remove_reader(listener.fileno())
        # asyncio loses a connection whose listener is closed between its acceptance and the next turn of the
        # loop, so let that turn pass. What is still in its TLS handshake ends with the loop.
        await asyncio.sleep(0.01)
        for server in servers:
            server.close()
        for connection in list(self._live):
            connection.transport.abort()
        deadline = loop.time() + _STOP_SECONDS
        while self._live and loop.time() < deadline:
            await asyncio.sleep(0.005)

    async def _listen(self, servers: list[asyncio.Server]) -> None:
        state, keys = self._state, self._credentials
        access = AccessTokens(keys.service_account_key, keys.access_token_secret, state.clock)
        protocols = (["h2", "http/1.1"], ["h2"]) if self._http2 else (["http/1.1"], ["http/1.1"])
        both, http2 = map(self._certificates.context, protocols)
        provider_tokens = ProviderTokens(keys.apns_public_key, APNS_KEY_ID, APNS_TEAM_ID, state.clock)
        hms_secret = keys.hms_secret.read_text().strip()
        listeners: list[tuple[str, Service, ssl.SSLContext | None]] = [
            ("fcm_port", Fcm(state, access, PROJECT_ID), both),
            ("apns_port", Apns(state, "apns", provider_tokens, APNS_TOPIC), http2),
            ("apns_sandbox_port", Apns(state, "apns-sandbox", provider_tokens, APNS_TOPIC), http2),
            ("hms_port", Hms(state, HMS_APP_ID, hms_secret, keys.secret("hms access tokens")), both),
            ("webpush_port", self._webpush, both),
            ("sms_port", Sms(state, self._sms_token), None),
            ("control_port", Control(state, self._about, self._webpush.subscribe), None),
        ]
        for name, service, context in listeners:
            await self._open(servers, name, partial(Connection, service, self._live), context)
        submission = Submission(state, SMTP_USER, self._smtp_password, self._certificates.context([]), self._live)
        await self._open(servers, "smtp_port", lambda: Smtp(submission, tls=False), None)
        await self._open(servers, "smtps_port", lambda: Smtp(submission, tls=True), submission.context)
        self._webpush.origin = self.webpush_url
        access.token_uri = self.fcm_url + TOKEN_PATH
        keys.write_service_account(access.token_uri)

    async def _open(
        self,
        servers: list[asyncio.Server],
        name: str,
        protocol: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext | None,
    ) -> None:
        server = await asyncio.get_running_loop().create_server(
            protocol,
            self.host,
            self.ports[name],
            ssl=context,
            backlog=_BACKLOG,
            ssl_handshake_timeout=10 if context else None,
            ssl_shutdown_timeout=1 if context else None,
        )
        servers.append(server)
        self.ports[name] = server.sockets[0].getsockname()[1]

    def _about(self) -> dict[str, Any]:
        return {
            "fcm": self.fcm_url,
            "apns": self.apns_url,
            "apns_sandbox": self.apns_sandbox_url,
            "hms": self.hms_url,
            "webpush": self.webpush_url,
            "sms": self._url("sms_port", "http"),
            "smtp": self._url("smtp_port", "smtp"),
            "smtps": self._url("smtps_port", "smtps"),
            "control": self.control_url,
            "project": PROJECT_ID,
            "topics": [APNS_TOPIC],
            "settings": self.settings(),
        }


def _log_without_values(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell the kind and the place of an error, but not its message, which may hold a target."""
    error = context.get("exception")
    trace = error.__traceback__ if isinstance(error, BaseException) else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    log.error("%s: %s %s", context.get("message"), type(error).__name__, place)
