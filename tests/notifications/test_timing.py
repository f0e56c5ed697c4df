"""Notifications for later, those whose time is over, and those that are stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pushhub.channels.contract import Retry
from pushhub.kernel.clock import rfc3339
from pushhub.notifications.fan_out import fan_out_due
from tests.notifications.senders import WORDS, Sender, number
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, Phone, Shop, assert_problem, expect, refusal
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later
from tests.support.recording import Channels, while_sending

pytestmark = pytest.mark.both_engines  # one statement makes many deliveries


def test_a_notification_for_later_waits_for_its_time(sender: Sender, bound: Phone, now: FakeClock) -> None:
    at = now() + timedelta(hours=2)
    sent = sender.send(NUMBER, send_at=rfc3339(at), ttl=3600)
    assert (sent["status"], sent["accepted"]) == ("scheduled", 1)
    shown = sender.show(sent)
    assert (shown["send_at"], shown["expires_at"]) == (rfc3339(at), rfc3339(at + timedelta(hours=1)))
    assert sender.progress(sent) == {"queued": 1}
    now.forward(hours=2, seconds=-1)
    assert sender.fan_out() == 0
    assert bound.feed() == []
    now.forward(seconds=1)
    assert sender.fan_out() == 1
    assert sender.show(sent)["status"] == "sent"
    assert len(bound.feed()) == 1


def test_all_means_those_who_are_bound_when_its_time_comes(
    sender: Sender, shop: Shop, make_phone: MakePhone, now: FakeClock
) -> None:
    leaving, coming = make_phone(), make_phone()
    leaving.bind_to(shop, NUMBER)
    sent = sender.send("all", send_at=rfc3339(now() + timedelta(days=1)))
    assert sent["accepted"] == 1
    leaving.unbind()
    coming.bind_to(shop, OTHER_NUMBER)
    make_phone().bind_to(shop, number(1))
    now.forward(days=1)
    sender.fan_out()
    assert sender.show(sent)["accepted"] == 2
    assert len(coming.feed()) == 1


def test_another_zone_is_the_same_moment(sender: Sender) -> None:
    sent = sender.send(NUMBER, send_at="2026-11-21T16:30:00+05:00")
    assert sender.show(sent)["send_at"] == "2026-11-21T11:30:00.000Z"


def test_a_time_is_at_most_30_days_ahead_and_not_past(sender: Sender, now: FakeClock) -> None:
    for ahead in (timedelta(days=30), timedelta(0), timedelta(minutes=-5)):
        sent = sender.send(NUMBER, send_at=rfc3339(now() + ahead))
        assert sender.show(sent)["send_at"] == rfc3339(max(now(), now() + ahead))
    for ahead in (timedelta(days=30, seconds=1), timedelta(minutes=-5, seconds=-1), timedelta(hours=-5)):
        refused = sender.post(NUMBER, send_at=rfc3339(now() + ahead))
        assert set(assert_problem(refused, 422, "invalid_request")["errors"]) == {"send_at"}


def test_what_waits_past_its_life_is_not_sent(sender: Sender, bound: Phone, later: Later, channel: Channels) -> None:
    sent = sender.send(NUMBER, ttl=60)
    later(seconds=60)
    assert not channel("fcm").sent
    assert sender.progress(sent) == {"expired": 1}


def test_a_list_whose_life_ends_in_the_middle_is_ended(sender: Sender, dispatch: Dispatch, now: FakeClock) -> None:
    numbers = sender.bind_crowd(30)
    sent = sender.send([*numbers[:5], NUMBER, *numbers[5:]], ttl=60)
    sender.fan_out(10, turns=1)
    dispatch()
    now.forward(seconds=60)
    assert sender.fan_out(10) == 1
    shown = sender.show(sent)
    assert (shown["status"], shown["accepted"], shown["unreachable"]) == ("sent", 31, 1)
    assert sender.progress(sent) == {"accepted": 9, "expired": 21}
    assert_problem(sender.cancel(sent), 409, "notification_sent")


@pytest.mark.parametrize("counted", [20, 10_000])
def test_all_whose_life_ends_in_the_middle_is_ended(
    sender: Sender, dispatch: Dispatch, now: FakeClock, counted: int
) -> None:
    sender.bind_crowd(30)
    sent = sender.send_to_all(counted_at_once=counted, life=timedelta(seconds=60))
    sender.fan_out(10, turns=1)
    dispatch()
    now.forward(seconds=60)
    sender.fan_out(10)
    known = counted > 30
    assert sender.show(sent)["status"] == "sent"
    assert sender.show(sent)["accepted"] == (30 if known else 10)
    assert sender.progress(sent) == {"accepted": 10} | ({"expired": 20} if known else {})


def test_a_notification_is_cancelled_before_its_time(sender: Sender, bound: Phone, now: FakeClock) -> None:
    sent = sender.send(NUMBER, send_at=rfc3339(now() + timedelta(hours=1)))
    cancelled = expect(sender.cancel(sent), 200)
    assert cancelled["status"] == "cancelled"
    assert cancelled == expect(sender.cancel(sent), 200)
    now.forward(hours=2)
    assert sender.fan_out() == 0
    assert sender.progress(sent) == {"expired": 1}
    assert bound.feed() == []


def test_a_notification_is_cancelled_in_the_middle(sender: Sender, dispatch: Dispatch, channel: Channels) -> None:
    numbers = sender.bind_crowd(40)
    sent = sender.send(numbers)
    sender.fan_out(10, turns=1)
    dispatch()
    sender.fan_out(10, turns=1)
    assert expect(sender.cancel(sent), 200)["status"] == "cancelled"
    assert sender.fan_out(10) == 0
    dispatch()
    assert len(channel("fcm").sent) == 10
    assert sender.progress(sent) == {"accepted": 10, "expired": 30}


def test_what_was_stopped_is_not_in_the_feed_and_what_has_arrived_stays(
    sender: Sender, shop: Shop, make_phone: MakePhone, dispatch: Dispatch, channel: Channels
) -> None:
    reached, missed = make_phone(), make_phone()
    reached.bind_to(shop, NUMBER)
    missed.bind_to(shop, OTHER_NUMBER)
    channel("fcm").script(Retry("UNAVAILABLE", timedelta(minutes=1)))
    sent = sender.send([OTHER_NUMBER, NUMBER])
    dispatch()
    late = next(
        phone for phone in (reached, missed) if phone.push_target["value"] == channel("fcm").sent[0].target.value
    )
    (listed,) = late.feed()
    assert expect(sender.cancel(sent), 200)["status"] == "cancelled"
    assert sorted(len(phone.feed()) for phone in (reached, missed)) == [0, 1]
    assert late.feed() == []
    assert sender.progress(sent) == {"accepted": 1, "expired": 1}
    assert refusal(lambda: late.reveal(listed["delivery_id"])).status == 404


def test_a_receipt_for_what_was_cancelled_meanwhile_spoils_no_other_receipt(
    sender: Sender, shop: Shop, bound: Phone, dispatch: Dispatch, channel: Channels
) -> None:
    channel("fcm").script(Retry("UNAVAILABLE", timedelta(minutes=1)))
    sent = sender.send(NUMBER)
    dispatch()
    (listed,) = bound.feed()  # and the phone loses its connection before it can say so
    expect(sender.cancel(sent), 200)
    verification = shop.ask()
    dispatch()
    (code,) = bound.feed()
    bound.acknowledge([listed["delivery_id"], code["delivery_id"]])
    assert shop.last_delivery(verification)["status"] == "received"
    assert sender.progress(sent) == {"received": 1}


def test_what_has_gone_out_can_not_be_cancelled(sender: Sender, bound: Phone, dispatch: Dispatch) -> None:
    sent = sender.send(NUMBER)
    dispatch()
    assert_problem(sender.cancel(sent), 409, "notification_sent")
    assert sender.show(sent)["status"] == "sent"
    assert bound.feed()[0]["title"] == WORDS["title"]


def test_a_try_that_fails_after_the_cancellation_is_not_made_again(
    sender: Sender, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    sent = sender.send(sender.bind_crowd(30))
    sender.fan_out(10, turns=1)
    channel("fcm").script(*[Retry("UNAVAILABLE", timedelta(seconds=1))] * 10)
    while_sending(channel("fcm"), lambda _: expect(sender.cancel(sent), 200))
    dispatch()
    assert len(channel("fcm").sent) == 10
    later(seconds=2)
    assert len(channel("fcm").sent) == 10
    assert sender.progress(sent) == {"expired": 30}


def test_no_more_are_made_while_many_wait(sender: Sender, dispatch: Dispatch) -> None:
    sent = sender.send(sender.bind_crowd(50))
    assert sender.fan_out(15, most_waiting=20) == 2
    assert sender.show(sent)["status"] == "sending"
    with sender.app.app_context():
        assert not fan_out_due(15, most_waiting=20)
    dispatch()
    assert sender.fan_out(15, most_waiting=20) == 2
    dispatch()
    assert sender.show(sent)["status"] == "sent"
    assert sender.progress(sent) == {"accepted": 50}


def test_codes_that_wait_hold_up_no_notification(sender: Sender, shop: Shop, bound: Phone) -> None:
    shop.ask()
    sender.send(sender.bind_crowd(30))
    assert sender.fan_out(10, most_waiting=0) == 1
