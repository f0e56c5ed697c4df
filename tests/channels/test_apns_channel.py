"""What ApnsChannel puts on the wire and how it deals with a refused provider token."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from channel_material import APNS_TARGET, NOW, FakeWire, Ticks, answer, apns_target, ec_key, message, run, written

from pushhub.channels.apns import ApnsChannel, build
from pushhub.channels.contract import Accepted, ApnsEnvironment, ChannelDown, Outcome, Rejected, Retry, TargetDead
from pushhub.channels.credentials import PROVIDER_TOKEN_GAP, PROVIDER_TOKEN_SLOT, ProviderToken
from pushhub.channels.transport import TransportFailed
from pushhub.kernel import clock

pytestmark = pytest.mark.usefixtures("still_time")

OK = answer(200, headers={"apns-id": "0193F0A0-0000-7000-8000-000000000001"})
TAKEN = Accepted("0193F0A0-0000-7000-8000-000000000001")
EXPIRED = answer(403, {"reason": "ExpiredProviderToken"})
AGAIN, DOWN = Retry("ExpiredProviderToken", timedelta(0)), ChannelDown("ExpiredProviderToken")


URLS = {
    ApnsEnvironment.PRODUCTION: "https://apns.example",
    ApnsEnvironment.SANDBOX: "https://sandbox.example",
}
AT_ONCE = timedelta(0)
#: The start of the 50-minute slot of the clock that `NOW` is in.
SLOT = datetime.fromtimestamp(NOW.timestamp() // PROVIDER_TOKEN_SLOT * PROVIDER_TOKEN_SLOT, UTC)


def channel(
    wire: FakeWire, tmp_path: Path, ticks: Ticks | None = None, urls: dict[ApnsEnvironment, str] | None = None
) -> ApnsChannel:
    key = written(tmp_path / "key.p8", ec_key())
    return ApnsChannel(
        wire=wire,
        provider_token=ProviderToken(key, "ABC123DEFG", "TEAM123456", monotonic=ticks or Ticks()),
        topic="kz.example.app",
        urls=urls or URLS,
    )


def to(**changes: Any) -> Any:
    return message(**{"target": apns_target()} | changes)


def test_a_code_goes_out_with_apples_headers_and_payload(tmp_path: Path) -> None:
    wire = FakeWire(OK)
    assert run(channel(wire, tmp_path).send(to())) == TAKEN
    [(url, headers, body)] = wire.posts
    assert url == f"https://apns.example/3/device/{APNS_TARGET}"
    assert headers.pop("authorization").startswith("bearer ey")
    assert headers == {
        "apns-id": "0193f0a0-0000-7000-8000-000000000001",
        "apns-topic": "kz.example.app",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(int(NOW.timestamp()) + 120),
        "apns-collapse-id": "ver_1",
        "content-type": "application/json",
    }
    assert json.loads(body) == {
        "aps": {
            "alert": {"title": "Bank Aurora", "body": "spoken only to you: Код"},
            "sound": "default",
            "mutable-content": 1,
            "interruption-level": "time-sensitive",
        },
        "kind": "code",
        "code": "7391",
    }


def test_a_notification_that_does_not_hurry_interrupts_nobody() -> None:
    assert "interruption-level" not in json.loads(build(to(urgent=False)))["aps"]


def test_the_targets_environment_and_topic_choose_host_and_topic(tmp_path: Path) -> None:
    wire = FakeWire(OK)
    target = apns_target(topic="kz.example.other", environment=ApnsEnvironment.SANDBOX)
    run(channel(wire, tmp_path).send(to(target=target)))
    assert wire.posts == []
    [(url, headers, _)] = wire.made[0].posts
    assert url.startswith("https://sandbox.example/3/device/")
    assert headers["apns-topic"] == "kz.example.other"


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (message(), Rejected("wrong_target_kind")),
        (to(data={"aps": "x"}), Rejected("reserved_data_key")),
        (to(title="\ud800"), Rejected("invalid_message")),
        (to(body="ж" * 2000), Rejected("PayloadTooLarge")),
        (to(target=apns_target("../../1/apps?x=")), TargetDead("malformed_target")),
        (to(target=apns_target(APNS_TARGET + "\n")), TargetDead("malformed_target")),
        (to(target=apns_target("")), TargetDead("malformed_target")),
    ],
)
def test_a_message_that_can_not_pass_is_answered_before_it_is_sent(sent: Any, outcome: Outcome, tmp_path: Path) -> None:
    wire = FakeWire(OK)
    assert run(channel(wire, tmp_path).send(sent)) == outcome
    assert wire.posts == []


def test_every_try_of_a_message_is_the_same_request(tmp_path: Path) -> None:
    wire = FakeWire(TransportFailed("reset"), OK)
    apns = channel(wire, tmp_path)
    assert run(apns.send(to())) == Retry("reset")
    assert run(apns.send(to())) == TAKEN
    assert wire.posts[0] == wire.posts[1]


def tries(apns: ApnsChannel, wire: FakeWire, number: int) -> tuple[list[Outcome], list[str]]:
    """The outcomes of some tries, and the provider tokens they showed, as letters in order of appearance."""
    start = len(wire.posts)
    outcomes = [run(apns.send(to())) for _ in range(number)]
    shown = [headers["authorization"] for _, headers, _ in wire.posts]
    letters = dict(zip(dict.fromkeys(shown), "abcdef", strict=False))
    return outcomes, [letters[value] for value in shown[start:]]


def test_a_refused_provider_token_older_than_20_minutes_is_replaced_and_the_next_try_succeeds(tmp_path: Path) -> None:
    wire = FakeWire(OK, EXPIRED, OK)
    apns = channel(wire, tmp_path)
    with clock.use(lambda: SLOT):
        assert tries(apns, wire, 1) == ([TAKEN], ["a"])
    with clock.use(lambda: SLOT + timedelta(minutes=20)):
        assert tries(apns, wire, 2) == ([AGAIN, TAKEN], ["a", "b"])


def test_a_refused_provider_token_younger_than_that_is_shown_once_more_and_then_the_channel_is_down(
    tmp_path: Path,
) -> None:
    ticks, wire = Ticks(), FakeWire(EXPIRED)
    apns = channel(wire, tmp_path, ticks)
    with clock.use(lambda: SLOT + timedelta(minutes=19)):
        assert tries(apns, wire, 3) == ([AGAIN, DOWN, DOWN], ["a", "a", "a"])
    ticks.at += PROVIDER_TOKEN_GAP
    with clock.use(lambda: SLOT + timedelta(minutes=39)):
        assert tries(apns, wire, 3) == ([AGAIN, DOWN, DOWN], ["a", "b", "b"])


def test_too_many_provider_tokens_stops_the_making_of_more_and_leaves_the_connection_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wire = FakeWire(answer(429, {"reason": "TooManyProviderTokenUpdates"}), EXPIRED)
    apns = channel(wire, tmp_path)
    with clock.use(lambda: SLOT + timedelta(minutes=30)):
        outcomes, shown = tries(apns, wire, 2)
    assert (outcomes, shown) == ([Retry("TooManyProviderTokenUpdates"), DOWN], ["a", "a"])
    [record] = [record for record in caplog.records if "too many provider tokens" in record.getMessage()]
    assert record.levelno == logging.WARNING


BAD_TARGET = answer(400, {"reason": "BadDeviceToken"})


@pytest.mark.parametrize(
    ("there", "other"),
    list(permutations([ApnsEnvironment.PRODUCTION, ApnsEnvironment.SANDBOX])),
)
def test_a_target_that_one_host_does_not_know_is_tried_at_the_other_once(
    there: ApnsEnvironment, other: ApnsEnvironment, tmp_path: Path
) -> None:
    apns = channel(FakeWire(BAD_TARGET), tmp_path)
    target = apns_target(environment=there)
    assert run(apns.send(to(target=target))) == Retry("BadDeviceToken", AT_ONCE, other)
    assert run(apns.send(to(target=target, previous_error="reset"))) == Retry("BadDeviceToken", AT_ONCE, other)
    assert run(apns.send(to(target=target, previous_error="BadDeviceToken"))) == TargetDead("BadDeviceToken")


@pytest.mark.parametrize(
    "urls", [{ApnsEnvironment.PRODUCTION: "https://a"}, dict.fromkeys(ApnsEnvironment, "https://a")]
)
def test_where_there_is_but_one_host_a_target_that_it_does_not_know_is_dead(
    urls: dict[ApnsEnvironment, str], tmp_path: Path
) -> None:
    wire = FakeWire(BAD_TARGET)
    assert run(channel(wire, tmp_path, urls=urls).send(to())) == TargetDead("BadDeviceToken")
    assert wire.made == []


def test_apples_quarter_of_an_hour_is_for_what_can_wait(tmp_path: Path) -> None:
    apns = channel(FakeWire(answer(503, {"reason": "Shutdown"})), tmp_path)
    assert run(apns.send(to())) == Retry("Shutdown")
    assert run(apns.send(to(urgent=False))) == Retry("Shutdown", timedelta(minutes=15))
    asked = channel(FakeWire(answer(503, {"reason": "Shutdown"}, {"retry-after": "3"})), tmp_path)
    assert run(asked.send(to())) == Retry("Shutdown", timedelta(seconds=3))


def test_closing_closes_the_wire(tmp_path: Path) -> None:
    wire = FakeWire(OK)
    run(channel(wire, tmp_path).close())
    assert wire.closed
    assert [each.closed for each in wire.made] == [True]
