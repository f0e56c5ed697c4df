"""A code that does not reach the device goes on by the product's next channel: the same code, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import Address, ChannelDown, Rejected, Retry, TargetDead
from pushhub.context import AppContext
from pushhub.events.models import Event
from pushhub.kernel.db import reading
from pushhub.kernel.ids import Prefix, parse_id
from pushhub.verifications.models import Verification
from tests.escalation.conftest import ROUTE, digits, ways
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, assert_problem
from tests.support.dispatching import Dispatch, Later
from tests.support.recording import Channels
from tests.support.rows import rows, values

pytestmark = pytest.mark.both_engines  # the queue

MAILBOX = "parent@example.kz"


def test_without_a_receipt_the_same_code_goes_by_sms_and_then_by_email(
    routed: Shop, bound: Phone, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    verification = routed.ask(email=MAILBOX)
    assert verification["route"] == ROUTE
    dispatch()
    later(seconds=19)
    assert ways(routed, verification) == [("fcm", "accepted")]
    later(seconds=1)
    assert ways(routed, verification) == [("fcm", "accepted"), ("sms", "accepted")]
    later(seconds=60)
    later(seconds=100)
    assert ways(routed, verification) == [("fcm", "accepted"), ("sms", "accepted"), ("email", "accepted")]
    (sms,), (mail,) = channel("sms").sent, channel("email").sent
    assert (sms.target, mail.target) == (Address(NUMBER), Address(MAILBOX))
    assert len(sms.body) <= 70
    assert digits(sms.body) == digits(mail.body)
    assert routed.check(verification, digits(sms.body))["valid"]


def test_a_receipt_in_time_keeps_the_code_from_going_on(
    routed: Shop, bound: Phone, dispatch: Dispatch, later: Later
) -> None:
    verification = routed.ask()
    dispatch()
    bound.read_code()
    later(seconds=200)
    assert ways(routed, verification) == [("fcm", "received")]
    assert routed.show(verification)["next_channel_at"] is None


def test_a_late_receipt_is_recorded_and_stops_what_has_not_gone_out(
    routed: Shop, bound: Phone, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    channel("sms").script(Retry("gateway_refused"))
    verification = routed.ask(email=MAILBOX)
    dispatch()
    later(seconds=20)
    assert ways(routed, verification) == [("fcm", "accepted"), ("sms", "queued")]
    bound.read_code()
    later(seconds=100)
    assert ways(routed, verification) == [("fcm", "received"), ("sms", "expired")]
    assert routed.show(verification)["deliveries"][1]["error"] == "received_elsewhere"
    assert len(channel("sms").sent) == 1
    assert not channel("email").sent


@pytest.mark.parametrize("outcome", [TargetDead("UNREGISTERED"), ChannelDown("BadCertificate"), Rejected("BadTopic")])
def test_what_can_not_work_goes_on_at_once(
    routed: Shop, bound: Phone, dispatch: Dispatch, outcome: Any, channel: Channels
) -> None:
    channel("fcm").script(outcome)
    verification = routed.ask()
    dispatch()
    assert [name for name, _ in ways(routed, verification)] == ["fcm", "sms"]
    assert len(channel("sms").sent) == 1


def test_a_wait_longer_than_the_channel_has_sends_the_code_on_at_once_and_is_made_all_the_same(
    routed: Shop, bound: Phone, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    channel("fcm").script(Retry("QUOTA_EXCEEDED", after=timedelta(seconds=60)))
    verification = routed.ask()
    dispatch()
    assert ways(routed, verification) == [("fcm", "queued"), ("sms", "accepted")]
    later(seconds=70)
    assert ways(routed, verification)[0] == ("fcm", "accepted")


def test_an_open_circuit_sends_the_next_codes_on_without_a_try(
    routed: Shop, make_phone: MakePhone, dispatch: Dispatch, channel: Channels
) -> None:
    make_phone().bind_to(routed, NUMBER)
    make_phone().bind_to(routed, OTHER_NUMBER)
    channel("fcm").script(ChannelDown("THIRD_PARTY_AUTH_ERROR"))
    routed.ask(NUMBER)
    routed.ask(OTHER_NUMBER)
    dispatch()
    # Both were taken in one batch: the second found the circuit open.
    assert len(channel("fcm").sent) == 1
    assert len(channel("sms").sent) == 2


def test_a_number_that_was_never_bound_gets_its_code_by_sms(
    routed: Shop, dispatch: Dispatch, channel: Channels
) -> None:
    verification = routed.ask(OTHER_NUMBER)
    assert verification["armed"] is False
    dispatch()
    assert routed.show(verification)["armed"] is True
    shown = routed.show(verification)["deliveries"]
    assert [(entry["channel"], entry["status"]) for entry in shown] == [("push", "failed"), ("sms", "accepted")]
    assert shown[0]["error"] == "never_bound"
    assert routed.check(verification, digits(channel("sms").sent[0].body))["valid"]


def test_nothing_left_is_told_with_the_first_reason(make_shop: MakeShop) -> None:
    shop = make_shop("MINDAL", route=["push:20", "email"])
    assert assert_problem(shop.try_to_ask(), 409, "number_unreachable")["reason"] == "never_bound"


def test_a_code_that_went_by_sms_is_checkable_without_the_app(
    routed: Shop, bound: Phone, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    verification = routed.ask()
    dispatch()
    answer = routed.call("POST", f"/v1/verifications/{verification['id']}/check", {"code": "0000"})
    assert_problem(answer, 409, "not_armed")
    later(seconds=20)
    assert routed.check(verification, digits(channel("sms").sent[0].body))["valid"]


def test_the_ceiling_of_paid_messages_holds_and_is_told(
    make_shop: MakeShop, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    shop = make_shop("AZAMAT", route=["push:20", "sms:20", "email"], paid_per_day=1)
    shop.ask(NUMBER)
    second = shop.ask(OTHER_NUMBER, email=MAILBOX)
    dispatch()
    assert ways(shop, second) == [("push", "failed"), ("sms", "failed"), ("email", "accepted")]
    assert shop.show(second)["deliveries"][1]["error"] == "cost_ceiling"
    assert len(channel("sms").sent) == 1
    later(days=1)
    shop.ask(OTHER_NUMBER)
    dispatch()
    assert len(channel("sms").sent) == 2


def test_resending_uses_the_channel_the_code_has_come_to(
    routed: Shop, bound: Phone, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    verification = routed.ask()
    dispatch()
    later(seconds=60)
    assert [name for name, _ in ways(routed, verification)] == ["fcm", "sms"]
    routed.resend(verification)
    dispatch()
    assert [name for name, _ in ways(routed, verification)] == ["fcm", "sms", "sms"]
    assert digits(channel("sms").sent[0].body) == digits(channel("sms").sent[1].body)


def test_going_on_by_itself_does_not_count_toward_the_codes_a_number_may_get(
    make_shop: MakeShop, context: AppContext, dispatch: Dispatch, later: Later
) -> None:
    context.settings = replace(context.settings, codes_per_10_minutes=3)
    shop = make_shop("AZAMAT", route=ROUTE, purposes=["a", "b", "c", "d"])
    for purpose in ("a", "b", "c"):
        shop.ask(OTHER_NUMBER, purpose, email=MAILBOX)
        dispatch()
        later(seconds=70)
    assert_problem(shop.try_to_ask(OTHER_NUMBER, "d"), 429, "too_many_codes")


def test_one_request_may_narrow_and_reorder_the_route_but_not_widen_it(
    routed: Shop, make_shop: MakeShop, bound: Phone, dispatch: Dispatch
) -> None:
    verification = routed.ask(channels=["sms", "push"])
    dispatch()
    assert ways(routed, verification) == [("sms", "accepted")]
    only_push = make_shop("MINDAL")
    problem = assert_problem(only_push.try_to_ask(channels=["sms"]), 422, "channel_not_in_route")
    assert problem["route"] == ["push"]


def test_a_closed_verification_goes_nowhere_and_forgets_the_mailbox(
    routed: Shop, bound: Phone, app: Flask, dispatch: Dispatch, later: Later
) -> None:
    verification = routed.ask(email=MAILBOX)
    dispatch()
    routed.cancel(verification)
    later(seconds=100)
    assert ways(routed, verification) == [("fcm", "accepted")]
    with app.app_context(), reading() as session:
        row = session.get_one(Verification, parse_id(Prefix.VERIFICATION, verification["id"]))
        assert row.email_sealed is None
        assert row.escalate_at is None


def test_the_product_is_told_of_each_step(
    routed: Shop, bound: Phone, app: Flask, dispatch: Dispatch, later: Later
) -> None:
    routed.ask()
    dispatch()
    later(seconds=20)
    events = rows(app, sa.select(Event.tag, Event.data).order_by(Event.position))
    of_codes = [each for each in events if each.tag.startswith(("delivery", "verification"))]
    told = [(each.tag, each.data.get("channel")) for each in of_codes]
    assert told == [
        ("verification.created", None),
        ("delivery.accepted", "fcm"),
        ("verification.escalated", "sms"),
        ("delivery.accepted", "sms"),
        ("verification.armed", None),
    ]


@pytest.mark.parametrize("why", ["verification_closed", "received_elsewhere", "replaced"])
def test_the_product_is_told_of_a_message_that_is_not_sent_any_more(
    routed: Shop, bound: Phone, app: Flask, dispatch: Dispatch, later: Later, channel: Channels, why: str
) -> None:
    channel("sms").script(Retry("gateway_refused", timedelta(seconds=100)))
    verification = routed.ask()
    dispatch()
    later(seconds=60)
    assert ways(routed, verification) == [("fcm", "accepted"), ("sms", "queued")]
    if why == "received_elsewhere":
        bound.read_code()
    elif why == "verification_closed":
        routed.cancel(verification)
    else:
        routed.resend(verification)
    told = values(app, sa.select(Event.data).where(Event.tag == "delivery.expired"))
    assert told == [{"verification_id": verification["id"], "channel": "sms", "error": why}]
