"""The environment in which things break: a PostgreSQL, the simulated providers, a product, people with phones, and
dispatchers that are processes of their own."""

from __future__ import annotations

import logging
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade

import mobile_api
import web_api
from pushhub.app import create_app
from pushhub.channels.contract import PushKind
from pushhub.delivery.models import Delivery, DispatcherBeat
from pushhub.delivery.rules import DeliveryStatus
from pushhub.devices.models import Binding, Device
from pushhub.dispatcher.process import start_delivery, stop_delivery
from pushhub.kernel import clock
from pushhub.kernel.db import Base, db
from pushhub.kernel.sealing import create_key_file
from pushhub.kernel.settings import load_settings
from pushhub.products.products import create_product
from simulators import Simulators
from tests.faults.asking import Ask, Product, Stream
from tests.faults.dispatcher_process import DispatcherProcess, Oddities
from tests.faults.ledger import Ledger, delivery_of
from tests.faults.postgres import StoppablePostgres
from tests.support.crowds import binding_row, device_row
from tests.support.environments import least_settings

#: So many codes the product asks for in a second, where it has one for everybody.
_CODES_PER_SECOND = 60
#: From so many phones of each kind the app was removed; the provider knows, we don't yet.
_GONE_OF_EACH_KIND = 3
#: Phones that no provider reaches any more.
GONE = 2 * _GONE_OF_EACH_KIND
_LIKE_ALL = Oddities()
WAITING = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)


