"""What holds for every queue alike: deliveries, messages to webhooks, letters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import Accepted, Retry
from pushhub.delivery import outbox
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.ids import new_key
from pushhub.mail import queue as letters
from pushhub.mail.queue import post
from pushhub.queueing.lease_queue import Key, LeaseQueue
from pushhub.verifications.code_message import CODES
from pushhub.webhooks import queue as messages
from pushhub.webhooks.rules import EndpointAnswer
from tests.support.actors import MakeShop, Phone, expect
from tests.support.databases import FakeClock
from tests.support.dispatching import attempted
from tests.webhooks.relaying import make_events, relay_events

pytestmark = pytest.mark.both_engines  # the queues

MANY = 5


@dataclass(frozen=True)
class Kind:
    """One of the three queues: how it is used, and what a yes and a "not now" look like."""

    queue: LeaseQueue
    table: str
    claim: Callable[[UUID], Collection[Any]]
    give_back: Callable[[UUID, Collection[Key]], None]
    complete: Callable[[UUID, list[Any]], object]
    done: object
    again: object

    def finish(self, owner: UUID, items: Collection[Any], outcome: object) -> None:
        self.complete(owner, [attempted(item, outcome) for item in items])

    def rows(self) -> list[tuple[str, int]]:
        """(status, tries) of each row."""
        with reading() as session:
            return [tuple(row) for row in session.execute(sa.text(f"SELECT status, tries FROM {self.table}"))]  # noqa: S608 - ours


KINDS = {
    "deliveries": Kind(
        outbox.QUEUE,
        "deliveries",
        lambda owner: CODES.load("fcm", owner, outbox.claim(CODES, "fcm", owner, 100)),
        lambda owner, held: outbox.give_back(CODES, "fcm", owner, held),
        lambda owner, results: outbox.complete(CODES, owner, results),
        Accepted("1"),
        Retry("UNAVAILABLE"),
    ),
    "messages to webhooks": Kind(
        messages.QUEUE,
        "webhook_messages",
        lambda owner: messages.claim(owner, 100, lambda _: 100),
        messages.QUEUE.give_back,
        messages.complete,
        EndpointAnswer(204),
        EndpointAnswer(503),
    ),
    "letters": Kind(
        letters.QUEUE,
        "letters",
        lambda owner: letters.claim(owner, 100),
        letters.QUEUE.give_back,
        letters.complete,
        Accepted("250"),
        Retry("smtp_451"),
    ),
}


@pytest.fixture(params=list(KINDS))
def kind(
    request: pytest.FixtureRequest, app: Flask, make_shop: MakeShop, phone: Phone, now: FakeClock
) -> Iterator[Kind]:
    """A queue with `MANY` rows that are due."""
    shop = make_shop("SAKURA", purposes=[f"p{turn}" for turn in range(MANY)])
    if request.param == "deliveries":
        phone.bind_to(shop)
        for turn in range(MANY):
            shop.ask(purpose=f"p{turn}")
    elif request.param == "letters":
        words = {"to": "a@example.kz", "kind": "test", "subject": "Words", "text": "Words"}
        with app.app_context(), transaction() as session:
            for _ in range(MANY):
                post(session, product_id=shop.product.id, valid_until=now() + timedelta(hours=1), **words)
    else:
        expect(shop.call("POST", "/v1/webhooks", {"url": "https://8.8.8.8:9/", "events": ["offer.created"]}), 201)
        make_events(app, shop.product.id, MANY)
        with app.app_context():
            relay_events()
    with app.app_context():
        yield KINDS[request.param]


def test_what_one_holds_nobody_else_gets_until_the_lease_ends(kind: Kind, now: FakeClock) -> None:
    held = kind.claim(new_key())
    assert len(held) == MANY
    assert kind.claim(new_key()) == []
    now.forward(seconds=kind.queue.lease.total_seconds() - 1)
    assert kind.claim(new_key()) == []
    now.forward(seconds=1)
    again = kind.claim(new_key())
    assert {item.lease.key for item in again} == {item.lease.key for item in held}
    assert {item.lease.tries for item in again} == {2}


def test_what_was_claimed_without_an_answer_is_given_back_and_what_is_known_is_kept(kind: Kind) -> None:
    owner, other = new_key(), new_key()
    first, second, *_ = kind.claim(owner)
    kind.give_back(other, [])  # of somebody else: nothing
    assert kind.claim(other) == []
    kind.give_back(owner, [first.lease.key, second.lease.key])
    again = kind.claim(other)
    assert len(again) == MANY - 2
    assert {item.lease.tries for item in again} == {1}  # nothing was tried


def test_an_outcome_after_the_lease_changes_nothing(kind: Kind, now: FakeClock) -> None:
    slow, fast = new_key(), new_key()
    late = kind.claim(slow)
    now.forward(seconds=kind.queue.lease.total_seconds())
    kind.finish(fast, kind.claim(fast), kind.again)
    before = kind.rows()
    kind.finish(slow, late, kind.done)
    assert kind.rows() == before == [("queued", 2)] * MANY


def test_an_outcome_that_is_written_twice_counts_once(kind: Kind) -> None:
    owner = new_key()
    held = kind.claim(owner)
    kind.finish(owner, held, kind.again)
    kind.finish(owner, held, kind.done)  # it belongs to nobody now
    assert kind.rows() == [("queued", 1)] * MANY


def test_what_is_done_is_never_claimed_again(kind: Kind, now: FakeClock) -> None:
    owner = new_key()
    kind.finish(owner, kind.claim(owner), kind.done)
    now.forward(minutes=10)
    assert kind.claim(new_key()) == []
    assert {tries for _, tries in kind.rows()} == {1}
    assert {status for status, _ in kind.rows()} & {"queued", "sending"} == set()


def test_of_a_shorter_claim_the_longest_due_come_first(kind: Kind, now: FakeClock) -> None:
    owner = new_key()
    one, *others = kind.claim(owner)
    kind.finish(owner, [one], kind.again)
    kind.give_back(owner, [])
    now.forward(minutes=1)
    keys = [item.lease.key for item in kind.claim(owner)]
    assert sorted(map(str, keys)) == sorted(str(item.lease.key) for item in [one, *others])


def test_counts_tell_what_waits(kind: Kind) -> None:
    assert kind.queue.waiting() == MANY
    owner = new_key()
    held = list(kind.claim(owner))
    kind.finish(owner, held[:2], kind.done)
    assert kind.queue.waiting() == MANY - 2
