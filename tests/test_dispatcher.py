"""The dispatcher: nothing that was claimed is lost, and one failure holds up no other."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
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
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.ids import Prefix, new_key, parse_id
from pushhub.queueing.worker import AttemptResult
from pushhub.verifications.code_message import CODES
from pushhub.verifications.models import Verification
from tests.support.actors import NUMBER, OTHER_NUMBER, Phone, Shop, expect, last_delivery
from tests.support.databases import FakeClock

pytestmark = pytest.mark.both_engines  # the queue

Dispatch = Callable[[], None]


def take(owner: UUID) -> list[OutgoingMessage]:
    """What a dispatcher takes before it sends."""
    return CODES.load("fcm", owner, outbox.claim(CODES, "fcm", owner, 10))


def test_a_dispatcher_that_died_gives_its_rows_back(
    shop: Shop, bound: Phone, app: Flask, dispatch: Dispatch, fcm: RecordingChannel, now: FakeClock
) -> None:
    verification = shop.ask()
    with app.app_context():
        (taken,) = take(uuid4())
    dispatch()
    assert not fcm.sent
    now.forward(seconds=30)
    dispatch()
    assert [message.id for message in fcm.sent] == [taken.delivery_id]
    assert last_delivery(shop, verification)["status"] == "accepted"


def test_the_outcome_of_a_lost_lease_does_not_overwrite_what_came_after(
    shop: Shop, bound: Phone, app: Flask, dispatch: Dispatch, now: FakeClock
) -> None:
    verification, slow = shop.ask(), uuid4()
    with app.app_context():
        (taken,) = take(slow)
    now.forward(seconds=30)
    dispatch()
    late = AttemptResult(new_key(), taken, Rejected("too_late"), now(), now())
    with app.app_context():
        complete(CODES, slow, [late])
    delivery = last_delivery(shop, verification)
    assert delivery["status"] == "accepted"
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted", "rejected"]


def test_what_was_put_off_and_is_written_twice_leaves_the_try_after_it_alone(
    shop: Shop, bound: Phone, app: Flask, now: FakeClock
) -> None:
    verification, owner = shop.ask(), uuid4()
    with app.app_context():
        (taken,) = take(owner)
        put_off = AttemptResult(new_key(), taken, Retry(CIRCUIT_OPEN, timedelta(seconds=5)), now(), now())
        complete(CODES, owner, [put_off])
        now.forward(seconds=6)
        (again,) = take(owner)
        complete(CODES, owner, [put_off])  # the answer of the first commit was lost
        complete(CODES, owner, [AttemptResult(new_key(), again, Accepted("1"), now(), now())])
    assert last_delivery(shop, verification)["status"] == "accepted"


def test_a_stopping_dispatcher_writes_all_that_was_answered_once(
    make_shop: Callable[..., Shop], phone: Phone, app: Flask, context: AppContext, fcm: RecordingChannel
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
    while len(under_way) < many:
        threading.Event().wait(0.01)
    stopping = threading.Thread(target=dispatcher.stop)
    stopping.start()
    asked_to_stop.set()
    stopping.join(20)
    with app.app_context(), reading() as session:
        by_status = session.execute(sa.select(Delivery.status, sa.func.count()).group_by(Delivery.status)).all()
        attempts = session.scalar(sa.select(sa.func.count()).select_from(Attempt))
    assert [tuple(row) for row in by_status] == [("accepted", many)]
    assert attempts == many


def test_an_outcome_that_the_database_refuses_holds_up_no_other(
    shop: Shop, make_phone: Callable[..., Phone], dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    make_phone().bind_to(shop, NUMBER)
    make_phone().bind_to(shop, OTHER_NUMBER)
    fcm.script(Rejected("x" * 500), Accepted("y" * 500))
    first, second = shop.ask(NUMBER), shop.ask(OTHER_NUMBER)
    dispatch()
    assert {last_delivery(shop, first)["status"], last_delivery(shop, second)["status"]} == {"failed", "accepted"}
    assert len(fcm.sent) == 2


def test_a_message_that_can_not_be_read_holds_up_no_other(
    make_shop: Callable[..., Shop], make_phone: Callable[..., Phone], app: Flask, dispatch: Dispatch
) -> None:
    inline, other = make_shop("SAKURA", code_push="inline"), make_shop("INDIGO")
    make_phone().bind_to(inline, NUMBER)
    make_phone().bind_to(other, OTHER_NUMBER)
    broken, whole = inline.ask(NUMBER), other.ask(OTHER_NUMBER)
    with app.app_context(), transaction() as session:
        key = parse_id(Prefix.VERIFICATION, broken["id"])
        session.execute(sa.update(Verification).where(Verification.id == key).values(code_sealed=b"k9:gone"))
    dispatch()
    assert last_delivery(inline, broken)["error"] == "unreadable"
    assert last_delivery(other, whole)["status"] == "accepted"


def test_a_notification_that_can_not_be_read_holds_up_no_other(
    shop: Shop, make_phone: Callable[..., Phone], app: Flask, dispatch: Dispatch
) -> None:
    """Of a device that a later release has written."""
    strange, other = make_phone(), make_phone()
    strange.bind_to(shop, NUMBER)
    other.bind_to(shop, OTHER_NUMBER)
    for number in (NUMBER, OTHER_NUMBER):
        words = {"title": "Words", "body": "Words", "to": number}
        expect(shop.call("POST", "/v1/notifications", words), 202)
    with app.app_context(), transaction() as session:
        found = sa.select(Delivery.device_id).where(Delivery.number == NUMBER).scalar_subquery()
        session.execute(sa.update(Device).where(Device.id == found).values(push_environment="elsewhere"))
    dispatch()
    with app.app_context(), reading() as session:
        statuses = dict(session.execute(sa.select(Delivery.number, Delivery.status)).all())
    assert {number.e164: status for number, status in statuses.items()} == {NUMBER: "failed", OTHER_NUMBER: "accepted"}


def test_an_old_answer_does_not_end_a_newer_try_of_the_same_dispatcher(
    shop: Shop, bound: Phone, app: Flask, now: FakeClock
) -> None:
    verification, owner = shop.ask(), uuid4()
    with app.app_context():
        (first,) = take(owner)
        now.forward(seconds=30)
        (second,) = take(owner)
        complete(CODES, owner, [AttemptResult(new_key(), first, Retry("UNAVAILABLE"), now(), now())])
        assert last_delivery(shop, verification)["status"] == "sending"
        complete(CODES, owner, [AttemptResult(new_key(), second, Accepted("a"), now(), now())])
    assert last_delivery(shop, verification)["status"] == "accepted"


def test_a_channel_with_a_bug_fails_its_message_and_not_its_neighbours(
    shop: Shop, make_phone: Callable[..., Phone], dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    make_phone(push_target={"kind": "fcm_token", "value": "broken-target"}).bind_to(shop, NUMBER)
    make_phone(push_target={"kind": "fcm_token", "value": "working-target"}).bind_to(shop, OTHER_NUMBER)
    real_send = fcm.send

    async def send(message: Message) -> Outcome:
        if message.target.value == "broken-target":
            raise ZeroDivisionError
        return await real_send(message)

    fcm.send = send  # type: ignore[method-assign]
    broken, working = shop.ask(NUMBER), shop.ask(OTHER_NUMBER)
    dispatch()
    assert last_delivery(shop, broken)["status"] == "failed"
    assert last_delivery(shop, broken)["error"] == "internal_error"
    assert last_delivery(shop, working)["status"] == "accepted"


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
    assert last_delivery(shop, verification)["status"] == "accepted"


@pytest.fixture
def handlers_given_back() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.timeout(60)
def test_a_dispatcher_process_ends_whichever_of_its_threads_is_handed_the_signal(
    make_app: Callable[..., Flask], handlers_given_back: None, number: signal.Signals
) -> None:
    usual = signal.getsignal(number)

    def signal_myself() -> None:
        while signal.getsignal(number) is usual:
            time.sleep(0.01)
        time.sleep(0.3)  # the main thread waits by now; if it does not, the test is no less true
        signal.pthread_kill(threading.get_ident(), number)

    threading.Thread(target=signal_myself, daemon=True).start()
    dispatch_forever(make_app(own=True))
