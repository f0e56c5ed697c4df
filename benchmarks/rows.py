"""What is in the database before a measurement, and what is read from it after.

Devices and queued deliveries are inserted as rows: binding 20,000 phones through the API would measure the
signatures of 20,000 phones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from benchmarks.engines import Engine
from benchmarks.processes import DidNotWork
from pushhub import clock
from pushhub.app import create_app
from pushhub.binding.models import Binding, Device
from pushhub.channels.contract import PushKind
from pushhub.db import Base
from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import TEST_CHANNEL, DeliveryKind, DeliveryStatus
from pushhub.ids import new_key
from pushhub.products.rules import CodePush, Policy
from pushhub.products.service import create_product
from pushhub.settings import load_settings
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus

_CHUNK = 1000
_WAITING = sa.text("status IN ('queued', 'sending')")


class Rows:
    """One database: a product, numbers with a device each, and a view of what became of deliveries."""

    def __init__(self, engine: Engine, environ: Mapping[str, str], numbers: int) -> None:
        self._engine = engine.connect()
        self._numbers = [f"+7701{index:07d}" for index in range(numbers)]
        app = create_app(load_settings({**environ, "PUSHHUB_LOG_LEVEL": "WARNING"}), channels={})
        with app.app_context():
            made = create_product("Benchmark", {"requests_per_minute": 1_000_000})
        self._product_id, self.key = made.product.id, made.live_key.text
        now = clock.now()
        self._devices = {number: new_key() for number in self._numbers}
        self._insert({Device: [_device(key, now) for key in self._devices.values()]})
        self._insert({Binding: [_binding(number, key, now) for number, key in self._devices.items()]})
        self._filled = 0
        self._asks = self._every_number_for_every_purpose()

    def next_ask(self) -> dict[str, str]:
        """The body of a request that makes a new code."""
        try:
            return next(self._asks)
        except StopIteration:
            raise DidNotWork("All numbers are used up. Give more with --numbers.") from None

    def _every_number_for_every_purpose(self) -> Iterator[dict[str, str]]:
        for purpose in Policy().purposes:
            for number in self._numbers:
                yield {"number": number, "purpose": purpose}

    def fill_queue(self, deliveries: int, channel: str) -> None:
        """Queue codes that nobody asked for, in one transaction; dispatchers find them when they look."""
        now = clock.now()
        self._filled += 1
        causes = [(new_key(), *self._number_and_purpose(index)) for index in range(deliveries)]
        self._insert(
            {
                Verification: [
                    _verification(key, self._product_id, number, purpose, now) for key, number, purpose in causes
                ],
                Delivery: [
                    _delivery(key, self._product_id, number, channel, self._device_for(channel, number), now)
                    for key, number, _ in causes
                ],
            }
        )

    def _number_and_purpose(self, index: int) -> tuple[str, str]:
        """One that no other pending verification has."""
        turn, place = divmod(index, len(self._numbers))
        return self._numbers[place], f"queued_{self._filled}_{turn}"

    def _device_for(self, channel: str, number: str) -> UUID | None:
        return None if channel == TEST_CHANNEL else self._devices[number]

    def accepted(self, since: float) -> dict[UUID, float]:
        """For each verification, when the provider's yes was known (seconds since 1970)."""
        statement = (
            sa.select(Delivery.verification_id, Attempt.finished_at)
            .join(Attempt, Attempt.delivery_id == Delivery.id)
            .where(Attempt.outcome == "accepted", Attempt.finished_at >= _moment(since))
        )
        with self._engine.connect() as connection:
            rows = connection.execution_options(reading=True).execute(statement).all()
        return {row.verification_id: row.finished_at.timestamp() for row in rows}

    def span_of_attempts(self, since: float) -> tuple[float, float]:
        """When the first try since then began and the last one ended."""
        statement = sa.select(sa.func.min(Attempt.started_at), sa.func.max(Attempt.finished_at)).where(
            Attempt.started_at >= _moment(since)
        )
        with self._engine.connect() as connection:
            first, last = connection.execution_options(reading=True).execute(statement).one()
        return first.timestamp(), last.timestamp()

    def wait_until_idle(self, seconds: float = 60.0) -> None:
        """Wait until nothing is queued or being sent. Raises `DidNotWork`."""
        deadline = time.monotonic() + seconds
        while not self.is_idle():
            if time.monotonic() > deadline:
                raise DidNotWork(f"Deliveries still wait after {seconds:.0f} seconds.")
            time.sleep(0.05)

    def is_idle(self) -> bool:
        statement = sa.select(sa.literal(1)).select_from(Delivery).where(_WAITING).limit(1)
        with self._engine.connect() as connection:
            return connection.execution_options(reading=True).scalar(statement) is None

    def close(self) -> None:
        self._engine.dispose()

    def _insert(self, rows: Mapping[type[Base], list[dict[str, Any]]]) -> None:
        with self._engine.begin() as connection:
            for table, values in rows.items():
                for start in range(0, len(values), _CHUNK):
                    connection.execute(sa.insert(table), values[start : start + _CHUNK])


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=clock.now().tzinfo)


def _device(key: UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "installation_digest": key.hex,
        "hardware_digest": key.hex,
        "key_thumbprint": key.hex,
        "secret_digest": key.hex,
        "platform": "android",
        "model": "benchmark",
        "os_version": "15",
        "app_version": "1.0",
        "locale": "ru",
        "push_kind": PushKind.FCM_TOKEN,
        # As long as a registration token of FCM.
        "push_value": f"benchmark:{key.hex * 4}",
        "push_registered_at": now,
        "created_at": now,
        "last_seen_at": now,
    }


def _binding(number: str, device_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": new_key(),
        "number": number,
        "device_id": device_id,
        "assurance": "signed_in",
        "consent_version": "1",
        "bound_at": now,
    }


def _verification(key: UUID, product_id: UUID, number: str, purpose: str, now: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "product_id": product_id,
        "number": number,
        "purpose": purpose,
        "live": True,
        "status": VerificationStatus.PENDING,
        "digits": 4,
        "code_digest": "",
        "code_push": CodePush.FETCH,
        "locale": "ru",
        "attempts_allowed": 3,
        "attempts_used": 0,
        "resends_left": 0,
        "created_at": now,
        "expires_at": now + timedelta(minutes=10),
        "resend_at": now,
    }


def _delivery(
    cause: UUID, product_id: UUID, number: str, channel: str, device_id: UUID | None, now: datetime
) -> dict[str, Any]:
    return {
        "id": new_key(),
        "kind": DeliveryKind.CODE,
        "product_id": product_id,
        "verification_id": cause,
        "number": number,
        "device_id": device_id,
        "channel": channel,
        "status": DeliveryStatus.QUEUED,
        "claimable_at": now,
        "tries": 0,
        "created_at": now,
        "expires_at": now + timedelta(minutes=10),
        "changed_at": now,
    }
