"""Other senders, each alone in a process of its own: `python -m benchmarks.rivals send_each|aioapns|pyreqwest`.

A line with a number on standard input has it send so many messages; it answers with a line of JSON. They say the
same words as the service does and are made before the clock starts: only the sending is measured, with as much in
flight as the service has. Nothing is stored, so what is not answered would be lost.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import aioapns
import firebase_admin
from aioapns.connection import APNsProductionClientProtocol
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from firebase_admin import credentials, messaging
from google.auth.credentials import CredentialsWithRegionalAccessBoundary
from pyreqwest.client import ClientBuilder
from pyreqwest.http import Url

from benchmarks.messages import APNS_TARGET, FCM_TARGET, LIFE_SECONDS, messages
from pushhub.channels import apns, fcm
from pushhub.channels.contract import Message
from pushhub.delivery.rules import DeliveryKind
from pushhub.dispatcher.lane import IN_FLIGHT
from simulators.credentials import PROJECT_ID

#: Sent before each measurement, for the connections and credentials.
_WARM_UP = 500
#: The most that `send_each` takes at once.
_BATCH = 500


class Rival(Protocol):
    """A sender of its own kind of messages."""

    def prepared(self, count: int) -> list[Any]: ...
    async def send(self, ready: Sequence[Any]) -> int:
        """Send them all. Returns how many were accepted."""
        ...

    async def close(self) -> None: ...


class SendEach:
    """firebase-admin as its documentation shows it: lists of 500, its own credentials and connections."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        # Its host is fixed in its code, and requests takes its roots from the environment.
        url = environ["PUSHHUB_FCM_URL"] + "/v1/projects/{0}/messages:send"
        messaging._MessagingService.FCM_URL = url
        os.environ["REQUESTS_CA_BUNDLE"] = environ["PUSHHUB_PROVIDER_CA"]
        # google-auth asks, beside the first request, where the account may be used: at Google's own host.
        CredentialsWithRegionalAccessBoundary._is_regional_access_boundary_lookup_required = lambda _: False
        self._app = firebase_admin.initialize_app(credentials.Certificate(environ["PUSHHUB_FCM_CREDENTIALS"]))

    def prepared(self, count: int) -> list[messaging.Message]:
        return [_in_its_words(each) for each in messages(count, FCM_TARGET)]

    async def send(self, ready: Sequence[messaging.Message]) -> int:
        batches = (list(ready[start : start + _BATCH]) for start in range(0, len(ready), _BATCH))
        return sum(messaging.send_each(batch, app=self._app).success_count for batch in batches)

    async def close(self) -> None:
        await asyncio.to_thread(firebase_admin.delete_app, self._app)  # it runs a loop of its own


def _in_its_words(message: Message) -> messaging.Message:
    return messaging.Message(
        fid=FCM_TARGET.value,
        data=dict(message.data),
        notification=messaging.Notification(message.title, message.body),
        android=messaging.AndroidConfig(
            collapse_key=message.collapse_id,
            priority="high",
            ttl=LIFE_SECONDS,
            notification=messaging.AndroidNotification(tag=message.collapse_id, channel_id=fcm.CHANNEL_CODES),
        ),
    )


class AioApns:
    """aioapns with its default pool of connections."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        host, _, port = environ["PUSHHUB_APNS_URL"].removeprefix("https://").partition(":")
        APNsProductionClientProtocol.APNS_SERVER = host
        APNsProductionClientProtocol.APNS_PORT = int(port)
        self._client = aioapns.APNs(
            key=Path(environ["PUSHHUB_APNS_KEY"]).read_text(),
            key_id=environ["PUSHHUB_APNS_KEY_ID"],
            team_id=environ["PUSHHUB_APNS_TEAM_ID"],
            topic=environ["PUSHHUB_APNS_TOPIC"],
            ssl_context=ssl.create_default_context(cafile=environ["PUSHHUB_PROVIDER_CA"]),
        )

    def prepared(self, count: int) -> list[aioapns.NotificationRequest]:
        return [
            aioapns.NotificationRequest(
                device_token=APNS_TARGET.value,
                message=json.loads(apns.build(message)),
                notification_id=str(message.id),
                time_to_live=LIFE_SECONDS,
                priority=10,
                collapse_key=message.collapse_id,
                push_type=aioapns.PushType.ALERT,
            )
            for message in messages(count, APNS_TARGET)
        ]

    async def send(self, ready: Sequence[aioapns.NotificationRequest]) -> int:
        async def one(message: aioapns.NotificationRequest) -> bool:
            return bool((await self._client.send_notification(message)).is_successful)

        return await _with_many_in_flight(ready, one)

    async def close(self) -> None:
        self._client.pool.close()


class Pyreqwest:
    """The transport alone, with bodies that are ready: the least that any sender could spend."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        builder = ClientBuilder().http2_prior_knowledge().https_only(True).no_proxy()
        for root in x509.load_pem_x509_certificates(Path(environ["PUSHHUB_PROVIDER_CA"]).read_bytes()):
            builder = builder.add_root_certificate_der(root.public_bytes(Encoding.DER))
        self._client = builder.timeout(timedelta(seconds=30)).build()
        self._url = Url(f"{environ['PUSHHUB_FCM_URL']}/v1/projects/{PROJECT_ID}/messages:send")
        self._headers = {"authorization": f"Bearer ya29.{100 * 'a'}", "content-type": "application/json"}

    def prepared(self, count: int) -> list[bytes]:
        return [fcm.build(each) for each in messages(count, FCM_TARGET)]

    async def send(self, ready: Sequence[bytes]) -> int:
        async def one(body: bytes) -> bool:
            response = await self._client.post(self._url).headers(self._headers).body_bytes(body).build().send()
            await response.bytes()
            return response.status == 200

        return await _with_many_in_flight(ready, one)

    async def close(self) -> None:
        await self._client.close()


RIVALS: dict[str, Callable[[Mapping[str, str]], Rival]] = {
    "send_each": SendEach,
    "aioapns": AioApns,
    "pyreqwest": Pyreqwest,
}


async def _with_many_in_flight(ready: Iterable[Any], send: Callable[[Any], Awaitable[bool]]) -> int:
    left = iter(ready)

    async def one_after_another() -> int:
        return sum([await send(message) for message in left])

    return sum(await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT[DeliveryKind.CODE]))))


async def _serve(name: str) -> None:
    rival = RIVALS[name](os.environ)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        await rival.send(rival.prepared(_WARM_UP))
        ready = rival.prepared(int(line))
        began, spent = time.perf_counter(), time.process_time()
        accepted = await rival.send(ready)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - spent
        print(json.dumps({"accepted": accepted, "seconds": seconds, "cpu_seconds": cpu_seconds}), flush=True)
    await rival.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
