"""What arrives at an endpoint, when it is tried again, and when it is given up."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from pushhub.webhooks import rules, signing
from tests.support.actors import NUMBER, Phone, Shop, expect
from tests.support.databases import FakeClock
from tests.support.walks import assert_walked, called
from tests.webhooks.receiver import MakeReceiver, Receiver, says
from tests.webhooks.relaying import Webhooks

pytestmark = pytest.mark.both_engines  # the queue


def events(shop: Shop, key: str | None = None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = expect(shop.call("GET", "/v1/events?limit=500", key=key), 200)["items"]
    return items


def test_a_webhook_is_told_the_same_documents_that_polling_gives_in_order(
    shop: Shop, phone: Phone, webhooks: Webhooks, receiver: Receiver
) -> None:
    webhook = webhooks.register(receiver.url("/events?from=pushhub"))
    before = len(events(shop))
    phone.bind_to(shop)
    verification = shop.ask()
    assert shop.check(verification, phone.read_code())["valid"]
    webhooks.tell()
    told = [request.verified(webhook["secret"]) for request in receiver.received]
    polled = events(shop)[before:]
    assert len(polled) >= 7
    assert sorted(told, key=lambda one: str(one["id"])) == sorted(polled, key=lambda one: str(one["id"]))
    about_the_code = [one["type"] for one in told if one["data"].get("verification_id") == verification["id"]]
    told_of_it = [kind.partition(".")[2] for kind in about_the_code if kind.startswith("verification.")]
    assert told_of_it == ["created", "armed", "approved"]
    for request, document in zip(receiver.received, told, strict=True):
        assert request.path == "/events?from=pushhub"
        assert request.headers["webhook-id"] == document["id"]
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"] == "pushhub"
        assert set(document) == {"id", "type", "timestamp", "data"}
        assert len(request.body) < rules.LARGEST_BODY
        assert NUMBER not in request.body.decode()


def test_a_changed_body_or_another_secret_does_not_verify(
    shop: Shop, webhooks: Webhooks, make_receiver: MakeReceiver
) -> None:
    one, other = make_receiver(), make_receiver()
    secret, other_secret = webhooks.register(one.url())["secret"], webhooks.register(other.url())["secret"]
    shop.offer()
    webhooks.tell()
    request = one.received[0]
    assert request.verified(secret)
    with pytest.raises(WebhookVerificationError):
        request.verified(other_secret)
    with pytest.raises(WebhookVerificationError):
        type(request)(request.path, request.headers, request.body.replace(b"off_", b"ofx_")).verified(secret)


def test_the_timestamp_is_of_the_try_and_the_id_stays(
    shop: Shop, webhooks: Webhooks, receiver: Receiver, now: FakeClock
) -> None:
    webhook = webhooks.register(receiver.url())
    receiver.behaviour = says(500, "trouble")
    shop.offer()
    webhooks.tell()
    first_time = int(now().timestamp())
    failed = {"status": "queued", "tries": 1, "last_status": 500, "error": "not_accepted"}
    assert failed.items() <= webhooks.deliveries(webhook)[0].items()
    webhooks.tell()
    assert len(receiver.received) == 1  # it is not due yet
    receiver.behaviour = says(200)
    now.forward(seconds=6)
    webhooks.tell()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert int(first.headers["webhook-timestamp"]) == first_time
    assert int(second.headers["webhook-timestamp"]) == first_time + 6
    assert second.verified(webhook["secret"])
    (delivery,) = webhooks.deliveries(webhook)
    assert (delivery["status"], delivery["tries"], delivery["last_status"]) == ("delivered", 2, 200)
    assert delivery["next_try_at"] is None


def test_ten_tries_by_the_schedule_and_then_it_is_given_up(
    shop: Shop, webhooks: Webhooks, receiver: Receiver, now: FakeClock
) -> None:
    webhook = webhooks.register(receiver.url(), events=["offer.created"])
    receiver.behaviour = says(503)
    shop.offer()
    webhooks.tell()
    for tries, wait in enumerate(rules.WAITS, start=1):
        (delivery,) = webhooks.deliveries(webhook)
        assert (delivery["status"], delivery["tries"]) == ("queued", tries)
        due = (datetime.fromisoformat(delivery["next_try_at"]) - now()).total_seconds()
        assert wait.total_seconds() <= round(due, 3) <= wait.total_seconds() * 1.2 + 0.001
        now.forward(seconds=due - 1)
        webhooks.tell()
        assert len(receiver.received) == tries
        now.forward(seconds=2)
        webhooks.tell()
    (delivery,) = webhooks.deliveries(webhook)
    assert (delivery["status"], delivery["tries"], delivery["error"]) == ("failed", 10, "not_accepted")
    now.forward(days=2)
    webhooks.tell()
    assert len(receiver.received) == 10
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1


def test_both_secrets_sign_for_a_day_after_a_rotation(
    shop: Shop, webhooks: Webhooks, receiver: Receiver, now: FakeClock
) -> None:
    webhook = webhooks.register(receiver.url())
    rotated = webhooks.rotate(webhook)
    assert rotated["secret"] != webhook["secret"]
    shop.offer()
    webhooks.tell()
    first = receiver.received[0]
    assert len(first.headers["webhook-signature"].split(" ")) == 2
    assert first.verified(webhook["secret"]) == first.verified(rotated["secret"])

    again = webhooks.rotate(webhook)
    shop.offer()
    webhooks.tell()
    third = receiver.received[-1]
    for secret in (webhook["secret"], rotated["secret"], again["secret"]):
        assert third.verified(secret)

    now.forward(hours=24)
    shop.offer()
    webhooks.tell()
    last = receiver.received[-1]
    signed = last.headers["webhook-id"], int(last.headers["webhook-timestamp"]), last.body
    assert last.headers["webhook-signature"].split(" ") == [signing.signature(again["secret"], *signed)]


def test_a_secret_that_is_exchanged_again_and_again_does_not_fill_the_header(
    shop: Shop, webhooks: Webhooks, receiver: Receiver
) -> None:
    webhook = webhooks.register(receiver.url())
    for _ in range(8):
        newest = webhooks.rotate(webhook)["secret"]
    shop.offer()
    webhooks.tell()
    assert len(receiver.received[0].headers["webhook-signature"].split(" ")) == 5
    assert receiver.received[0].verified(newest)


def test_an_endpoint_that_is_gone_disables_its_webhook_and_the_others_are_told(
    shop: Shop, webhooks: Webhooks, make_receiver: MakeReceiver, now: FakeClock
) -> None:
    leaving, staying = make_receiver(), make_receiver()
    gone, other = webhooks.register(leaving.url(), events=["offer.created"]), webhooks.register(staying.url())
    leaving.behaviour = says(500)
    shop.offer()
    webhooks.tell()  # this one waits for its second try when the endpoint goes
    leaving.behaviour = says(410)
    shop.offer()
    webhooks.tell()
    shown = webhooks.show(gone)
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")
    assert webhooks.outcomes(gone) == [("failed", "gone"), ("failed", "webhook_disabled")]
    told = [request.verified(other["secret"]) for request in staying.received]
    (disabled,) = [one for one in told if one["type"] == "webhook.disabled"]
    assert disabled["data"] == {"webhook_id": gone["id"], "reason": "gone"}
    assert disabled in events(shop)

    before = len(leaving.received)
    leaving.behaviour = says(200)
    shop.offer()
    now.forward(days=1)
    webhooks.tell()
    assert len(leaving.received) == before
    webhooks.change(gone, enabled=True)
    offer = shop.offer()
    webhooks.tell()
    assert [json.loads(request.body)["data"]["offer_id"] for request in leaving.received[before:]] == [offer["id"]]


def test_a_410_of_an_address_that_was_left_meanwhile_disables_nothing(
    shop: Shop, webhooks: Webhooks, make_receiver: MakeReceiver
) -> None:
    old, new = make_receiver(), make_receiver()
    webhook = webhooks.register(old.url())

    def move_and_go(request: Any, connection: Any) -> None:
        webhooks.change(webhook, url=new.url())
        says(410)(request, connection)

    old.behaviour = move_and_go
    shop.offer()
    webhooks.tell()
    assert webhooks.show(webhook)["enabled"]
    shop.offer()
    webhooks.tell()
    assert new.received


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(
    shop: Shop, webhooks: Webhooks, make_receiver: MakeReceiver, status: int
) -> None:
    here, there = make_receiver(), make_receiver()
    webhook = webhooks.register(here.url())
    here.behaviour = says(status, Location=there.url())
    shop.offer()
    webhooks.tell()
    assert there.received == []
    newest = webhooks.deliveries(webhook)[0]
    assert (newest["last_status"], newest["error"]) == (status, "redirect")


@pytest.mark.parametrize(("status", "honoured"), [(429, True), (503, True), (500, False)])
def test_the_endpoint_may_ask_for_a_longer_wait(
    shop: Shop, webhooks: Webhooks, receiver: Receiver, now: FakeClock, status: int, honoured: bool
) -> None:
    webhook = webhooks.register(receiver.url())
    receiver.behaviour = says(status, Retry_After="3600")
    shop.offer()
    webhooks.tell()
    wait = (datetime.fromisoformat(webhooks.deliveries(webhook)[0]["next_try_at"]) - now()).total_seconds()
    assert (wait >= 3599) if honoured else (wait <= 6)


def test_a_test_goes_to_the_one_webhook_whatever_it_asked_for(
    shop: Shop, webhooks: Webhooks, make_receiver: MakeReceiver
) -> None:
    tested, other = make_receiver(), make_receiver()
    webhook = webhooks.register(tested.url(), events=["offer.used"])
    webhooks.register(other.url())
    sent = expect(shop.call("POST", f"/v1/webhooks/{webhook['id']}/test"), 202)
    webhooks.tell()
    (request,) = tested.received
    assert request.verified(webhook["secret"]) == sent
    assert sent["type"] == "webhook.test"
    assert sent["data"] == {"webhook_id": webhook["id"]}
    assert other.received == []
    assert sent in events(shop)


@pytest.mark.sqlite
def test_a_webhook_goes_the_way_that_the_page_shows(shop: Shop, webhooks: Webhooks, receiver: Receiver) -> None:
    webhooks.register(receiver.url())
    with called() as order:
        shop.offer()
        webhooks.tell()
    assert receiver.received
    assert_walked("webhook", order)
