"""The outbox and its dispatcher: what is written is sent, once, and its end is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import Accepted, ChannelDown, Outcome, Rejected, Retry, TargetDead
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.delivery import rules
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import DeliveryStatus
from pushhub.kernel.clock import rfc3339
from pushhub.kernel.db import transaction
from pushhub.kernel.ids import new_key
from tests.support.actors import NUMBER, MakePhone, MakeShop, Phone, Shop, assert_problem
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later
from tests.support.recording import while_sending
from tests.support.rows import change

pytestmark = pytest.mark.both_engines  # the queue


def test_a_code_leaves_as_a_pointer_without_the_code(
    shop: Shop, bound: Phone, dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    verification = shop.ask()
    dispatch()
    (message,) = fcm.sent
    code = bound.read_code()
    assert message.data == {"delivery_id": shop.last_delivery(verification)["id"], "kind": "code"}
    assert message.collapse_id == verification["id"]
    assert message.target.value == bound.push_target["value"]
    assert message.title == "INDIGO"
    assert message.urgent
    assert rfc3339(message.expires_at) == verification["expires_at"]
    assert code not in message.title + message.body


@pytest.mark.parametrize(
    ("outcome", "status", "error"),
    [
        (Accepted("projects/p/messages/1"), "accepted", None),
        (TargetDead("UNREGISTERED"), "dead", "UNREGISTERED"),
        (Rejected("INVALID_ARGUMENT"), "failed", "INVALID_ARGUMENT"),
        (ChannelDown("THIRD_PARTY_AUTH_ERROR"), "queued", "THIRD_PARTY_AUTH_ERROR"),
        (Retry("UNAVAILABLE", timedelta(seconds=30)), "queued", "UNAVAILABLE"),
        (Retry("QUOTA_EXCEEDED", timedelta(minutes=6)), "expired", "QUOTA_EXCEEDED"),
    ],
)
def test_each_answer_of_a_channel_has_its_consequence(
    shop: Shop,
    bound: Phone,
    dispatch: Dispatch,
    fcm: RecordingChannel,
    outcome: Outcome,
    status: str,
    error: str | None,
) -> None:
    fcm.script(outcome)
    verification = shop.ask()
    dispatch()
    delivery = shop.last_delivery(verification)
    assert (delivery["status"], delivery.get("error")) == (status, error)
    (attempt,) = delivery["attempts"]
    assert attempt["reason"] == error
    assert attempt["provider_id"] == ("projects/p/messages/1" if status == "accepted" else None)


def test_a_retry_waits_as_long_as_the_provider_asks_and_uses_the_same_ids(
    shop: Shop, bound: Phone, dispatch: Dispatch, later: Later, fcm: RecordingChannel
) -> None:
    fcm.script(Retry("UNAVAILABLE", timedelta(seconds=30)))
    verification = shop.ask()
    dispatch()
    later(seconds=29)
    assert len(fcm.sent) == 1
    later(seconds=4)
    first, second = fcm.sent
    assert (first.id, first.collapse_id) == (second.id, second.collapse_id)
    delivery = shop.last_delivery(verification)
    assert delivery["status"] == "accepted"
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["retry", "accepted"]


def test_nothing_is_sent_after_the_code_has_expired(
    shop: Shop, bound: Phone, later: Later, fcm: RecordingChannel
) -> None:
    verification = shop.ask()
    later(minutes=5)
    assert not fcm.sent
    assert shop.last_delivery(verification)["status"] == "expired"


def test_a_dead_target_is_remembered_until_the_app_registers_anew(
    shop: Shop, bound: Phone, dispatch: Dispatch, fcm: RecordingChannel, now: FakeClock
) -> None:
    now.forward(seconds=1)
    fcm.script(TargetDead("UNREGISTERED"))
    shop.ask()
    dispatch()
    assert assert_problem(shop.try_to_ask(purpose="sign_up"), 409, "number_unreachable")["reason"] == "push_target_dead"
    bound.update(push_target={"kind": "fcm_token", "value": "a-new-target"})
    assert shop.try_to_ask(purpose="sign_up").status_code == 201


def test_a_target_that_was_registered_after_its_death_is_a_new_one(
    shop: Shop, bound: Phone, dispatch: Dispatch, fcm: RecordingChannel, now: FakeClock
) -> None:
    fcm.script(TargetDead("Unregistered", since=now() - timedelta(days=1)))
    shop.ask()
    dispatch()
    assert shop.call("GET", f"/v1/numbers/{NUMBER}").get_json()["reachable"]


def test_a_receipt_moves_a_delivery_forward_only(shop: Shop, bound: Phone, dispatch: Dispatch, now: FakeClock) -> None:
    verification = shop.ask()
    (item,) = bound.feed()
    bound.acknowledge([item["delivery_id"]], "seen")
    dispatch()
    seen = shop.last_delivery(verification)
    assert (seen["status"], seen["received_at"], seen["seen_at"]) == ("seen", rfc3339(now()), rfc3339(now()))
    now.forward(seconds=5)
    bound.acknowledge([item["delivery_id"]], "received")
    bound.acknowledge([item["delivery_id"]], "seen")
    assert shop.last_delivery(verification) == seen
    assert bound.feed()[0]["seen_at"] == seen["seen_at"]


def test_a_receipt_during_the_try_is_not_undone_by_the_providers_answer(
    shop: Shop, bound: Phone, dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    verification = shop.ask()
    (item,) = bound.feed()
    while_sending(fcm, lambda _: bound.acknowledge([item["delivery_id"]]))
    dispatch()
    delivery = shop.last_delivery(verification)
    assert delivery["status"] == "received"
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted"]


@pytest.mark.parametrize("event", ["received", "seen"])
@pytest.mark.parametrize("at", ["waiting", "on its way"])
def test_a_late_receipt_of_the_earlier_message_spares_the_one_that_was_sent_again(
    shop: Shop,
    bound: Phone,
    dispatch: Dispatch,
    later: Later,
    fcm: RecordingChannel,
    now: FakeClock,
    event: str,
    at: str,
) -> None:
    verification = shop.ask()
    dispatch()
    (earlier,) = bound.feed()
    now.forward(minutes=1)
    shop.resend(verification)
    if at == "waiting":
        bound.acknowledge([earlier["delivery_id"]], event)
    else:
        while_sending(fcm, lambda _: bound.acknowledge([earlier["delivery_id"]], event))
        fcm.script(Retry("UNAVAILABLE", timedelta(seconds=1)))
    dispatch()
    later(seconds=2)
    assert [delivery["status"] for delivery in shop.show(verification)["deliveries"]] == [event, "accepted"]
    newest = bound.feed()[-1]
    assert newest["expires_at"] == earlier["expires_at"]
    assert shop.check(verification, bound.reveal(newest["delivery_id"])["code"])["valid"]


def test_the_message_that_was_sent_again_is_the_newest_also_where_another_machine_made_its_key(
    app: Flask, shop: Shop, bound: Phone, now: FakeClock
) -> None:
    verification = shop.ask()
    fast = timedelta(minutes=2) // timedelta(milliseconds=1) << 80  # the time is in front
    change(app, sa.update(Delivery).values(id=UUID(int=new_key().int + fast)))
    now.forward(minutes=1)
    shop.resend(verification)
    earlier, later = sorted(bound.feed(), key=lambda item: str(item["created_at"]))
    assert (earlier["sent_again_as"], later["sent_again_as"]) == (later["delivery_id"], None)


def test_a_retry_of_a_closed_verification_is_not_sent(
    shop: Shop, bound: Phone, dispatch: Dispatch, later: Later, fcm: RecordingChannel
) -> None:
    verification = shop.ask()
    fcm.script(Retry("UNAVAILABLE", timedelta(seconds=1)))
    while_sending(fcm, lambda _: shop.cancel(verification))
    dispatch()
    later(seconds=2)
    assert len(fcm.sent) == 1
    assert shop.last_delivery(verification)["error"] == "verification_closed"


def test_a_device_without_a_push_service_is_served_through_its_feed(
    shop: Shop, make_phone: MakePhone, dispatch: Dispatch
) -> None:
    phone = make_phone(push_target={"kind": "poll"})
    phone.bind_to(shop)
    verification = shop.ask()
    dispatch()
    delivery = shop.last_delivery(verification)
    assert (delivery["channel"], delivery["status"]) == ("poll", "accepted")
    assert shop.check(verification, phone.read_code())["valid"]


def test_the_feed_is_cheap_to_poll_and_pages_by_cursor(shop: Shop, bound: Phone) -> None:
    assert not bound.feed_changed()
    shop.ask()
    assert bound.feed_changed()
    assert not bound.feed_changed()
    first = bound.feed()[-1]["delivery_id"]
    shop.ask(purpose="confirm")
    (second,) = bound.feed(after=first)
    assert second["delivery_id"] != first
    assert bound.feed(after=second["delivery_id"]) == []


def test_a_message_that_is_committed_late_is_not_passed_over(
    app: Flask, shop: Shop, bound: Phone, now: FakeClock
) -> None:
    """Its id is older than that of a message which the phone has seen already."""
    shop.ask()
    with app.app_context(), transaction() as session:
        late = session.scalars(sa.select(Delivery.id).order_by(Delivery.id.desc())).first()
        session.execute(sa.update(Delivery).where(Delivery.id == late).values(number="+77050000000"))
    shop.ask(purpose="confirm")
    assert bound.feed_changed()
    now.forward(seconds=30)
    assert not bound.feed_changed()
    change(app, sa.update(Delivery).where(Delivery.id == late).values(number=NUMBER))
    assert bound.feed_changed()
    now.forward(seconds=61)
    assert not bound.feed_changed()
    shop.ask(purpose="sign_up")
    assert bound.feed_changed()
    assert not bound.feed_changed()


def test_a_feed_of_many_pages_arrives_whole_and_in_order(
    make_shop: MakeShop, phone: Phone, context: AppContext
) -> None:
    shop = make_shop("SAKURA", purposes=[f"p{number}" for number in range(51)], requests_per_minute=10_000)
    context.settings = replace(context.settings, codes_per_10_minutes=1000, codes_per_day=1000)
    phone.bind_to(shop)
    for number in range(51):
        shop.ask(purpose=f"p{number}")
    ids = [item["delivery_id"] for item in phone.feed()]
    assert len(set(ids)) == 51
    assert ids == sorted(ids)


def test_the_transition_rules_never_let_a_retry_pass_the_end(now: FakeClock) -> None:
    for tries in range(1, 40):
        end = now() + timedelta(seconds=20)
        step = rules.after_try(Retry("UNAVAILABLE"), tries=tries, now=now(), expires_at=end, jitter=lambda: 1.0)
        assert step.status is DeliveryStatus.EXPIRED or (step.due is not None and step.due < end)


def test_backoff_doubles_with_jitter_up_to_a_minute() -> None:
    assert [rules.backoff(tries, 1.0).total_seconds() for tries in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [rules.backoff(tries, 0.0).total_seconds() for tries in (1, 2, 3)] == [0.5, 1, 2]
    assert rules.backoff(10_000, 1.0) == timedelta(seconds=60)
