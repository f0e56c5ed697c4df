"""One order for all events: none missed, none twice, none in front of what it follows from."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from pushhub.events.models import Event, EventCounter, Tag
from pushhub.events.record import record
from pushhub.kernel import clock
from pushhub.kernel.db import db, reading, transaction
from pushhub.kernel.ids import new_key
from pushhub.webhooks.models import Webhook, WebhookMessage
from tests.support.actors import Shop
from tests.support.rows import change, rows, values
from tests.support.statements import before_each
from tests.support.waiting import somebody_waits
from tests.webhooks.relaying import Relay, relay_events

pytestmark = pytest.mark.both_engines  # the order of events hangs on how transactions see each other


def sequence(app: Flask) -> list[tuple[UUID, int]]:
    """The subjects in the order in which they are told, with their numbers."""
    numbered = sa.select(Event.subject_id, Event.sequence).where(Event.sequence.is_not(None))
    return rows(app, numbered.order_by(Event.sequence))


def happen(app: Flask, subject: UUID, product_id: UUID | None = None, *, live: bool = True) -> None:
    with app.app_context(), transaction() as session:
        record(session, Tag.OFFER_CREATED, subject, product_id, live=live)


def webhook_row(product_id: UUID, **more: Any) -> dict[str, Any]:
    row = {"id": new_key(), "product_id": product_id, "live": True, "url": "https://a.kz/", "tags": []}
    return row | {"created_at": clock.now(), **more}


@contextmanager
def another_connection(app: Flask) -> Iterator[Session]:
    """A transaction beside ours, which the test commits when it wants."""
    with app.app_context(), Session(db.engine) as session:
        yield session


def test_events_get_numbers_without_a_gap_in_batches(app: Flask) -> None:
    subjects = [new_key() for _ in range(7)]
    for subject in subjects:
        happen(app, subject)
    with app.app_context():
        assert [relay_events(limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert sequence(app) == [(subject, number) for number, subject in enumerate(subjects, start=1)]


def test_what_is_rolled_back_gets_no_number(app: Flask, relay: Relay) -> None:
    first, second = new_key(), new_key()
    happen(app, first)
    with another_connection(app) as session:
        record(session, Tag.OFFER_CREATED, new_key(), None)
        session.rollback()
    happen(app, second)
    assert relay() == 2
    assert [subject for subject, _ in sequence(app)] == [first, second]


@pytest.mark.postgresql
def test_a_transaction_that_began_first_and_commits_last_is_not_passed(app: Flask, relay: Relay) -> None:
    slow, quick, later = new_key(), new_key(), new_key()
    with another_connection(app) as slow_one:
        record(slow_one, Tag.OFFER_CREATED, slow, None)  # has its position, is not committed
        happen(app, quick)
        assert relay() == 1
        assert sequence(app) == [(quick, 1)]  # a reader may pass number 1 now
        slow_one.commit()
    happen(app, later)
    assert relay() == 2
    assert sequence(app) == [(quick, 1), (slow, 2), (later, 3)]
    positions = values(app, sa.select(Event.position).order_by(Event.sequence))
    assert positions[1] < positions[0] < positions[2]  # by position the slow one would have been missed


@pytest.mark.postgresql
def test_a_second_relay_does_not_wait_for_the_first(app: Flask) -> None:
    subject = new_key()
    happen(app, subject)
    with app.app_context():
        relay_events()
    happen(app, new_key())
    with another_connection(app) as first:
        first.execute(sa.select(EventCounter.last).with_for_update())
        with app.app_context():
            assert relay_events() == 0  # and not `Busy` after a lock timeout
        first.rollback()
    with app.app_context():
        assert relay_events() == 1


@pytest.mark.postgresql
def test_a_webhook_that_is_being_deleted_does_not_stop_the_relay(app: Flask, shop: Shop) -> None:
    with app.app_context():
        while relay_events():
            pass
    going, staying = webhook_row(shop.product.id), webhook_row(shop.product.id)
    change(app, sa.insert(Webhook), going, staying)
    happen(app, new_key(), shop.product.id)
    with another_connection(app) as deleting:
        deleting.execute(sa.text("SET lock_timeout = 0"))
        deleting.execute(sa.delete(Webhook).where(Webhook.id == going["id"]))

        def in_context() -> int:
            with app.app_context():
                return relay_events()

        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(in_context)
            while not somebody_waits(app):
                assert not waiting.done()
            deleting.commit()
            assert waiting.result(10) == 1
    assert values(app, sa.select(WebhookMessage.webhook_id)) == [staying["id"]]


@pytest.mark.parametrize(
    ("of_webhook", "of_event", "told"),
    [
        ({}, {}, True),
        ({"tags": ["offer.created"]}, {}, True),
        ({"tags": ["binding.created", "offer.created"]}, {}, True),
        ({"tags": ["offer.created_twice", "offer"]}, {}, False),
        ({"tags": ["binding.created"]}, {}, False),
        ({"live": False}, {}, False),
        ({}, {"live": False}, False),
        ({"live": False}, {"live": False}, True),
        ({"disabled_reason": "gone"}, {}, False),
        ({}, {"product_id": None}, False),
    ],
)
def test_for_whom_a_message_is_queued(
    app: Flask, shop: Shop, relay: Relay, of_webhook: dict[str, Any], of_event: dict[str, Any], told: bool
) -> None:
    relay()
    if "disabled_reason" in of_webhook:
        of_webhook = of_webhook | {"disabled_at": clock.now()}
    row, subject = webhook_row(shop.product.id, **of_webhook), new_key()
    change(app, sa.insert(Webhook), row)
    event = {"product_id": shop.product.id, "live": True} | of_event
    happen(app, subject, event["product_id"], live=event["live"])
    assert relay() == 1
    messages = values(app, sa.select(WebhookMessage))
    assert [(one.webhook_id, one.subject_id, one.status, one.tries) for one in messages] == (
        [(row["id"], subject, "queued", 0)] if told else []
    )


def test_numbers_and_messages_are_written_together_or_not_at_all(app: Flask, shop: Shop, relay: Relay) -> None:
    relay()
    happen(app, new_key(), shop.product.id)
    before = sequence(app)

    def broken(_: str) -> None:
        raise RuntimeError("in the middle")

    with before_each(app, "INSERT INTO webhook_messages", broken), app.app_context(), pytest.raises(RuntimeError):
        relay_events()
    assert sequence(app) == before
    assert relay() == 1


class Reader:
    """Reads on from the last number, as a product does."""

    def __init__(self) -> None:
        self.place = 0
        self.read: list[UUID] = []

    def read_on(self) -> None:
        with reading() as session:
            found = session.execute(
                sa.select(Event.subject_id, Event.sequence).where(Event.sequence > self.place).order_by(Event.sequence)
            ).all()
        for row in found:
            assert row.sequence == self.place + 1
            self.place = row.sequence
            self.read.append(row.subject_id)


class Writers:
    """Some chains of transactions; in each the next one begins after the one before has ended."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._open: dict[int, tuple[Session, UUID]] = {}
        self.committed: dict[int, list[UUID]] = defaultdict(list)

    def go_on(self, chain: int) -> None:
        """Begin and write in this chain, or end what was begun."""
        if chain not in self._open:
            session, subject = Session(db.engine), new_key()
            record(session, Tag.OFFER_CREATED, subject, None)
            self._open[chain] = session, subject
            return
        session, subject = self._open.pop(chain)
        with session:
            if self._chance.random() < 0.8:
                session.commit()
                self.committed[chain].append(subject)
            else:
                session.rollback()

    def close(self) -> None:
        for session, _ in self._open.values():
            session.close()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.postgresql
def test_however_transactions_interleave_a_reader_misses_nothing(app: Flask, relay: Relay, seed: int) -> None:
    """Transactions that begin, write, commit and roll back in any order, a relay and a reader between them."""
    chance = random.Random(seed)  # noqa: S311 - the same turns each time
    writers, reader = Writers(chance), Reader()
    with app.app_context():
        for _ in range(200):
            match chance.choice(["write", "write", "write", "relay", "read"]):
                case "write":
                    writers.go_on(chance.randrange(6))
                case "relay":
                    relay_events(limit=chance.choice([1, 2, 100]))
                case _:
                    reader.read_on()
        writers.close()
        relay()
        reader.read_on()
    committed = [subject for chain in writers.committed.values() for subject in chain]
    assert len(committed) > 30
    assert sorted(map(str, reader.read)) == sorted(map(str, committed))
    for chain_of_one in writers.committed.values():  # each followed from the one before it
        assert [subject for subject in reader.read if subject in chain_of_one] == chain_of_one
