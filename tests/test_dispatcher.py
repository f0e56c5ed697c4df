"""The dispatcher: nothing that was claimed is lost, and one failure holds up no other."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import Accepted, Message, Outcome, Rejected, Retry
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.delivery import outbox
from pushhub.delivery.message_source import OutgoingMessage
from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.outbox import complete
from pushhub.delivery.rules import CIRCUIT_OPEN
from pushhub.devices.models import Device
from pushhub.dispatcher.dispatcher import Dispatcher
from pushhub.dispatcher.process import dispatch_forever
from pushhub.dispatcher.work import work_of
from pushhub.kernel.ids import Prefix, parse_id
from pushhub.verifications.code_message import CODES
from pushhub.verifications.models import Verification
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, expect
from tests.support.applications import MakeApp
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later, attempted
from tests.support.recording import while_sending
from tests.support.rows import change, rows, values
from tests.support.waiting import until

pytestmark = pytest.mark.both_engines  # the queue


def take(owner: UUID) -> list[OutgoingMessage]:
    """What a dispatcher takes before it sends."""
    return CODES.load("fcm", owner, outbox.claim(CODES, "fcm", owner, 10))


def test_a_dispatcher_that_died_gives_its_rows_back(
    shop: Shop, bound: Phone, app: Flask, dispatch: Dispatch, later: Later, fcm: RecordingChannel
) -> None:
    verification = shop.ask()
    with app.app_context():
        (taken,) = take(uuid4())
    dispatch()
    assert not fcm.sent
    later(seconds=30)
    assert [message.id for message in fcm.sent] == [taken.delivery_id]
    assert shop.last_delivery(verification)["status"] == "accepted"


def test_the_outcome_of_a_lost_lease_does_not_overwrite_what_came_after(
    shop: Shop, bound: Phone, app: Flask, later: Later
) -> None:
    verification, slow = shop.ask(), uuid4()
    with app.app_context():
        (taken,) = take(slow)
    later(seconds=30)
    with app.app_context():
        complete(CODES, slow, [attempted(taken, Rejected("too_late"))])
    delivery = shop.last_delivery(verification)
    assert delivery["status"] == "accepted"
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted", "rejected"]


def test_what_was_put_off_and_is_written_twice_leaves_the_try_after_it_alone(
    shop: Shop, bound: Phone, app: Flask, now: FakeClock
) -> None:
    verification, owner = shop.ask(), uuid4()
    with app.app_context():
        (taken,) = take(owner)
        put_off = attempted(taken, Retry(CIRCUIT_OPEN, timedelta(seconds=5)))
        complete(CODES, owner, [put_off])
        now.forward(seconds=6)
        (again,) = take(owner)
        complete(CODES, owner, [put_off])  # the answer of the first commit was lost
        complete(CODES, owner, [attempted(again, Accepted("1"))])
    assert shop.last_delivery(verification)["status"] == "accepted"


def test_a_stopping_dispatcher_writes_all_that_was_answered_once(
    make_shop: MakeShop, phone: Phone, app: Flask, context: AppContext, fcm: RecordingChannel
) -> None:
    many = 230  # more than one batch of outcomes
    purposes = [f"p{turn}" for turn in range(many)]
    shop = make_shop("SAKURA", purposes=purposes, requests_per_minute=10_000)
    context.settings = replace(context.settings, codes_per_10_minutes=1000, codes_per_day=1000)
    phone.bind_to(shop)
    for purpose in purposes:
        shop.ask(purpose=purpose)
    real_send, asked_to_stop, under_way = fcm.send, threading.Event(), set[UUID]()

    async def send(message: Message) -> Outcome:
        under_way.add(message.id)
        await asyncio.to_thread(asked_to_stop.wait, 10)
        return await real_send(message)

    fcm.send = send  # type: ignore[method-assign]
    dispatcher = Dispatcher(work_of(app))
    dispatcher.start()
    until(lambda: len(under_way) == many, 60, "not all of them are under way")
    stopping = threading.Thread(target=dispatcher.stop)
    stopping.start()
    asked_to_stop.set()
    stopping.join(20)
    by_status = sa.select(Delivery.status, sa.func.count()).group_by(Delivery.status)
    assert rows(app, by_status) == [("accepted", many)]
    assert values(app, sa.select(sa.func.count()).select_from(Attempt)) == [many]


def test_an_outcome_that_the_database_refuses_holds_up_no_other(
    shop: Shop, make_phone: MakePhone, dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    make_phone().bind_to(shop, NUMBER)
    make_phone().bind_to(shop, OTHER_NUMBER)
    fcm.script(Rejected("x" * 500), Accepted("y" * 500))
    first, second = shop.ask(NUMBER), shop.ask(OTHER_NUMBER)
    dispatch()
    assert {shop.last_delivery(first)["status"], shop.last_delivery(second)["status"]} == {"failed", "accepted"}
    assert len(fcm.sent) == 2


def test_a_message_that_can_not_be_read_holds_up_no_other(
    make_shop: MakeShop, make_phone: MakePhone, app: Flask, dispatch: Dispatch
) -> None:
    inline, other = make_shop("SAKURA", code_push="inline"), make_shop("INDIGO")
    make_phone().bind_to(inline, NUMBER)
    make_phone().bind_to(other, OTHER_NUMBER)
    broken, whole = inline.ask(NUMBER), other.ask(OTHER_NUMBER)
    of_this = Verification.id == parse_id(Prefix.VERIFICATION, broken["id"])
    change(app, sa.update(Verification).where(of_this).values(code_sealed=b"k9:gone"))
    dispatch()
    assert inline.last_delivery(broken)["error"] == "unreadable"
    assert other.last_delivery(whole)["status"] == "accepted"


def test_a_notification_that_can_not_be_read_holds_up_no_other(
    shop: Shop, make_phone: MakePhone, app: Flask, dispatch: Dispatch
) -> None:
    """Of a device that a later release has written."""
    strange, other = make_phone(), make_phone()
    strange.bind_to(shop, NUMBER)
    other.bind_to(shop, OTHER_NUMBER)
    for number in (NUMBER, OTHER_NUMBER):
        words = {"title": "Words", "body": "Words", "to": number}
        expect(shop.call("POST", "/v1/notifications", words), 202)
    found = sa.select(Delivery.device_id).where(Delivery.number == NUMBER).scalar_subquery()
    change(app, sa.update(Device).where(Device.id == found).values(push_environment="elsewhere"))
    dispatch()
    statuses = {number.e164: status for number, status in rows(app, sa.select(Delivery.number, Delivery.status))}
    assert statuses == {NUMBER: "failed", OTHER_NUMBER: "accepted"}


def test_an_old_answer_does_not_end_a_newer_try_of_the_same_dispatcher(
    shop: Shop, bound: Phone, app: Flask, now: FakeClock
) -> None:
    verification, owner = shop.ask(), uuid4()
    with app.app_context():
        (first,) = take(owner)
        now.forward(seconds=30)
        (second,) = take(owner)
        complete(CODES, owner, [attempted(first, Retry("UNAVAILABLE"))])
        assert shop.last_delivery(verification)["status"] == "sending"
        complete(CODES, owner, [attempted(second, Accepted("a"))])
    assert shop.last_delivery(verification)["status"] == "accepted"


def test_a_channel_with_a_bug_fails_its_message_and_not_its_neighbours(
    shop: Shop, make_phone: MakePhone, dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    make_phone(push_target={"kind": "fcm_token", "value": "broken-target"}).bind_to(shop, NUMBER)
    make_phone(push_target={"kind": "fcm_token", "value": "working-target"}).bind_to(shop, OTHER_NUMBER)

    def break_off(message: Message) -> None:
        if message.target.value == "broken-target":
            raise ZeroDivisionError

    while_sending(fcm, break_off)
    broken, working = shop.ask(NUMBER), shop.ask(OTHER_NUMBER)
    dispatch()
    assert shop.last_delivery(broken)["status"] == "failed"
    assert shop.last_delivery(broken)["error"] == "internal_error"
    assert shop.last_delivery(working)["status"] == "accepted"


def test_a_dispatcher_on_its_thread_is_woken_by_the_commit_and_drains_when_stopped(
    shop: Shop, bound: Phone, app: Flask, context: AppContext, fcm: RecordingChannel
) -> None:
    arrived = threading.Event()
    real_send = fcm.send

    async def send(message: Message) -> Outcome:
        outcome = await real_send(message)
        arrived.set()
        return outcome

    fcm.send = send  # type: ignore[method-assign]
    dispatcher = Dispatcher(work_of(app))
    context.wake = dispatcher.wake
    dispatcher.start()
    try:
        verification = shop.ask()
        assert arrived.wait(60)
    finally:
        dispatcher.stop()
    assert shop.last_delivery(verification)["status"] == "accepted"


@pytest.fixture
def handlers_given_back() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.timeout(60)
def test_a_dispatcher_process_ends_whichever_of_its_threads_is_handed_the_signal(
    make_app: MakeApp, handlers_given_back: None, number: signal.Signals
) -> None:
    usual = signal.getsignal(number)

    def signal_myself() -> None:
        while signal.getsignal(number) is usual:
            time.sleep(0.01)
        time.sleep(0.3)  # the main thread waits by now; if it does not, the test is no less true
        signal.pthread_kill(threading.get_ident(), number)

    threading.Thread(target=signal_myself, daemon=True).start()
    dispatch_forever(make_app(own=True))
