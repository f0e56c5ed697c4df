"""Codes while a way out is shut: waiting for it is no try, and what was passed by because of it is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import Accepted, ChannelDown, Message, Outcome, Retry
from pushhub.context import AppContext
from pushhub.delivery.models import Delivery
from pushhub.dispatcher.work import work_of
from pushhub.kernel.ids import Prefix, parse_id
from tests.escalation.conftest import ways
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later, do_all_that_is_due
from tests.support.recording import Channels
from tests.support.rows import values

pytestmark = pytest.mark.both_engines  # the queue


@pytest.fixture
def dispatch(app: Flask, context: AppContext) -> Iterator[Dispatch]:
    """One dispatcher that goes on living: it remembers what it has found shut."""
    work = work_of(app)
    loop = asyncio.new_event_loop()
    yield lambda: loop.run_until_complete(do_all_that_is_due(work))
    loop.close()


def test_waiting_for_an_open_circuit_is_none_of_the_three_tries_of_a_paid_message(
    app: Flask, make_shop: MakeShop, dispatch: Dispatch, now: FakeClock, channel: Channels
) -> None:
    shop = make_shop("MALAHIT", route=["sms"])
    works_again = now() + timedelta(seconds=40)

    async def send(message: Message) -> Outcome:
        return Retry("connect") if now() < works_again else Accepted("1")

    channel("sms").send = send  # type: ignore[method-assign]
    for turn in range(20):
        shop.ask(f"+770100000{turn:02}")
    dispatch()  # the gateway fails for all of them
    verification = shop.ask(NUMBER)
    for _ in range(25):
        dispatch()
        now.forward(seconds=2)
    (delivery,) = shop.show(verification)["deliveries"]
    assert delivery["status"] == "accepted"
    of_this = Delivery.verification_id == parse_id(Prefix.VERIFICATION, verification["id"])
    assert values(app, sa.select(Delivery.tries).where(of_this)) == [len(delivery["attempts"])]


def test_a_push_that_was_given_up_for_an_open_circuit_is_taken_up_again_where_nothing_else_can_have_the_code(
    make_shop: MakeShop, make_phone: MakePhone, dispatch: Dispatch, later: Later, channel: Channels
) -> None:
    shop = make_shop("AZAMAT", route=["push:20", "sms"], paid_per_day=0)
    for number in (NUMBER, OTHER_NUMBER):
        make_phone().bind_to(shop, number)
    channel("fcm").script(ChannelDown("THIRD_PARTY_AUTH_ERROR"))
    tried, passed_by = shop.ask(NUMBER), shop.ask(OTHER_NUMBER)
    dispatch()
    assert len(channel("fcm").sent) == 1
    for _ in range(8):
        later(seconds=4)
    assert [ways(shop, code)[0] for code in (tried, passed_by)] == [("fcm", "accepted")] * 2
