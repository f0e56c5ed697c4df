"""Which routes a product may have, and what becomes of a code where a place of its route fails or changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import ChannelDown, Retry
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.events.models import Event
from pushhub.kernel.errors import ConfigurationError
from pushhub.products import products
from tests.escalation.conftest import digits, ways
from tests.support.actors import NUMBER, OTHER_NUMBER, MakeShop, Phone, Shop, assert_problem
from tests.support.applications import MakeApp
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later
from tests.support.recording import Channels, while_sending
from tests.support.rows import values

pytestmark = pytest.mark.both_engines  # the queue

MAILBOX = "parent@example.kz"


@pytest.mark.parametrize(
    ("route", "says"),
    [
        (["push"], None),
        (["push:20", "sms"], None),
        ([], "at least one"),
        (["push:20", "push"], "once"),
        (["pigeon"], "pigeon"),
        (["push", "sms"], "seconds"),
        (["push:4", "sms"], "from 5 to 300"),
        (["push:20", "sms:20"], "last channel has no seconds"),
        (["push:200", "sms:200", "email"], "outlive"),
        (["push:150", "sms:121", "email"], "outlive"),
        ("push", "list of texts"),
    ],
)
def test_a_route_is_looked_at_when_it_is_set(app: Flask, route: Any, says: str | None) -> None:
    with app.app_context():
        if says is None:
            assert products.create_product("INDIGO", {"route": route})
            return
        with pytest.raises(ConfigurationError, match=says):
            products.create_product("INDIGO", {"route": route})


def test_a_route_with_a_channel_that_is_not_configured_is_refused(make_app: MakeApp) -> None:
    app = make_app(channels={"fcm": RecordingChannel("fcm")})
    with app.app_context():
        made = products.create_product("INDIGO")
        with pytest.raises(ConfigurationError, match="PUSHHUB_SMS_URL"):
            products.set_policy(made.product.id, {"route": ["push:20", "sms"]})
        assert products.find_product("INDIGO").policy == {}


def test_a_channel_that_was_taken_out_of_the_installation_is_passed_over(
    routed: Shop, bound: Phone, context: AppContext, dispatch: Dispatch, later: Later
) -> None:
    verification = routed.ask(email=MAILBOX)
    dispatch()
    context.channels = {name: channel for name, channel in context.channels.items() if name != "sms"}
    later(seconds=20)
    assert ways(routed, verification) == [("fcm", "accepted"), ("sms", "failed"), ("email", "accepted")]


def test_a_code_does_not_leave_a_channel_for_one_that_can_not_have_it(
    make_shop: MakeShop, phone: Phone, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    shop = make_shop("MINDAL", route=["push:20", "email"])
    phone.bind_to(shop)
    channel("fcm").script(ChannelDown("BadCertificate"))
    verification = shop.ask()  # no mailbox was told
    assert verification["next_channel_at"] is None
    dispatch()
    assert ways(shop, verification) == [("fcm", "queued")]
    later(seconds=16)
    assert ways(shop, verification) == [("fcm", "accepted")]


def test_where_the_next_channel_turns_out_to_be_shut_the_push_is_tried_again_and_resending_works(
    make_shop: MakeShop, phone: Phone, app: Flask, dispatch: Dispatch, later: Later, now: FakeClock, channel: Channels
) -> None:
    shop = make_shop("AZAMAT", route=["push:20", "sms"], paid_per_day=0)
    phone.bind_to(shop)
    channel("fcm").script(ChannelDown("BadCertificate"))
    verification = shop.ask()
    dispatch()
    assert ways(shop, verification) == [("fcm", "queued"), ("sms", "failed")]
    later(seconds=16)
    assert ways(shop, verification)[0] == ("fcm", "accepted")
    now.forward(seconds=50)
    shop.resend(verification)
    dispatch()
    assert ways(shop, verification)[-1] == ("fcm", "accepted")
    tags = values(app, sa.select(Event.tag).order_by(Event.position))
    assert "verification.undeliverable" in tags
    assert tags.count("delivery.failed") == 2  # the push, then the SMS that was passed over


def test_nobody_is_told_of_a_delivery_before_its_verification(make_shop: MakeShop, app: Flask) -> None:
    make_shop("AZAMAT", route=["push:20", "sms"]).ask()  # nobody is bound: the push is passed over
    told = sa.select(Event.tag).where(~Event.tag.startswith("api_key")).order_by(Event.position)
    assert values(app, told) == ["verification.created", "delivery.failed"]


def test_a_paid_message_is_tried_three_times_and_never_again_where_it_may_have_gone_out(
    routed: Shop, dispatch: Dispatch, now: FakeClock, channel: Channels
) -> None:
    channel("sms").script(*[Retry("gateway_refused")] * 5)
    verification = routed.ask(OTHER_NUMBER)
    for _ in range(20):
        dispatch()
        now.forward(seconds=10)
    assert len(channel("sms").sent) == 3
    assert ways(routed, verification)[1] == ("sms", "failed")
    channel("sms")._script.clear()
    channel("sms").script(Retry("timeout"))
    unsure = routed.ask(NUMBER)
    for _ in range(5):
        dispatch()
        now.forward(seconds=10)
    assert len(channel("sms").sent) == 4
    assert routed.check(unsure, digits(channel("sms").sent[-1].body))["valid"]


def test_an_sms_that_was_being_sent_when_the_device_had_the_code_is_not_tried_again(
    routed: Shop, bound: Phone, dispatch: Dispatch, now: FakeClock, channel: Channels
) -> None:
    sms = channel("sms")
    sms.script(*[Retry("gateway_refused")] * 5)
    while_sending(sms, lambda _: bound.read_code())
    verification = routed.ask()
    dispatch()
    now.forward(seconds=20)
    for _ in range(5):
        dispatch()
        now.forward(seconds=20)
    assert len(sms.sent) == 1
    assert ways(routed, verification) == [("fcm", "received"), ("sms", "expired")]


def test_sending_again_does_not_double_what_still_waits(
    routed: Shop, dispatch: Dispatch, now: FakeClock, channel: Channels
) -> None:
    channel("sms").script(Retry("gateway_refused", timedelta(seconds=200)))
    verification = routed.ask(OTHER_NUMBER)
    dispatch()
    now.forward(seconds=61)
    routed.resend(verification)
    for _ in range(10):
        dispatch()
        now.forward(seconds=20)
    assert len(channel("sms").sent) == 2
    assert routed.show(verification)["deliveries"][1]["error"] == "replaced"


def test_a_mailbox_proves_no_number(make_shop: MakeShop) -> None:
    shop = make_shop("MINDAL", route=["push:20", "email"], proven_purposes=["sign_in"])
    answer = shop.try_to_ask(email=MAILBOX, channels=["email"])
    assert assert_problem(answer, 409, "number_unreachable")["reason"] == "assurance_too_low"


def test_refusals_count_for_the_browser_that_asks_and_a_network_counts_as_one(shop: Shop, context: AppContext) -> None:
    context.settings = replace(context.settings, codes_per_client_per_hour=3)
    for turn in range(3):
        refused = shop.try_to_ask(f"+7701000000{turn}", client={"ip": f"2001:db8::{turn}"})
        assert_problem(refused, 409, "number_unreachable")
    assert_problem(shop.try_to_ask(client={"ip": "2001:db8::ffff"}), 429, "too_many_codes")
    assert_problem(shop.try_to_ask(client={"ip": "2001:db8:1::1"}), 409, "number_unreachable")
