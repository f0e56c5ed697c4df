"""Circuits: what is found shut is left alone, tried again by one message at a time, and told to people."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from pushhub.channels.contract import Accepted, ApnsEnvironment, ChannelDown, Message, PushKind, PushTarget, Retry
from pushhub.channels.recording import RecordingChannel
from pushhub.dispatcher import circuits
from pushhub.dispatcher.circuits import Circuit, Circuits
from pushhub.dispatcher.dispatcher import Dispatcher
from pushhub.dispatcher.work import work_of
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, Phone, Shop
from tests.support.command_line import run_command
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later
from tests.support.environments import least_settings

pytestmark = pytest.mark.both_engines  # what is found shut is a row that is written by upserts

DOWN = ChannelDown("InvalidProviderToken")
TROUBLE = Retry("UNAVAILABLE")
FINE = Accepted("1")


def test_a_refused_credential_opens_at_once_and_one_message_tries_after_the_pause(now: FakeClock) -> None:
    circuit = Circuit()
    assert circuit.lets_through(now())
    assert circuit.learn(DOWN, now())
    assert not circuit.lets_through(now())
    now.forward(seconds=5)
    assert circuit.lets_through(now())
    assert not circuit.lets_through(now())
    assert not circuit.learn(DOWN, now())
    now.forward(seconds=9)
    assert not circuit.lets_through(now())
    now.forward(seconds=1)
    assert circuit.lets_through(now())
    circuit.learn(FINE, now())
    assert [circuit.lets_through(now()) for _ in range(3)] == [True, True, True]


def test_those_that_were_under_way_do_not_lengthen_the_pause(now: FakeClock) -> None:
    circuit = Circuit()
    for _ in range(100):
        circuit.learn(DOWN, now())
    now.forward(seconds=5)
    assert circuit.lets_through(now())


@pytest.mark.parametrize(
    ("answers", "opens"),
    [
        ([TROUBLE] * 20, True),
        ([TROUBLE] * 19, False),
        ([TROUBLE] * 12 + [FINE] * 8 + [TROUBLE] * 12, False),
        ([FINE] * 8 + [TROUBLE] * 32, True),
        ([Retry("QUOTA_EXCEEDED", timedelta(seconds=60))] * 40, False),
        ([Retry("TooManyRequests", timedelta(seconds=30))] * 40, False),
    ],
)
def test_a_provider_whose_answers_are_mostly_failures_is_left_alone(
    answers: list[Accepted | Retry], opens: bool, now: FakeClock
) -> None:
    circuit = Circuit()
    for answer in answers:
        circuit.learn(answer, now())
    assert circuit.lets_through(now()) is not opens


def message_to(topic: str, environment: ApnsEnvironment) -> Message:
    target = PushTarget(PushKind.APNS, "ab" * 32, topic, environment)
    return Message(uuid.uuid4(), "ver_x", target, "", "", {}, FakeClock()() + timedelta(minutes=5))


def test_each_app_and_host_of_apns_has_a_circuit_of_its_own(now: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    both = Circuits("apns")
    ill, well = (message_to(topic, ApnsEnvironment.PRODUCTION) for topic in ("kz.one", "kz.two"))
    with caplog.at_level(logging.WARNING):
        both.learn(ill, DOWN)
        both.learn(well, FINE)
    assert not both.of(ill).lets_through(now())
    assert both.of(well).lets_through(now())
    assert both.of(message_to("kz.one", ApnsEnvironment.SANDBOX)).lets_through(now())
    assert [record.message for record in caplog.records] == ["circuit opened"]
    assert [row["app"] for row in both.open_now()] == ["kz.one production"]


def test_what_is_open_is_told_by_metrics_and_forgotten_when_it_closes(app: Flask) -> None:
    channel = Circuits("apns")
    channel.learn(message_to("kz.one", ApnsEnvironment.PRODUCTION), DOWN)
    with app.app_context():
        for _ in range(2):
            circuits.write_down([channel])
        assert [(row.channel, row.reason) for row in circuits.open_circuits()] == [("apns", "InvalidProviderToken")]
    shown = app.test_client().get("/metrics").get_data(as_text=True)
    line = 'pushhub_circuit_open{app="kz.one production",channel="apns",reason="InvalidProviderToken"} 1.0'
    assert line in shown
    with app.app_context():
        channel.learn(message_to("kz.one", ApnsEnvironment.PRODUCTION), FINE)
        circuits.write_down([channel])
        assert circuits.open_circuits() == []
    assert "pushhub_circuit_open{" not in app.test_client().get("/metrics").get_data(as_text=True)


def test_tries_of_the_last_minute_are_counted_by_what_came_of_them(
    app: Flask, shop: Shop, make_phone: MakePhone, dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    make_phone().bind_to(shop, NUMBER)
    make_phone().bind_to(shop, OTHER_NUMBER)
    fcm.script(Retry("http_418"))
    shop.ask(NUMBER)
    shop.ask(OTHER_NUMBER)
    dispatch()
    shown = app.test_client().get("/metrics").get_data(as_text=True)
    assert 'pushhub_tries_last_minute{channel="fcm",outcome="retry",reason="http_418"} 1.0' in shown
    assert 'pushhub_tries_last_minute{channel="fcm",outcome="accepted",reason=""} 1.0' in shown


def test_without_another_channel_a_code_waits_for_the_circuit_and_arrives(
    shop: Shop, bound: Phone, dispatch: Dispatch, later: Later, fcm: RecordingChannel
) -> None:
    fcm.script(DOWN)
    verification = shop.ask()
    dispatch()
    assert shop.last_delivery(verification)["status"] == "queued"
    later(seconds=16)
    assert shop.last_delivery(verification)["status"] == "accepted"


def test_notifications_that_hang_leave_a_code_its_way(
    app: Flask, shop: Shop, make_phone: MakePhone, fcm: RecordingChannel
) -> None:
    """The lanes are apart: one whose room is full of messages that hang takes nothing from the other."""
    first, second = make_phone(), make_phone()
    first.bind_to(shop, NUMBER)
    second.bind_to(shop, NUMBER)  # the first phone is told that its number has moved
    arrived, hung = asyncio.Event(), asyncio.Event()

    async def send(message: Message) -> Accepted:
        if not message.urgent:
            hung.set()
            await asyncio.sleep(30)
        arrived.set()
        return Accepted("1")

    fcm.send = send  # type: ignore[method-assign]
    shop.ask(NUMBER)

    async def main() -> None:
        dispatcher = Dispatcher(work_of(app))
        running = asyncio.create_task(dispatcher.run())
        async with asyncio.timeout(10):
            await hung.wait()
            await arrived.wait()
        dispatcher.ask_to_stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())


def test_the_doctor_names_what_is_shut(app: Flask, key_file: Path, tmp_path: Path) -> None:
    channel = Circuits("fcm")
    channel.learn(message_to("kz.one", ApnsEnvironment.PRODUCTION), ChannelDown("THIRD_PARTY_AUTH_ERROR"))
    with app.app_context():
        circuits.write_down([channel])
    settings = least_settings(app.config["SQLALCHEMY_DATABASE_URI"], key_file)
    ended = run_command("doctor", "--json", home=tmp_path, settings=settings)
    findings = {finding["check"]: finding for finding in json.loads(ended.stdout)}
    assert ended.code == 1
    assert "THIRD_PARTY_AUTH_ERROR" in findings["circuits"]["finding"]
