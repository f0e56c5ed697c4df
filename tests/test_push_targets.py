"""What the app may register as its push target, and the whole way of a code by every further channel."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pushhub.channels.configured import configured_channels
from pushhub.channels.recording import RecordingChannel
from pushhub.channels.webpush import WebPushChannel
from pushhub.context import AppContext
from pushhub.kernel.settings import Settings, load_settings
from simulators import Simulators
from tests.support.actors import NUMBER, MakePhone, MakeShop, Phone, Shop, refusal
from tests.support.applications import MakeApp
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later
from tests.support.environments import least_of

pytestmark = pytest.mark.both_engines  # the whole way of a code

HMS_TARGET = "IQAAAACy0SomeHmsTarget-0001"
MAILBOX = "parent@example.kz"


class Times:
    """The clock of simulators that outlive a test: whichever the test of the moment has."""

    of_the_test: Callable[[], datetime] = FakeClock()

    def __call__(self) -> float:
        return self.of_the_test().timestamp()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulators, Times]]:
    times = Times()
    with Simulators(tmp_path_factory.mktemp("simulators"), clock=times) as simulators:
        yield simulators, times


@pytest.fixture
def simulators(running: tuple[Simulators, Times], now: FakeClock) -> Simulators:
    simulators, times = running
    times.of_the_test = now
    simulators.clear()
    return simulators


@pytest.fixture
def real_ways_out(context: AppContext, settings: Settings, simulators: Simulators) -> None:
    """The application's channels are the configured ones, and they end at the simulators."""
    context.channels = configured_channels(load_settings(least_of(settings) | simulators.settings()))


@pytest.mark.usefixtures("real_ways_out")
@pytest.mark.parametrize("kind", ["webpush", "hms"])
def test_a_code_goes_by_push_then_by_sms_then_by_mail(
    kind: str, simulators: Simulators, make_shop: MakeShop, make_phone: MakePhone, later: Later
) -> None:
    shop = make_shop("SAKURA", route=["push:20", "sms:60", "email"])
    subscription = simulators.subscribe()
    value = json.dumps(subscription) if kind == "webpush" else HMS_TARGET
    make_phone(push_target={"kind": kind, "value": value}).bind_to(shop)
    verification = shop.ask(email=MAILBOX)
    for wait in (0, 21, 61):
        later(seconds=wait)
    by_push, by_sms, by_mail = simulators.arrived()
    assert (by_push.provider, by_push.target) == (kind, subscription["endpoint"] if kind == "webpush" else HMS_TARGET)
    assert not re.search(r"\b\d{4}\b", json.dumps(by_push.payload.get("body", "")))
    assert (by_sms.provider, by_sms.target) == ("sms", NUMBER)
    assert (by_mail.provider, by_mail.target) == ("email", MAILBOX)
    [code] = re.findall(r"\b\d{4}\b", by_sms.payload["text"])
    assert code in by_mail.payload["text"]
    assert [each["status"] for each in shop.show(verification)["deliveries"]] == ["accepted"] * 3
    assert shop.check(verification, code)["valid"]


@pytest.mark.usefixtures("real_ways_out")
def test_a_device_changes_from_one_push_service_to_another(
    simulators: Simulators, shop: Shop, make_phone: MakePhone, dispatch: Dispatch
) -> None:
    phone = make_phone(push_target={"kind": "webpush", "value": json.dumps(simulators.subscribe())})
    phone.bind_to(shop)
    assert phone.update(push_target={"kind": "hms", "value": HMS_TARGET})["push_kind"] == "hms"
    shop.ask()
    dispatch()
    assert [each.provider for each in simulators.arrived()] == ["hms"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ({"kind": "webpush", "value": "no JSON at all"}, "Send JSON.stringify(subscription)"),
        ({"kind": "webpush", "value": '{"endpoint": "https://x.example/y"}'}, "Send JSON.stringify(subscription)"),
        ({"kind": "webpush", "value": '{"endpoint": "http://x.example/y", "keys": {}}'}, "Send the endpoint as the"),
        ({"kind": "webpush", "value": '{"endpoint": "https://x.example/y", "keys": {}}'}, "Send keys.p256dh as the"),
        ({"kind": "hms", "value": "a token with spaces"}, "Send the token of HmsInstanceId.getToken"),
        ({"kind": "hms", "value": "short"}, "Send the address that the push service gave the app"),
    ],
)
def test_what_can_not_be_sent_to_is_refused_with_what_to_send(bound: Phone, target: dict[str, str], says: str) -> None:
    problem = refusal(lambda: bound.update(push_target=target)).problem
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert says in json.dumps(problem["errors"])
    assert target["value"] not in json.dumps(problem)


def test_the_config_tells_browsers_the_key_to_subscribe_with(
    make_app: MakeApp, settings: Settings, simulators: Simulators
) -> None:
    plain = make_app(channels={"poll": RecordingChannel("poll")})
    assert plain.test_client().get("/mobile/v1/config").get_json()["webpush_key"] is None
    key_file = Path(simulators.settings()["PUSHHUB_VAPID_KEY"])
    channels = configured_channels(replace(settings, vapid_key=key_file, vapid_subject="mailto:a@example.kz"))
    key = make_app(channels=channels).test_client().get("/mobile/v1/config").get_json()["webpush_key"]
    assert isinstance(channels["webpush"], WebPushChannel)
    assert key == channels["webpush"].public_key()
    assert simulators.subscribe(key)["endpoint"].startswith(simulators.webpush_url)


def test_what_a_refused_push_target_is_told_never_quotes_it(bound: Phone) -> None:
    secret: dict[str, Any] = {"endpoint": "https://x.example/secret7391", "keys": {"p256dh": "7391", "auth": "7391"}}
    refused = refusal(lambda: bound.update(push_target={"kind": "webpush", "value": json.dumps(secret)}))
    assert "7391" not in json.dumps(refused.problem)
