"""What FcmChannel puts on the wire and how it deals with a refused credential."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from channel_material import FCM_TARGET, NOW, FakeWire, Ticks, answer, in_a_loop, message, run

from pushhub.channels.contract import Accepted, ChannelDown, Message, PushKind, PushTarget, Rejected, Retry
from pushhub.channels.credentials import OAUTH_GAP, Grant, OAuthCredential
from pushhub.channels.fcm import MAX_PAYLOAD, FcmChannel, build
from pushhub.channels.transport import TransportFailed

pytestmark = pytest.mark.usefixtures("still_time")

OK = answer(200, {"name": "projects/demo/messages/1"})
FCM_ERROR = "google.firebase.fcm.v1.FcmError"
REFUSED = answer(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})


def channel(wire: FakeWire, fetch: Callable[[], Grant] | None = None, ticks: Ticks | None = None) -> FcmChannel:
    credential = OAuthCredential(fetch or (lambda: Grant("Bearer one", 3600.0)), monotonic=ticks or Ticks())
    return FcmChannel(wire=wire, credential=credential, project_id="demo", url="https://fcm.example")


def numbered() -> Callable[[], Grant]:
    made = iter(range(1, 100))
    return lambda: Grant(f"Bearer {next(made)}", 3600.0)


def test_a_code_goes_out_as_one_message_in_the_shape_of_http_v1() -> None:
    wire = FakeWire(OK)
    assert run(channel(wire).send(message())) == Accepted("projects/demo/messages/1")
    [(url, headers, body)] = wire.posts
    assert url == "https://fcm.example/v1/projects/demo/messages:send"
    assert headers == {"authorization": "Bearer one", "content-type": "application/json"}
    assert json.loads(body) == {
        "message": {
            "token": FCM_TARGET,
            "data": {"kind": "code", "code": "7391"},
            "notification": {"title": "Bank Aurora", "body": "spoken only to you: Код"},
            "android": {
                "collapse_key": "ver_1",
                "priority": "high",
                "ttl": "120s",
                "notification": {"tag": "ver_1", "channel_id": "codes"},
            },
        }
    }


def shape(sent: Message) -> Any:
    return json.loads(build(sent))["message"]


def test_an_installation_id_goes_out_as_fid() -> None:
    model = shape(message(PushKind.FCM_FID))
    assert model["fid"] == FCM_TARGET
    assert "token" not in model


def test_a_notification_that_does_not_hurry_has_normal_priority_and_its_own_channel() -> None:
    android = shape(message(urgent=False))["android"]
    assert (android["priority"], android["notification"]["channel_id"]) == ("normal", "notifications")


@pytest.mark.parametrize(("left", "ttl"), [(-5, "0s"), (0.9, "0s"), (59.9, "59s"), (60 * 86400, "2419200s")])
def test_the_ttl_is_what_is_left_of_the_life_within_fcms_bounds(left: float, ttl: str) -> None:
    assert shape(message(expires_at=NOW + timedelta(seconds=left)))["android"]["ttl"] == ttl


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (message(PushKind.APNS), "wrong_target_kind"),
        (message(data={"kind": 5}), "invalid_message"),
        (message(title="\ud800"), "invalid_message"),
        (message(target=PushTarget(PushKind.FCM_TOKEN, "")), "invalid_message"),
        (message(body="ж" * (MAX_PAYLOAD // 2)), "PayloadTooLarge"),
    ],
)
def test_a_message_that_can_not_pass_is_rejected_before_it_is_sent(sent: Message, reason: str) -> None:
    wire = FakeWire(OK)
    assert run(channel(wire).send(sent)) == Rejected(reason)
    assert wire.posts == []


def test_a_long_message_within_the_bound_is_under_fcms_4096_bytes() -> None:
    sent = message(body="ж" * 1800, title="", data={})
    assert 3500 < len(json.dumps(shape(sent), ensure_ascii=False).encode()) < 4096


def test_a_transport_failure_is_a_retry_with_its_reason() -> None:
    assert run(channel(FakeWire(TransportFailed("reset"))).send(message())) == Retry("reset")
    assert run(channel(FakeWire(TransportFailed("request"))).send(message())) == Rejected("unsendable_request")


@in_a_loop
async def test_a_refused_credential_is_replaced_once_and_the_next_try_succeeds() -> None:
    fcm = channel(FakeWire(REFUSED, OK), numbered())
    assert await fcm.send(message()) == Retry("UNAUTHENTICATED", timedelta(0))
    assert await fcm.send(message()) == Accepted("projects/demo/messages/1")


@in_a_loop
async def test_every_try_of_a_message_replaces_the_one_before_it_on_the_screen() -> None:
    wire = FakeWire(TransportFailed("timeout"), OK)
    fcm = channel(wire)
    assert await fcm.send(message()) == Retry("timeout")
    assert await fcm.send(message()) == Accepted("projects/demo/messages/1")
    tries = [*wire.posts, *wire.made[0].posts]
    sent = [json.loads(body)["message"]["android"] for _, _, body in tries]
    assert [(each["collapse_key"], each["notification"]["tag"]) for each in sent] == [("ver_1", "ver_1")] * 2


def test_an_error_that_says_nothing_is_tried_twice() -> None:
    body = {"error": {"details": [{"@type": f"/{FCM_ERROR}", "errorCode": "UNSPECIFIED_ERROR"}]}}
    fcm = channel(FakeWire(answer(500, body)))
    assert run(fcm.send(message())) == Retry("UNSPECIFIED_ERROR", timedelta(seconds=10))
    assert run(fcm.send(message(previous_error="UNSPECIFIED_ERROR"))) == Rejected("UNSPECIFIED_ERROR")


@in_a_loop
async def test_the_channel_is_down_when_the_fresh_credential_is_refused_too() -> None:
    ticks, wire = Ticks(), FakeWire(REFUSED)
    fcm = channel(wire, numbered(), ticks)
    again, down = Retry("UNAUTHENTICATED", timedelta(0)), ChannelDown("UNAUTHENTICATED")
    assert [await fcm.send(message()) for _ in range(3)] == [again, down, down]
    ticks.at += OAUTH_GAP
    assert [await fcm.send(message()) for _ in range(2)] == [again, down]
    assert [headers["authorization"][-1] for _, headers, _ in wire.posts] == list("12223")


def test_a_channel_without_a_credential_sends_nothing() -> None:
    def fetch() -> Grant:
        raise TransportFailed("connect")

    wire = FakeWire(OK)
    assert run(channel(wire, fetch).send(message())) == Retry("oauth_connect")
    assert wire.posts == []


def test_closing_closes_the_wire() -> None:
    wire = FakeWire(OK)
    run(channel(wire).close())
    assert wire.closed
