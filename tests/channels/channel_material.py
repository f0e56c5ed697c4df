"""What the tests of the channels are made of: messages, a wire that answers from a script, key files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pushhub.channels.contract import Message, PushKind, PushTarget
from pushhub.channels.transport import Response, TransportFailed

T = TypeVar("T")
P = ParamSpec("P")

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FCM_TARGET = "fMsecretTarget_1:APA91b-secret"
APNS_TARGET = "5ec2e7" + "ab" * 29
SECRETS = (FCM_TARGET, APNS_TARGET, "7391", "Bank Aurora", "spoken only to you")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def within(seconds: float) -> Callable[[Callable[P, Coroutine[Any, Any, None]]], Callable[P, None]]:
    """A test that waits for what it sends, and not for longer than that: what hangs is told here, and not by the end of
    the whole run."""

    def in_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
        @wraps(test)
        def played(*args: P.args, **kwargs: P.kwargs) -> None:
            run(asyncio.wait_for(test(*args, **kwargs), seconds))

        return played

    return in_time


in_a_loop = within(30)


def message(kind: PushKind = PushKind.FCM_TOKEN, **changes: Any) -> Message:
    value = APNS_TARGET if kind is PushKind.APNS else FCM_TARGET
    fields: dict[str, Any] = {
        "id": UUID("0193f0a0-0000-7000-8000-000000000001"),
        "collapse_id": "ver_1",
        "target": PushTarget(kind, value),
        "title": "Bank Aurora",
        "body": "spoken only to you: Код",
        "data": {"kind": "code", "code": "7391"},
        "expires_at": NOW + timedelta(seconds=120),
    }
    return Message(**{**fields, **changes})


def apns_target(value: str = APNS_TARGET, **where: Any) -> PushTarget:
    return PushTarget(PushKind.APNS, value, **where)


class FakeWire:
    """Answers each POST with the next of its answers, and with the last for ever; keeps what was sent."""

    def __init__(self, *answers: Response | TransportFailed) -> None:
        self.answers = list(answers)
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.closed = False
        self.made: list[FakeWire] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        self.posts.append((url, dict(headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, TransportFailed):
            raise answer
        return answer

    def fresh(self) -> FakeWire:
        self.made.append(FakeWire(*self.answers))
        return self.made[-1]

    async def close(self) -> None:
        self.closed = True


class Ticks:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def answer(status: int, body: object = b"", headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def ec_key(curve: ec.EllipticCurve | None = None) -> bytes:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def service_account(**changes: Any) -> dict[str, Any]:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "type": "service_account",
        "project_id": "demo-project",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "sender@demo-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://127.0.0.1:1/token",
    }
    return {**account, **changes}


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
