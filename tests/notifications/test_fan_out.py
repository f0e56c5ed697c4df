"""From one notification to many deliveries: nobody twice, nobody left out, and no more memory for more numbers."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
import sqlalchemy as sa

from pushhub.context import AppContext
from pushhub.delivery.models import Delivery
from pushhub.dispatcher.dispatcher import Dispatcher
from pushhub.dispatcher.work import work_of
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.errors import Busy
from pushhub.notifications import fan_out as fan_out_module
from pushhub.notifications.fan_out import fan_out_due, turn
from pushhub.notifications.models import Notification
from tests.notifications.senders import WORDS, Sender, number
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, expect
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch
from tests.support.recording import Channels
from tests.support.rows import change
from tests.support.statements import before_each
from tests.support.waiting import until

pytestmark = pytest.mark.both_engines  # one statement makes many deliveries


@pytest.mark.parametrize("to_all", [True, False], ids=["all", "a list"])
def test_dispatchers_at_once_give_each_number_one_delivery(sender: Sender, to_all: bool) -> None:
    numbers = sender.bind_crowd(300)
    sent = [sender.send("all" if to_all else numbers) for _ in range(3)]
    barrier = Barrier(8, timeout=60)

    def work(_: int) -> None:
        with sender.app.app_context():
            barrier.wait()
            idle = 0
            while idle < 5:  # somebody else may be at it
                with suppress(Busy):
                    idle = 0 if fan_out_due(7) else idle + 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert [sender.show(entry)["status"] for entry in sent] == ["sent"] * 3
    assert [sender.show(entry)["accepted"] for entry in sent] == [300] * 3
    assert sender.times_reached() == Counter({text: 3 for text in numbers})


@pytest.mark.postgresql
def test_a_cancellation_amid_many_dispatchers_leaves_nothing_behind(sender: Sender) -> None:
    numbers = sender.bind_crowd(300)
    sent = sender.send(numbers)
    barrier = Barrier(5, timeout=60)

    def work(turn: int) -> int:
        with sender.app.app_context():
            barrier.wait()
            if turn == 0:
                return sender.cancel(sent).status_code
            while fan_out_due(3):
                pass
            return 0

    with ThreadPoolExecutor(5) as threads:
        assert 200 in list(threads.map(work, range(5)))
    assert sender.progress(sent) == {"expired": 300}
    assert set(sender.times_reached().values()) <= {1}


def test_a_running_dispatcher_is_woken_by_a_long_list_and_sends_all_of_it(sender: Sender, context: AppContext) -> None:
    numbers = sender.bind_crowd(60)
    dispatcher = Dispatcher(work_of(sender.app))
    context.wake = dispatcher.wake
    dispatcher.start()
    try:
        sent = sender.send("all")
        until(lambda: sender.progress(sent) == {"accepted": 60}, 20, "not all of them were sent")
    finally:
        dispatcher.stop()
    assert sender.progress(sent) == {"accepted": 60}
    assert sender.times_reached() == Counter(numbers)


def test_a_turn_that_fails_is_undone_and_taken_again(sender: Sender) -> None:
    numbers = sender.bind_crowd(30)
    sent = sender.send(numbers)

    def fail(_: str) -> None:
        raise ZeroDivisionError

    sender.fan_out(10, turns=1)
    with (
        before_each(sender.app, "INSERT INTO deliveries", fail),
        sender.app.app_context(),
        pytest.raises(ZeroDivisionError),
    ):
        fan_out_due(10)
    assert sender.progress(sent) == {"queued": 30}
    sender.fan_out(10)
    assert sender.times_reached() == Counter(numbers)


def test_a_cursor_that_somebody_else_has_moved_is_not_moved_again(sender: Sender) -> None:
    numbers = sender.bind_crowd(30)
    sender.send(numbers)
    with sender.app.app_context():
        with reading() as session:
            before = session.execute(sa.select(Notification.__table__)).one()
        for _ in range(2):
            with transaction() as session:
                turn(session, before, 10)
    assert sum(sender.times_reached().values()) == 10


def test_a_number_that_moves_before_its_turn_gets_it_on_the_new_phone(
    sender: Sender, shop: Shop, make_phone: MakePhone
) -> None:
    sender.bind_crowd(5)
    old, new = make_phone(), make_phone()
    old.bind_to(shop)
    sent = sender.send("all")
    sender.fan_out(3, turns=1)
    new.bind_to(shop)
    sender.fan_out(3)
    assert sender.times_reached()[NUMBER] == 1
    assert sender.show(sent)["accepted"] == 6
    assert [item["title"] for item in new.feed()] == [WORDS["title"]]


def test_a_number_that_moves_after_its_turn_does_not_get_it_twice(
    sender: Sender, shop: Shop, make_phone: MakePhone, dispatch: Dispatch, now: FakeClock
) -> None:
    old, new = make_phone(), make_phone()
    old.bind_to(shop)
    sender.bind_crowd(5)
    sent = sender.send("all")
    sender.fan_out(3, turns=1)
    dispatch()
    now.forward(seconds=1)
    new.bind_to(shop)
    sender.fan_out(3)
    assert sender.times_reached()[NUMBER] == 1
    assert sender.show(sent)["accepted"] == 6


def test_what_waits_goes_with_a_number_to_its_new_phone(
    sender: Sender, shop: Shop, make_phone: MakePhone, dispatch: Dispatch, channel: Channels
) -> None:
    old = make_phone()
    new = make_phone(push_target={"kind": "apns", "value": "ab" * 32, "topic": "kz.codes.app"}, platform="ios")
    old.bind_to(shop)
    sent = sender.send(NUMBER)
    new.bind_to(shop)
    dispatch()
    assert [message.title for message in channel("apns").sent] == [WORDS["title"]]
    assert WORDS["title"] not in [message.title for message in channel("fcm").sent]
    assert [item["title"] for item in new.feed()] == [WORDS["title"]]
    assert sender.progress(sent) == {"accepted": 1}


def test_what_waits_for_a_number_that_is_let_go_comes_out_nowhere(
    sender: Sender, bound: Phone, dispatch: Dispatch, channel: Channels
) -> None:
    sent = sender.send(NUMBER)
    bound.unbind()
    dispatch()
    assert not channel("fcm").sent
    assert sender.progress(sent) == {"expired": 1}


def test_what_waits_for_a_phone_that_takes_another_number_comes_out_nowhere(
    sender: Sender, shop: Shop, bound: Phone, dispatch: Dispatch, channel: Channels, now: FakeClock
) -> None:
    now.forward(days=31)
    sent = sender.send(NUMBER)
    bound.bind_to(shop, OTHER_NUMBER)
    dispatch()
    assert WORDS["title"] not in [message.title for message in channel("fcm").sent]
    assert sender.progress(sent) == {"expired": 1}


def test_ten_thousand_numbers_in_one_request(sender: Sender) -> None:
    bound = sender.bind_crowd(2_000)
    sent = sender.send([number(place) for place in range(10_000)])
    assert sent["accepted"] == 10_000
    assert sender.fan_out(most_waiting=100_000) == 20
    shown = sender.show(sent)
    assert (shown["status"], shown["unreachable"], shown["progress"]["queued"]) == ("sent", 8_000, 2_000)
    assert sender.times_reached() == Counter(bound)


@pytest.mark.sqlite
def test_memory_does_not_grow_with_the_number_of_bindings(sender: Sender) -> None:
    sender.bind_crowd(20_000)
    first, second = sender.send("all"), sender.send("all")
    with sender.app.app_context():
        while sender.show(first)["status"] == "sending":  # fills the caches
            assert fan_out_due(most_waiting=100_000)
        sender.cancel(first)
        gc.collect()
        tracemalloc.start()
        try:
            turns = 0
            while fan_out_due(most_waiting=100_000):
                turns += 1
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert turns >= 20
    assert peak < 8_000_000
    assert held < 2_000_000
    assert sender.show(second)["accepted"] == 20_000


def test_a_page_finds_its_rows_by_index(sender: Sender, shop: Shop, engine_name: str) -> None:
    """Whatever else is in the tables: the next bindings, and whose numbers they are, are looked up."""
    sender.bind_crowd(1_000)
    values = {"after": shop.product.id, "most": 100, "product": shop.product.id}
    statement = sa.select(fan_out_module.WINDOW, fan_out_module.OWN).params(values)
    with sender.app.app_context(), transaction() as session:
        connection = session.connection()
        if engine_name == "postgresql":
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))  # the tables are small
        written = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
        explain = "EXPLAIN QUERY PLAN" if engine_name == "sqlite" else "EXPLAIN"
        plan = "\n".join(map(str, connection.exec_driver_sql(f"{explain} {written}")))
    assert "ix_bindings_active" in plan or "pk_bindings" in plan
    assert "ix_offers_number_status" in plan
    assert "ix_verifications_number_product_id" in plan


def test_a_stranger_with_many_numbers_does_not_make_a_turn_longer(make_shop: MakeShop) -> None:
    sender, stranger = Sender(make_shop("INDIGO")), Sender(make_shop("SAKURA"))
    stranger.bind_crowd(950)
    own = sender.bind_crowd(3, first=5_000)
    sent = sender.send("all")
    assert sent["accepted"] == 3
    assert sender.fan_out(100) == 10
    assert sender.times_reached() == Counter(own)


def test_a_retry_that_waits_counts_as_waiting(sender: Sender) -> None:
    sent = sender.send(sender.bind_crowd(30))
    assert sender.fan_out(10, most_waiting=9) == 1
    change(sender.app, sa.update(Delivery).values(status="sending"))
    assert sender.fan_out(10, most_waiting=9) == 0
    expect(sender.cancel(sent), 200)
