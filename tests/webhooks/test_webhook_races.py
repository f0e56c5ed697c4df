"""Several relays, senders, writers and readers at once, on a real PostgreSQL: everything is told, in its order."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.events.cursor import events_after
from pushhub.events.models import Event, Tag
from pushhub.events.record import record
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.errors import PushhubError, TooManyWebhooks
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.products.products import recognise
from pushhub.webhooks import endpoints as webhook_endpoints
from pushhub.webhooks import queue
from pushhub.webhooks import sender as sender_module
from pushhub.webhooks.models import Webhook, WebhookMessage, WebhookSecret
from tests.support.actors import Shop
from tests.support.rows import rows
from tests.support.waiting import until
from tests.webhooks.receiver import MakeReceiver, Received, says
from tests.webhooks.relaying import Webhooks, at_work, make_events, relay_events, webhook_sender

pytestmark = pytest.mark.postgresql  # SQLite lets one writer in at a time anyhow

#: What happens to each verification, in this order.
STORY = (
    Tag.VERIFICATION_CREATED,
    Tag.VERIFICATION_ARMED,
    Tag.VERIFICATION_RESENT,
    Tag.VERIFICATION_APPROVED,
)
#: Seconds that a relay or reader waits when it has found nothing: all share one interpreter, and one that asks without
#: a pause takes the time that the others need for their work.
A_MOMENT = 0.01
#: Seconds that a try, and the whole race, may take on a machine that has other things to do.
PATIENCE = 60.0, 120.0


def in_context(app: Flask, work: Callable[[], Any]) -> Any:
    with app.app_context():
        return work()


class Crowd:
    """Relays, senders and a polling reader, each on a thread of its own, until `done`."""

    def __init__(self, app: Flask, shop: Shop, try_seconds: float) -> None:
        self._app = app
        self._try_seconds = try_seconds
        self.done = threading.Event()
        self.polled: list[Event] = []
        self._caller = in_context(app, lambda: recognise(shop.key))
        self._cursor = in_context(app, lambda: events_after(self._caller.product_id, None, 500, live=True)).next

    def relay(self) -> None:
        with self._app.app_context():
            while not self.done.is_set():
                if not relay_events(limit=20):
                    time.sleep(A_MOMENT)

    def poll(self) -> None:
        with self._app.app_context():
            while not self.done.is_set():
                page = events_after(self._caller.product_id, self._cursor, 7, live=True)
                self.polled.extend(page.events)
                self._cursor = page.next
                if not page.events:
                    time.sleep(A_MOMENT)

    def send(self) -> None:
        async def live() -> None:
            sender = webhook_sender(self._app, try_seconds=self._try_seconds)
            async with at_work(sender):
                while not self.done.is_set():
                    sender.wake()
                    await asyncio.sleep(0.05)

        asyncio.run(live())


def write_stories(app: Flask, subjects: list[UUID], product_id: UUID) -> None:
    with app.app_context():
        for tag in STORY:
            for subject in subjects:
                with transaction() as session:
                    record(session, tag, subject, product_id)


def stories_in(told: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """What was told of each subject, in the order of its arrival."""
    found: dict[str, tuple[str, ...]] = {}
    for subject, tag in told:
        found[subject] = (*found.get(subject, ()), tag)
    return found


def test_none_is_missed_and_none_reordered_with_several_relays_and_senders_at_once(
    app: Flask, shop: Shop, webhooks: Webhooks, make_receiver: MakeReceiver
) -> None:
    a_try, all_tries = PATIENCE
    endpoints = [make_receiver() for _ in range(2)]
    for endpoint in endpoints:
        webhooks.register(endpoint.url(), events=[str(tag) for tag in STORY])
    crowd = Crowd(app, shop, a_try)
    subjects = [[new_key() for _ in range(25)] for _ in range(4)]
    expected = 4 * 25 * len(STORY)

    def all_told() -> bool:
        counts = [len(crowd.polled), *(len(endpoint.received) for endpoint in endpoints)]
        return min(counts) >= expected

    with ThreadPoolExecutor(16) as threads:
        workers = [threads.submit(work) for work in [crowd.relay] * 3 + [crowd.send] * 3 + [crowd.poll]]
        writers = [threads.submit(write_stories, app, some, shop.product.id) for some in subjects]
        try:
            for writer in writers:
                writer.result(all_tries)
            until(all_told, all_tries, "not all were told of everything")
            time.sleep(0.2)  # time for one that would come twice
        finally:
            crowd.done.set()
        for worker in workers:
            worker.result(30)

    whole = tuple(map(str, STORY))
    keys = {key for some in subjects for key in some}
    polled = stories_in([(str(event.subject_id), event.tag) for event in crowd.polled])
    assert polled == {str(key): whole for key in keys}
    for endpoint in endpoints:
        assert len({request.headers["webhook-id"] for request in endpoint.received}) == expected
        documents = [json.loads(request.body) for request in endpoint.received]
        told = stories_in([(one["data"]["verification_id"], one["type"]) for one in documents])
        assert told == {public_id(Prefix.VERIFICATION, key): whole for key in keys}
    outcomes = rows(app, sa.select(WebhookMessage.status, WebhookMessage.tries))
    assert outcomes == [("delivered", 1)] * 2 * expected


def test_of_many_claims_at_once_each_message_is_in_one(app: Flask, shop: Shop, webhooks: Webhooks) -> None:
    webhooks.register("https://localhost:9/", events=["offer.created"])
    make_events(app, shop.product.id, 60)
    webhooks.relay()
    barrier = threading.Barrier(16, timeout=60)

    def claim(_: int) -> list[tuple[UUID, int]]:
        barrier.wait()
        return [one.lease.key for one in in_context(app, lambda: queue.claim(new_key(), 10, lambda _: 10))]

    with ThreadPoolExecutor(16) as threads:
        claimed = [key for keys in threads.map(claim, range(16)) for key in keys]
    claimed += [one.lease.key for one in in_context(app, lambda: queue.claim(new_key(), 100, lambda _: 100))]
    assert len(claimed) == len(set(claimed)) == 60


def test_an_endpoint_that_hangs_holds_up_only_itself(
    app: Flask, shop: Shop, webhooks: Webhooks, make_receiver: MakeReceiver
) -> None:
    hanging, quick = make_receiver(), make_receiver()
    may_answer = threading.Event()

    def hangs_until_told(request: Received, connection: socket.socket) -> None:
        may_answer.wait(PATIENCE[1])
        says(204)(request, connection)

    hanging.behaviour = hangs_until_told
    for endpoint in (hanging, quick):
        webhooks.register(endpoint.url(), events=["offer.created"])
    make_events(app, shop.product.id, 150)
    webhooks.relay()

    async def live() -> None:
        # No try ends by itself while the others are waited for.
        async with at_work(webhook_sender(app, try_seconds=PATIENCE[1])):
            await asyncio.to_thread(until, lambda: len(quick.received) >= 150, PATIENCE[0], "the other waits as well")
            came_meanwhile.extend(len(endpoint.received) for endpoint in (quick, hanging))
            may_answer.set()

    came_meanwhile: list[int] = []
    asyncio.run(live())
    assert came_meanwhile == [150, sender_module.Pace.FIRST]
    assert quick.most_at_once <= sender_module.Pace.MOST


def test_many_rotations_and_registrations_at_once(app: Flask, shop: Shop, webhooks: Webhooks) -> None:
    webhook = webhooks.register("https://localhost:9/")
    caller = in_context(app, lambda: recognise(shop.key))
    barrier = threading.Barrier(16, timeout=60)

    def act(turn: int) -> str:
        with app.app_context():
            key = webhook_endpoints.list_webhooks(caller)[0].webhook.id
            barrier.wait()
            try:
                if turn % 2:
                    return webhook_endpoints.rotate_secret(caller, key).secret or ""
                return webhook_endpoints.create_webhook(caller, f"https://localhost:9/{turn}").secret or ""
            except PushhubError as problem:
                return problem.code

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(act, range(16)))
    secrets = [outcome for outcome in outcomes if outcome.startswith("whsec_")]
    assert len(secrets) == len(set(secrets))
    assert set(outcomes) - set(secrets) <= {"busy"}  # a rotation that lost three times says so
    with app.app_context(), reading() as session:
        current = session.execute(
            sa.select(WebhookSecret.webhook_id, sa.func.count())
            .where(WebhookSecret.signs_until.is_(None))
            .group_by(WebhookSecret.webhook_id)
        ).all()
        assert len(session.scalars(sa.select(Webhook.id)).all()) == 9
    assert {count for _, count in current} == {1}
    assert webhooks.show(webhook)["old_secret_until"]


def test_two_registrations_of_the_tenth_at_once_make_one(app: Flask, shop: Shop, webhooks: Webhooks) -> None:
    for _ in range(9):
        webhooks.register("https://localhost:9/")
    caller = in_context(app, lambda: recognise(shop.key))
    barrier = threading.Barrier(8, timeout=60)

    def create(_: int) -> bool:
        with app.app_context():
            barrier.wait()
            try:
                webhook_endpoints.create_webhook(caller, "https://localhost:9/")
            except TooManyWebhooks:
                return False
            return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(create, range(8))).count(True) == 1


def test_an_endpoint_that_answers_is_given_more_at_once_and_one_that_fails_less() -> None:
    pace, webhook = sender_module.Pace(), new_key()
    assert pace.room(webhook) == 4
    for expected in (8, 16, 16):
        pace.begin(webhook)
        pace.end(webhook, answered=True)
        assert pace.room(webhook) == expected
    pace.begin(webhook)
    pace.begin(webhook)
    pace.end(webhook, answered=False)
    assert pace.room(webhook) == 0
    pace.end(webhook, answered=True)
    assert pace.room(webhook) == 2
