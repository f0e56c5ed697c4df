"""Whom messages go to and in which order, and what becomes of them where the sender, the database or a key fails."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.kernel.db import transaction
from pushhub.kernel.errors import DatabaseUnavailable
from pushhub.kernel.logs import JsonFormatter
from pushhub.webhooks import queue, rules
from pushhub.webhooks.models import WebhookMessage, WebhookSecret
from pushhub.webhooks.sender import WebhookSender
from tests.support.actors import NUMBER, MakeShop, Shop, expect
from tests.support.databases import FakeClock
from tests.support.dispatching import attempted
from tests.support.rows import change, values
from tests.support.statements import before_each
from tests.webhooks.receiver import MakeReceiver, Receiver, says
from tests.webhooks.relaying import Webhooks, at_work, webhook_sender

pytestmark = pytest.mark.both_engines  # the queue


def test_a_webhook_is_told_only_what_it_asked_for_of_its_own_product_and_side(
    shop: Shop, make_shop: MakeShop, make_receiver: MakeReceiver, webhooks: Webhooks
) -> None:
    stranger = make_shop("SAKURA")
    picky, all_live, all_test, strange = (make_receiver() for _ in range(4))
    for who, key, url, kinds in (
        (shop, shop.key, picky.url(), ["offer.cancelled", "verification.created"]),
        (shop, shop.key, all_live.url(), []),
        (shop, shop.test_key, all_test.url(), []),
        (stranger, stranger.key, strange.url(), []),
    ):
        expect(who.call("POST", "/v1/webhooks", {"url": url, "events": kinds}, key=key), 201)
    live = shop.offer()
    shop.call("DELETE", f"/v1/offers/{live['id']}")
    test = expect(shop.call("POST", "/v1/offers", {"number": NUMBER}, key=shop.test_key), 201)
    webhooks.tell()

    def told(receiver: Receiver) -> list[tuple[str, str]]:
        documents = [json.loads(request.body) for request in receiver.received]
        return [(one["type"], one["data"]["offer_id"]) for one in documents if "offer_id" in one["data"]]

    assert told(picky) == [("offer.cancelled", live["id"])]
    assert told(all_live) == [("offer.created", live["id"]), ("offer.cancelled", live["id"])]
    assert told(all_test) == [("offer.created", test["id"])]
    assert told(strange) == []


@pytest.fixture
def told_twice(shop: Shop, webhooks: Webhooks, receiver: Receiver) -> None:
    """Two messages about one offer wait for the endpoint: that it was made, and that it was cancelled."""
    webhooks.register(receiver.url(), events=["offer.created", "offer.cancelled"])
    offer = shop.offer()
    shop.call("DELETE", f"/v1/offers/{offer['id']}")
    webhooks.relay()


def test_what_is_told_of_one_thing_goes_out_in_its_order_until_one_fails(
    app: Flask, told_twice: None, sender: WebhookSender
) -> None:
    with app.app_context():
        (first,) = queue.claim(sender.owner, 10, lambda _: 10)
        assert b"offer.created" in first.body
        assert queue.claim(sender.owner, 10, lambda _: 10) == []  # the second one waits for the first
        queue.complete(sender.owner, [attempted(first, rules.EndpointAnswer(500))])
        (second,) = queue.claim(sender.owner, 10, lambda _: 10)  # and does not wait for its further tries
        assert b"offer.cancelled" in second.body


def test_what_is_given_back_is_told_before_what_came_after_it(
    app: Flask, told_twice: None, sender: WebhookSender
) -> None:
    with app.app_context():
        assert len(queue.claim(sender.owner, 10, lambda _: 10)) == 1
        queue.QUEUE.give_back(sender.owner, [])
        (first,) = queue.claim(sender.owner, 10, lambda _: 10)
        assert b"offer.created" in first.body


def test_a_message_of_a_sender_that_died_is_sent_by_another_one(
    app: Flask, shop: Shop, webhooks: Webhooks, receiver: Receiver, now: FakeClock
) -> None:
    webhooks.register(receiver.url(), events=["offer.created"])
    shop.offer()
    webhooks.relay()
    dead = webhook_sender(app)
    with app.app_context():
        (held,) = queue.claim(dead.owner, 10, lambda _: 10)
    webhooks.tell()
    assert receiver.received == []
    now.forward(seconds=queue.QUEUE.lease.total_seconds())
    webhooks.tell()
    assert len(receiver.received) == 1
    with app.app_context():
        queue.complete(dead.owner, [attempted(held, rules.EndpointAnswer(500))])  # too late: it is not his any more
    assert values(app, sa.select(WebhookMessage.status)) == ["delivered"]


def test_a_secret_that_can_not_be_read_is_not_used_and_the_message_waits(
    app: Flask, shop: Shop, webhooks: Webhooks, receiver: Receiver
) -> None:
    webhook = webhooks.register(receiver.url())
    change(app, sa.update(WebhookSecret).values(sealed=b"k9:spoilt"))
    shop.offer()
    webhooks.tell()
    assert receiver.received == []
    assert webhooks.outcomes(webhook)[0] == ("queued", "secret_unreadable")


def test_a_body_that_is_too_large_is_not_sent(app: Flask, shop: Shop, webhooks: Webhooks, receiver: Receiver) -> None:
    webhook = webhooks.register(receiver.url())
    shop.offer()
    webhooks.relay()
    asyncio.run(webhook_sender(app, largest_body=10).empty())
    assert receiver.received == []
    assert webhooks.deliveries(webhook)[0]["error"] == "body_too_large"


def test_done_messages_are_deleted_after_their_time_and_waiting_ones_are_not(
    app: Flask, shop: Shop, webhooks: Webhooks, make_receiver: MakeReceiver, now: FakeClock
) -> None:
    good, gone = make_receiver(), make_receiver()
    told, left = (webhooks.register(each.url(), events=["offer.created"]) for each in (good, gone))
    gone.behaviour = says(410)
    shop.offer()
    webhooks.tell()

    def sweep() -> tuple[int, int]:
        with app.app_context(), transaction() as session:
            queue.sweep(session)
        return len(webhooks.deliveries(told)), len(webhooks.deliveries(left))

    assert sweep() == (1, 1)
    now.forward(days=7, seconds=1)
    assert sweep() == (0, 1)
    now.forward(days=23)
    assert sweep() == (0, 0)


def test_what_was_queued_while_its_webhook_was_disabled_fails_in_the_sweep(
    app: Flask, shop: Shop, webhooks: Webhooks, receiver: Receiver
) -> None:
    webhook = webhooks.register(receiver.url(), events=["offer.created"])
    shop.offer()
    webhooks.relay()
    change(app, sa.text("UPDATE webhooks SET disabled_at = created_at, disabled_reason = 'gone'"))
    with app.app_context(), transaction() as session:
        queue.sweep(session)
    assert webhooks.outcomes(webhook) == [("failed", "webhook_disabled")]


def test_the_sender_runs_wakes_and_stops(app: Flask, shop: Shop, webhooks: Webhooks, receiver: Receiver) -> None:
    webhooks.register(receiver.url(), events=["offer.created"])

    async def live() -> None:
        sender = webhook_sender(app)
        async with at_work(sender):
            for turn in (1, 2):
                await asyncio.to_thread(lambda: (shop.offer(), webhooks.relay()))
                sender.wake()
                async with asyncio.timeout(10):
                    while len(receiver.received) < turn:
                        await asyncio.sleep(0.01)

    asyncio.run(live())
    assert values(app, sa.select(WebhookMessage.status)) == ["delivered", "delivered"]


def test_a_database_that_fails_for_a_while_ends_nothing_and_loses_no_outcome(
    app: Flask, shop: Shop, webhooks: Webhooks, receiver: Receiver
) -> None:
    webhooks.register(receiver.url(), events=["offer.created"])
    shop.offer()
    webhooks.relay()
    failures = {"tries": 2, "outcomes": 2}

    def fail(statement: str) -> None:
        what = "outcomes" if "outcomes" in statement else "tries"
        if failures[what]:
            failures[what] -= 1
            raise DatabaseUnavailable

    async def live() -> None:
        async with at_work(webhook_sender(app, poll_seconds=0.05)), asyncio.timeout(10):
            while any(failures.values()):
                await asyncio.sleep(0.01)

    with before_each(app, "UPDATE webhook_messages", fail):
        asyncio.run(live())
    assert len(receiver.received) == 1
    assert values(app, sa.select(WebhookMessage.status)) == ["delivered"]


def test_no_log_holds_a_secret_a_signature_or_the_path_of_an_address(
    shop: Shop,
    webhooks: Webhooks,
    receiver: Receiver,
    now: FakeClock,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook = webhooks.register(receiver.url("/recognisable-path-of-the-endpoint"))
    rotated = webhooks.rotate(webhook)
    receiver.behaviour = says(500, "recognisable-answer", Recognisable_Header="recognisable-value")
    shop.offer()
    webhooks.tell()
    receiver.close()
    now.forward(seconds=7)
    webhooks.tell()
    signatures = receiver.received[0].headers["webhook-signature"].split(" ")
    hidden = [webhook["secret"], rotated["secret"], "recognisable", *(one.partition(",")[2] for one in signatures)]
    hidden += [base64.b64decode(secret.removeprefix("whsec_")).hex() for secret in hidden[:2]]
    formatter = JsonFormatter()
    written = capfd.readouterr().err + "\n".join(
        f"{formatter.format(record)}\n{record.__dict__!r}" for record in caplog.records
    )
    assert len(caplog.records) > 3
    assert [text for text in hidden if text in written] == []
    assert not re.search("whsec_", written)