class FaultEnvironment:
    """Built once; `reopen` makes it new for each test. Every other one of its people has an iPhone."""

    def __init__(self, postgres: StoppablePostgres, providers: Simulators, home: Path, people: int) -> None:
        self.postgres = postgres
        self.providers = providers
        self.numbers = [f"+7701{place:07d}" for place in range(people)]
        self.product: Product
        self.dispatchers: list[DispatcherProcess] = []
        self._home = home
        self._started = 0
        create_key_file(home / "keys.json")
        self._environ = {
            **least_settings(postgres.url, home / "keys.json"),
            "PUSHHUB_DISPATCHER": "external",
            **providers.settings(),
        }
        self.app = _migrated(self._environ)
        self._engine = sa.create_engine(postgres.url, poolclass=sa.NullPool)

    def close(self) -> None:
        self.shut()
        with self.app.app_context():
            db.engine.dispose()

    def reopen(self) -> None:
        """Everything runs, nothing was asked for yet, everybody has a phone."""
        self.postgres.start()
        self.providers.clear()
        with self._engine.begin() as connection:
            tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
            connection.execute(sa.text(f"TRUNCATE {tables} CASCADE"))
        with self.app.app_context():
            key = create_product("INDIGO", {"requests_per_minute": 1_000_000}).live_key
            _settle_people(self.numbers)
        for target in gone_targets():
            self.providers.declare(target, unregistered_since=clock.now())
        self.product = Product(self.app, key.text)
        start_delivery(self.app)

    def shut(self) -> None:
        """Nothing of a test runs on."""
        stop_delivery()
        while self.dispatchers:
            self.dispatchers.pop().end()

    def start_dispatcher(
        self, *, settings: Mapping[str, str] | None = None, oddities: Oddities = _LIKE_ALL
    ) -> tuple[DispatcherProcess, UUID]:
        """Start one and wait until it delivers; returns it with the name under which it holds rows."""
        before = self._owners()
        process = self._launch(settings or {}, oddities)
        self.wait_until(lambda: self._owners() - before, 30, "a dispatcher to start")
        return process, (self._owners() - before).pop()

    def start_dispatchers(self, count: int = 2) -> None:
        """Start several and wait until all of them deliver."""
        before = len(self._owners())
        for _ in range(count):
            self._launch({}, _LIKE_ALL)
        self.wait_until(lambda: len(self._owners()) == before + count, 30, "the dispatchers to start")

    def ask_for_all(self) -> Stream:
        """The product begins to ask for a code for each number."""
        return self.product.ask_for(self.numbers, seconds=len(self.numbers) / _CODES_PER_SECOND)

    def held_by(self, owner: UUID) -> set[UUID]:
        """Deliveries that a dispatcher has claimed and not finished."""
        held = sa.select(Delivery.id).where(Delivery.lease_owner == owner, Delivery.status == DeliveryStatus.SENDING)
        with self._engine.connect() as connection:
            return set(connection.scalars(held))

    def waiting(self) -> dict[str, int]:
        """How many deliveries have not come to their end, by their status."""
        counted = sa.select(Delivery.status, sa.func.count()).where(Delivery.status.in_(WAITING))
        with self._engine.connect() as connection:
            return {status: count for status, count in connection.execute(counted.group_by(Delivery.status))}

    def taken(self) -> set[UUID]:
        """Deliveries that a provider has taken, whether or not it has said so yet."""
        return {delivery_of(arrival) for arrival in self.providers.arrived() if arrival.status == 200}

    def heal(self) -> None:
        """From now on the providers do nothing that was scripted."""
        address = f"{self.providers.control_url}/scripts"
        with urllib.request.urlopen(urllib.request.Request(address, method="DELETE")) as answer:
            assert answer.status < 300

    @contextmanager
    def service_clock_wrong_by(self, seconds: float) -> Iterator[None]:
        """Inside the block the machine of the service, which takes the requests, has a wrong clock."""
        stop_delivery()
        with clock.use(lambda: datetime.now(UTC) + timedelta(seconds=seconds)):
            try:
                start_delivery(self.app)
                yield
            finally:
                stop_delivery()

    def settle(self, asks: Sequence[Ask], *, seconds: float) -> Ledger:
        """Wait until no delivery waits any more, then reckon up."""
        self.wait_until(lambda: not self.waiting(), seconds, "the deliveries to end")
        with self._engine.connect() as connection:
            return Ledger.read(connection, asks, self.providers.arrived())

    def wait_until(self, ready: Callable[[], Any], seconds: float, what: str) -> None:
        """Look again and again; fails with what the dispatchers wrote last."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds:.0f} s for {what}: {self.waiting()}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self) -> str:
        """The end of what each dispatcher wrote."""
        return "\n".join(f"{process.log.name}: {process.log.read_text()[-1500:]}" for process in self.dispatchers)

    def _launch(self, settings: Mapping[str, str], oddities: Oddities) -> DispatcherProcess:
        self._started += 1
        log = self._home / f"dispatcher-{self._started}.log"
        process = DispatcherProcess({**self._environ, **settings}, log, oddities)
        self.dispatchers.append(process)
        return process

    def _owners(self) -> set[UUID]:
        with self._engine.connect() as connection:
            return set(connection.scalars(sa.select(DispatcherBeat.owner)))


@contextmanager
def fault_environment(postgres: StoppablePostgres, home: Path, *, people: int) -> Iterator[FaultEnvironment]:
    """An environment of so many people for as long as the block lasts."""
    with Simulators(home / "providers") as providers:
        environment = FaultEnvironment(postgres, providers, home, people)
        try:
            yield environment
        finally:
            environment.close()


def gone_targets() -> list[str]:
    """The push targets of phones that no longer have the app."""
    return [target_of(place) for place in range(GONE)]


def target_of(place: int) -> str:
    """The push target of the phone with the number at this place."""
    return f"{place:064x}" if place % 2 else f"fcm-target-of-phone-{place:04d}"


def _migrated(environ: Mapping[str, str]) -> Flask:
    level = logging.getLogger().level
    app = create_app(load_settings(environ), faces=(mobile_api, web_api))
    logging.getLogger().setLevel(level)  # the tests that this process runs afterwards look for what is logged
    with app.app_context():
        upgrade()
    return app


def _settle_people(numbers: Sequence[str]) -> None:
    devices = [
        device_row(PushKind.APNS, target_of(place), "ios")
        if place % 2
        else device_row(PushKind.FCM_TOKEN, target_of(place))
        for place in range(len(numbers))
    ]
    bindings = [binding_row(number, device) for number, device in zip(numbers, devices, strict=True)]
    with db.engine.begin() as connection:
        connection.execute(sa.insert(Device), devices)
        connection.execute(sa.insert(Binding), bindings)
