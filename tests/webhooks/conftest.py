"""An installation that may call this machine, and endpoints for it to call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from pushhub.kernel import clock
from pushhub.kernel.settings import Settings
from pushhub.webhooks.sender import WebhookSender
from simulators.certificates import Certificates, prepare_certificates
from tests.support.actors import Shop, expect
from tests.support.databases import FakeClock
from tests.webhooks.receiver import Receiver
from tests.webhooks.relaying import relay_events, webhook_sender

#: A name that stands for this machine in the certificate, and in the DNS of the tests that patch it.
HOST = "hooks.test"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of our own and a certificate for localhost, 127.0.0.1 and HOST."""
    return prepare_certificates(tmp_path_factory.mktemp("certificates"), HOST)


@pytest.fixture
def now() -> Iterator[FakeClock]:
    """The time, which the test moves; it begins with the real one, because verifiers of signatures look at that."""
    fake = FakeClock()
    fake.forward(seconds=(datetime.now(UTC) - fake()).total_seconds())
    with clock.use(fake):
        yield fake


@pytest.fixture
def settings(settings: Settings, certificates: Certificates) -> Settings:
    return replace(settings, provider_ca=Path(certificates.ca), webhook_private_addresses=True)


@pytest.fixture
def make_receiver(certificates: Certificates) -> Iterator[Callable[..., Receiver]]:
    made = []

    def make(*, tls: bool = True) -> Receiver:
        receiver = Receiver(certificates.context(["http/1.1"]) if tls else None)
        made.append(receiver)
        return receiver

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture
def receiver(make_receiver: Callable[..., Receiver]) -> Receiver:
    """An endpoint that answers 204 until it is told otherwise."""
    return make_receiver()


@pytest.fixture
def sender(app: Flask) -> WebhookSender:
    return webhook_sender(app)


@pytest.fixture
def relay(app: Flask) -> Callable[[], int]:
    """Number everything that is committed."""

    def run() -> int:
        with app.app_context():
            total = 0
            while found := relay_events():
                total += found
            return total

    return run


@pytest.fixture
def tell(relay: Callable[[], int], sender: WebhookSender) -> Callable[[], None]:
    """Relay and send everything that is due now."""

    def run() -> None:
        while relay():
            asyncio.run(sender.empty())
        asyncio.run(sender.empty())

    return run


@pytest.fixture
def register(shop: Shop, relay: Callable[[], int]) -> Callable[..., dict[str, Any]]:
    """Register an address as a webhook of the shop."""
    relay()  # that the shop was made is the past

    def make(url: str, key: str | None = None, **more: Any) -> dict[str, Any]:
        return expect(shop.call("POST", "/v1/webhooks", {"url": url, **more}, key=key), 201)

    return make


@pytest.fixture
def deliveries(shop: Shop) -> Callable[..., list[dict[str, Any]]]:
    """What became of the messages to a webhook, newest first."""

    def show(webhook: dict[str, Any]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = expect(shop.call("GET", f"/v1/webhooks/{webhook['id']}/deliveries"), 200)["items"]
        return items

    return show
