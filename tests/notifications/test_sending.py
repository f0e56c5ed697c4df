"""A notification reaches those it is for, each once, and its sender sees how far it has come."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import Accepted, Rejected, Retry, TargetDead
from pushhub.delivery.models import Delivery
from pushhub.events.models import Event
from pushhub.kernel.ids import Prefix, parse_id
from pushhub.notifications.models import Notification
from tests.notifications.senders import WORDS, Sender, number
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, expect
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later
from tests.support.recording import Channels
from tests.support.rows import rows, values

pytestmark = pytest.mark.both_engines  # one statement makes many deliveries


def events_of(app: Flask, notification: dict[str, Any]) -> list[Any]:
    """(tag, live, data) of what was recorded, in order."""
    key = parse_id(Prefix.NOTIFICATION, notification["id"])
    told = sa.select(Event.tag, Event.live, Event.data).where(Event.subject_id == key)
    return rows(app, told.order_by(Event.position))


def test_a_notification_to_one_number_goes_out_at_once(
    sender: Sender, bound: Phone, dispatch: Dispatch, channel: Channels
) -> None:
    sent = sender.send(NUMBER, data={"page": "meetings/7"})
    assert sent["id"].startswith("ntf_")
    assert (sent["status"], sent["accepted"]) == ("sent", 1)
    dispatch()
    (message,) = channel("fcm").sent
    (item,) = bound.feed()
    assert (message.title, message.body) == (WORDS["title"], WORDS["body"])
    assert message.data == {"page": "meetings/7", "delivery_id": item["delivery_id"], "kind": "notification"}
    assert message.collapse_id == sent["id"]
    assert not message.urgent
    assert (item["kind"], item["product"]["name"], item["seen_at"]) == ("notification", "INDIGO", None)
    assert (item["title"], item["body"]) == (WORDS["title"], WORDS["body"])


def test_the_phone_opens_it_with_the_data_of_its_push(sender: Sender, bound: Phone) -> None:
    sender.send(NUMBER, data={"page": "meetings/7"})
    sender.send(NUMBER)
    with_data, without = (bound.reveal(item["delivery_id"]) for item in bound.feed())
    assert with_data["data"] == {"page": "meetings/7"}
    assert "data" not in without
    assert "code" not in with_data


def test_progress_follows_the_receipts_of_the_phone(sender: Sender, bound: Phone, dispatch: Dispatch) -> None:
    sent = sender.send(NUMBER)
    assert sender.progress(sent) == {"queued": 1}
    dispatch()
    assert sender.progress(sent) == {"accepted": 1}
    (item,) = bound.feed()
    bound.acknowledge([item["delivery_id"]], "received")
    assert sender.progress(sent) == {"received": 1}
    bound.acknowledge([item["delivery_id"]], "seen")
    assert sender.progress(sent) == {"seen": 1}
    assert bound.feed()[0]["seen_at"]


def test_progress_counts_every_end_that_a_delivery_can_have(
    sender: Sender, shop: Shop, make_phone: MakePhone, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    for place in range(4):
        make_phone().bind_to(shop, number(place))
    channel("fcm").script(Accepted("a"), TargetDead("UNREGISTERED"), Rejected("INVALID_ARGUMENT"), Retry("UNAVAILABLE"))
    sent = sender.send([number(place) for place in range(5)])
    dispatch()
    assert sender.progress(sent) == {"accepted": 1, "dead": 1, "failed": 1, "queued": 1}
    later(days=7)
    shown = sender.show(sent)
    assert shown["progress"] == {
        "queued": 0,
        "sending": 0,
        "accepted": 1,
        "received": 0,
        "seen": 0,
        "dead": 1,
        "failed": 1,
        "expired": 1,
    }
    assert (shown["accepted"], shown["unreachable"]) == (5, 1)


def test_a_list_reaches_each_number_once_however_often_it_is_named(
    sender: Sender, shop: Shop, make_phone: MakePhone, dispatch: Dispatch, channel: Channels
) -> None:
    phones = [make_phone() for _ in range(2)]
    phones[0].bind_to(shop, NUMBER)
    phones[1].bind_to(shop, OTHER_NUMBER)
    sent = sender.send([NUMBER, OTHER_NUMBER, "+7 (705) 754-68-68", NUMBER])
    assert sent["accepted"] == 2
    dispatch()
    assert len(channel("fcm").sent) == 2
    assert [len(phone.feed()) for phone in phones] == [1, 1]


def test_a_long_list_is_sent_by_dispatchers_page_by_page(sender: Sender, dispatch: Dispatch) -> None:
    numbers = sender.bind_crowd(45)
    sent = sender.send([*numbers, *(number(1000 + place) for place in range(5))])
    assert (sent["status"], sent["accepted"]) == ("sending", 50)
    assert sender.progress(sent) == {"queued": 50}
    assert sender.fan_out(20, turns=1) == 1
    shown = sender.show(sent)
    assert (shown["status"], shown["unreachable"], shown["progress"]["queued"]) == ("sending", 0, 50)
    assert sender.fan_out(20) == 2
    dispatch()
    shown = sender.show(sent)
    assert (shown["status"], shown["accepted"], shown["unreachable"]) == ("sent", 50, 5)
    assert sender.progress(sent) == {"accepted": 45}


def test_the_numbers_are_forgotten_when_all_have_had_their_turn(sender: Sender) -> None:
    numbers = sender.bind_crowd(30)
    sent = [sender.send(NUMBER), sender.send(numbers), sender.send(numbers, send_at="2026-11-25T09:00:00Z")]
    assert sender.cancel(sent[2]).status_code == 200
    sender.fan_out()
    kept = rows(sender.app, sa.select(Notification.status, Notification.numbers).order_by(Notification.id))
    assert kept == [("sent", None), ("sent", None), ("cancelled", None)]


def test_every_change_is_an_event(sender: Sender) -> None:
    numbers = sender.bind_crowd(30)
    sent, stopped = sender.send([*numbers, NUMBER]), sender.send(numbers, send_at="2026-11-25T09:00:00Z")
    sender.fan_out()
    sender.cancel(stopped)
    assert events_of(sender.app, sent) == [
        ("notification.created", True, {"accepted": 31}),
        ("notification.sent", True, {"accepted": 31, "unreachable": 1}),
    ]
    assert [tag for tag, _, _ in events_of(sender.app, stopped)] == ["notification.created", "notification.cancelled"]


def test_whoever_can_not_be_pushed_to_finds_it_in_the_feed(
    sender: Sender, shop: Shop, make_phone: MakePhone, dispatch: Dispatch, channel: Channels, now: FakeClock
) -> None:
    off, dead, polling, unserved = (
        make_phone(),
        make_phone(),
        make_phone(push_target={"kind": "poll"}),
        make_phone(push_target={"kind": "hms", "value": "a-huawei-target"}),
    )
    phones = [off, dead, polling, unserved]
    for place, phone in enumerate(phones):
        phone.bind_to(shop, number(place))
    off.update(notifications_allowed=False)
    now.forward(seconds=1)
    channel("fcm").script(TargetDead("UNREGISTERED"))
    sender.send(number(1))
    dispatch()
    channel("fcm").sent.clear()
    sent = sender.send([number(place) for place in range(4)])
    assert sender.show(sent)["unreachable"] == 0
    dispatch()
    assert not channel("fcm").sent
    assert sender.progress(sent) == {"accepted": 4}
    assert [phone.feed()[-1]["title"] for phone in phones] == [WORDS["title"]] * 4
    polling.acknowledge([polling.feed()[-1]["delivery_id"]], "seen")
    assert sender.progress(sent) == {"accepted": 3, "seen": 1}


def test_all_means_the_products_own_numbers_that_are_bound(
    sender: Sender, shop: Shop, make_shop: MakeShop, make_phone: MakePhone, dispatch: Dispatch
) -> None:
    sakura = make_shop("SAKURA")
    own, asked, of_others, let_go = (make_phone() for _ in range(4))
    own.bind_to(shop, number(0))
    asked.bind_to(sakura, number(1))
    shop.ask(number(1))
    of_others.bind_to(sakura, number(2))
    let_go.bind_to(shop, number(3))
    let_go.unbind()
    for place in (2, 4):
        shop.offer(number(place))  # nobody has used it
    expect(shop.try_to_ask(number(2), key=shop.test_key), 201)
    sent = sender.send("all")
    assert (sent["status"], sent["accepted"]) == ("sending", 2)
    sender.fan_out(1)
    dispatch()
    shown = sender.show(sent)
    assert (shown["status"], shown["accepted"], shown["unreachable"]) == ("sent", 2, 0)
    assert sender.progress(sent) == {"accepted": 2}
    titles = [[item["title"] for item in phone.feed()] for phone in (own, asked, of_others)]
    assert [WORDS["title"] in found for found in titles] == [True, True, False]


def test_all_of_nobody_is_sent_to_nobody(sender: Sender) -> None:
    sent = sender.send("all")
    assert sent["accepted"] == 0
    sender.fan_out()
    shown = sender.show(sent)
    assert (shown["status"], shown["accepted"], sender.progress(sent)) == ("sent", 0, {})


def test_all_of_very_many_is_counted_while_it_is_sent(sender: Sender) -> None:
    sender.bind_crowd(21)
    sender.bind_crowd(9, first=100, offered=False)
    sent = sender.send_to_all(counted_at_once=20)
    assert sent["accepted"] is None
    sender.fan_out(10, turns=1)
    assert (sender.show(sent)["accepted"], sender.progress(sent)) == (None, {"queued": 10})
    sender.fan_out(10)
    assert (sender.show(sent)["status"], sender.show(sent)["accepted"]) == ("sent", 21)


def test_two_that_are_due_take_turns(sender: Sender, now: FakeClock) -> None:
    numbers = sender.bind_crowd(60)
    long, short = sender.send(numbers), sender.send(numbers[:30])
    for _ in range(3):
        now.forward(seconds=1)
        sender.fan_out(15, turns=1)
    now.forward(seconds=1)
    sender.fan_out(15, turns=1)
    assert [sender.show(entry)["status"] for entry in (long, short)] == ["sending", "sent"]


def test_a_test_key_reaches_nobody_and_gets_the_same_answers(
    sender: Sender, shop: Shop, bound: Phone, dispatch: Dispatch, channel: Channels
) -> None:
    key = shop.test_key
    one = sender.send(NUMBER, key=key)
    many = sender.send([NUMBER, *(number(place) for place in range(30))], key=key)
    assert (one["status"], one["accepted"], many["status"], many["accepted"]) == ("sent", 1, "sending", 31)
    sender.fan_out()
    dispatch()
    assert (sender.progress(one, key), sender.progress(many, key)) == ({"accepted": 1}, {"accepted": 31})
    assert len(channel("recording").sent) == 32
    assert not channel("fcm").sent
    assert bound.feed() == []
    assert not sender.show(one, key)["live"]
    assert [live for _, live, _ in events_of(sender.app, many)] == [False, False]
    assert sender.shop.call("GET", f"/v1/notifications/{one['id']}").status_code == 404


def test_all_of_a_test_key_are_the_numbers_it_is_trying_something_with(
    sender: Sender, shop: Shop, bound: Phone, dispatch: Dispatch
) -> None:
    key = shop.test_key
    assert sender.send("all", key=key)["accepted"] == 0
    expect(shop.try_to_ask(number(1), key=key), 201)
    expect(shop.call("POST", "/v1/offers", {"number": number(2)}, key), 201)
    sent = sender.send("all", key=key)
    assert (sent["accepted"], sent["status"]) == (2, "sent")
    dispatch()
    assert sender.progress(sent, key) == {"accepted": 2}
    assert bound.feed() == []


def test_what_a_test_key_sent_to_a_number_stays_away_from_the_phone_that_gets_it(
    sender: Sender, shop: Shop, make_phone: MakePhone, dispatch: Dispatch, channel: Channels
) -> None:
    sent = sender.send(NUMBER, key=shop.test_key)
    phone = make_phone()
    phone.bind_to(shop)
    dispatch()
    assert phone.feed() == []
    assert not channel("fcm").sent
    assert sender.progress(sent, shop.test_key) == {"accepted": 1}


def test_a_repeated_request_sends_nothing_more(sender: Sender, bound: Phone, now: FakeClock) -> None:
    headers = {"Idempotency_Key": "the-same"}
    soon = "2026-11-21T09:00:00Z"
    first = sender.post(NUMBER, headers=headers, send_at=soon)
    now.forward(hours=1)  # a time that has passed would be refused by now
    again = sender.post(NUMBER, headers=headers, send_at=soon)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(bound.feed()) == 1
    other = sender.post(OTHER_NUMBER, headers=headers, send_at=soon)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_each_delivery_has_a_row_of_its_own_like_any_other(sender: Sender, now: FakeClock) -> None:
    numbers = sender.bind_crowd(25)
    sender.send(numbers)
    sender.fan_out()
    deliveries = values(sender.app, sa.select(Delivery))
    assert Counter(row.number.e164 for row in deliveries) == Counter(numbers)
    assert len({row.id for row in deliveries}) == len({row.device_id for row in deliveries}) == 25
    (row, *_) = deliveries
    assert (row.kind, row.channel, row.status, row.tries) == ("notification", "fcm", "queued", 0)
    assert (row.created_at, row.claimable_at, row.changed_at) == (now(), now(), now())
    assert (row.expires_at - now()).days == 7
