"""What is in the database before a measurement, and what is read from it after.

Devices and queued deliveries are inserted as rows: binding 20,000 phones through the API would measure the
signatures of 20,000 phones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from benchmarks.engines import Engine
from benchmarks.history import put_in_order, write_history
from benchmarks.processes import DidNotWork
from benchmarks.row_values import TARGETS, binding_row, delivery_row, device_row, verification_row
from pushhub.app import create_app
from pushhub.channels.channel_table import CHANNEL_OF_KIND
from pushhub.channels.contract import PushKind
from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import DeliveryStatus
from pushhub.devices.models import Binding, Device
from pushhub.kernel import clock
from pushhub.kernel.db import Base, db
from pushhub.kernel.engine import READING
from pushhub.kernel.ids import new_key
from pushhub.kernel.settings import load_settings
from pushhub.products.products import create_product
from pushhub.products.rules import Policy
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
            db.engine.dispose()
        self._product_id, self.key = made.product.id, made.live_key.text
        now = clock.now()
        # Bound are those that FCM reaches; the others are there to be sent to.
        self._devices = {kind: {number: new_key() for number in self._numbers} for kind in TARGETS}
        for kind, devices in self._devices.items():
            self._insert({Device: [device_row(key, kind, now) for key in devices.values()]})
        bound = self._devices[PushKind.FCM_TOKEN]
        self._insert({Binding: [binding_row(number, key, now) for number, key in bound.items()]})
        self._filled = 0
        self._asks = product(Policy().purposes, self._numbers)

    def next_ask(self) -> dict[str, str]:
        """The body of a request that makes a new code."""
        try:
            purpose, number = next(self._asks)
        except StopIteration:
            raise DidNotWork("All numbers are used up. Give more with --numbers.") from None
        return {"number": number, "purpose": purpose}

    def fill_queue(self, deliveries: int, channel: str, before_commit: Callable[[], None] = lambda: None) -> None:
        """Queue codes that nobody asked for, in one transaction; dispatchers find them when they look."""
        now = clock.now()
        self._filled += 1
        causes = [(new_key(), *self._number_and_purpose(index)) for index in range(deliveries)]
        self._insert(
            {
                Verification: [
                    verification_row(key, self._product_id, number, purpose, now) for key, number, purpose in causes
                ],
                Delivery: [
                    delivery_row(key, self._product_id, number, channel, self._device_for(channel, number), now)
                    for key, number, _ in causes
                ],
            },
            before_commit,
        )

    def _number_and_purpose(self, index: int) -> tuple[str, str]:
        """One that no other pending verification has."""
        turn, place = divmod(index, len(self._numbers))
        return self._numbers[place], f"queued_{self._filled}_{turn}"

    def _device_for(self, channel: str, number: str) -> UUID | None:
        kind = next((kind for kind in TARGETS if CHANNEL_OF_KIND[kind] == channel), None)
        return self._devices[kind][number] if kind is not None else None

    def accepted(self, since: float) -> dict[UUID, float]:
        """For each verification, when the provider's yes was known (seconds since 1970)."""
        statement = (
            sa.select(Delivery.verification_id, Attempt.finished_at)
            .join(Attempt, Attempt.delivery_id == Delivery.id)
            .where(Attempt.id >= _first_key(since), Attempt.outcome == "accepted")
        )
        return {verification_id: at.timestamp() for verification_id, at in self._read(statement)}

    def span_of_attempts(self, since: float) -> tuple[float, float]:
        """When the first try since then began and the last one ended."""
        statement = sa.select(sa.func.min(Attempt.started_at), sa.func.max(Attempt.finished_at)).where(
            Attempt.id >= _first_key(since)
        )
        [(first, last)] = self._read(statement)
        return first.timestamp(), last.timestamp()

    def wait_until_idle(self, seconds: float = 60.0) -> None:
        """Wait until nothing is queued or being sent. Raises `DidNotWork`."""
        deadline = time.monotonic() + seconds
        while not self.is_idle():
            if time.monotonic() > deadline:
                raise DidNotWork(f"Deliveries still wait after {seconds:.0f} seconds.")
            time.sleep(0.1)

    def grow_old(self, rows: int) -> None:
        """Write so many old rows, and leave the tables as they lie after months."""
        write_history(self._engine, self._product_id, len(self._numbers), rows)
        put_in_order(self._engine)

    def clear(self) -> None:
        """End everything that is under way, so that the next measurement starts with nothing."""
        now = clock.now()
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(Delivery).where(_WAITING).values(status=DeliveryStatus.EXPIRED, changed_at=now)
            )
            connection.execute(
                sa.update(Verification)
                .where(Verification.status == VerificationStatus.PENDING)
                .values(status=VerificationStatus.CANCELLED, closed_at=now, code_sealed=None)
            )

    def is_idle(self) -> bool:
        statement = sa.select(sa.literal(1)).select_from(Delivery).where(_WAITING).limit(1)
        return not self._read(statement)

    def close(self) -> None:
        self._engine.dispose()

    def _read(self, statement: sa.Executable) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        with self._engine.connect() as connection:
            return connection.execution_options(**{READING: True}).execute(statement).all()

    def _insert(
        self, rows: Mapping[type[Base], list[dict[str, Any]]], before_commit: Callable[[], None] = lambda: None
    ) -> None:
        with self._engine.begin() as connection:
            for table, values in rows.items():
                for start in range(0, len(values), _CHUNK):
                    connection.execute(sa.insert(table), values[start : start + _CHUNK])
            before_commit()


def _first_key(since: float) -> UUID:
    """No UUIDv7 that was made since then is less. Keys find new rows without a look at the old ones."""
    return UUID(int=int(since * 1000) << 80)
