"""Letters of a cabinet, a way to write them, and a look at what stands in the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.dispatcher.work import work_of
from pushhub.kernel import clock
from pushhub.kernel.db import reading, transaction
from pushhub.mail import queue
from pushhub.mail.models import Letter
from simulators import Simulators
from tests.support.actors import Shop
from tests.support.dispatching import do_all_that_is_due

ADDRESS = "secret.parent@mail.kz"
SUBJECT = "Восстановление пароля"
TEXT = "Ссылка: https://codes.test/r/Secret-Link-0001"


@dataclass
class Desk:
    """Writes letters of one product and tells what became of them."""

    app: Flask
    product_id: UUID

    def post(self, to: str = ADDRESS, *, minutes: float = 30, **changes: str) -> UUID:
        with self.app.app_context(), transaction() as session:
            return queue.post(
                session,
                product_id=self.product_id,
                to=to,
                kind="recovery_link",
                valid_until=clock.now() + timedelta(minutes=minutes),
                **{"subject": SUBJECT, "text": TEXT, **changes},
            )

    def row(self, letter_id: UUID) -> Letter:
        with self.app.app_context(), reading() as session:
            return session.get_one(Letter, letter_id)

    def statuses(self) -> list[str]:
        with self.app.app_context(), reading() as session:
            return list(session.scalars(sa.select(Letter.status).order_by(Letter.id)))


@pytest.fixture
def desk(app: Flask, shop: Shop) -> Desk:
    return Desk(app, shop.product.id)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    with Simulators(tmp_path_factory.mktemp("simulators")) as simulators:
        yield simulators


@pytest.fixture
def sim(running: Simulators) -> Simulators:
    running.clear()
    return running


def deliver(app: Flask) -> None:
    """Let a dispatcher of the application do everything that is due now."""
    asyncio.run(do_all_that_is_due(work_of(app)))
