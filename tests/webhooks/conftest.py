"""An installation that may call this machine, and endpoints for it to call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from pushhub.kernel import clock
from pushhub.kernel.settings import Settings
from pushhub.webhooks.sender import WebhookSender
from simulators.certificates import Certificates, prepare_certificates
from tests.support.actors import Shop
from tests.support.databases import FakeClock
from tests.webhooks.receiver import MakeReceiver, Receiver
from tests.webhooks.relaying import Relay, Webhooks, relay_events, webhook_sender

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
def make_receiver(certificates: Certificates) -> Iterator[MakeReceiver]:
    made = []

    def make(*, tls: bool = True) -> Receiver:
        receiver = Receiver(certificates.context(["http/1.1"]) if tls else None)
        made.append(receiver)
        return receiver

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture
def receiver(make_receiver: MakeReceiver) -> Receiver:
    """An endpoint that answers 204 until it is told otherwise."""
    return make_receiver()


@pytest.fixture
def sender(app: Flask) -> WebhookSender:
    return webhook_sender(app)


@pytest.fixture
def relay(app: Flask) -> Relay:
    """Number everything that is committed."""

    def run() -> int:
        with app.app_context():
            return sum(iter(relay_events, 0))

    return run


@pytest.fixture
def webhooks(shop: Shop, sender: WebhookSender, relay: Relay) -> Webhooks:
    """Those of the shop; that it was made is the past."""
    relay()
    return Webhooks(shop, sender, relay)
