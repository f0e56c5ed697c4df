"""The APNs simulator refuses what Apple refuses."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from simulators import Simulators
from tests.simulators.conftest import ALERT, DEVICE, Clock, Sender


def assert_refused(response: Any, status: int, reason: str) -> dict[str, Any]:
    body = response.json()
    assert (response.status, body["reason"]) == (status, reason)
    assert uuid.UUID(response.get_header("apns-id"))
    return body


def test_a_good_push_is_taken_and_its_id_comes_back(sim: Simulators, sender: Sender) -> None:
    apns_id = str(uuid.uuid4())
    response = sender.apns(headers={"apns-id": apns_id, "apns-collapse-id": "ver_1"})
    assert response.status == 200
    assert response.get_header("apns-id") == apns_id
    assert response.get_header("apns-unique-id") is None
    [arrival] = sim.arrived()
    assert (arrival.provider, arrival.target, arrival.message_id) == ("apns", DEVICE, apns_id)
    assert (arrival.collapse_id, arrival.payload, arrival.status) == ("ver_1", ALERT, 200)
    assert arrival.answered
    assert arrival.headers["apns-push-type"] == "alert"
    assert "authorization" not in arrival.headers
    assert datetime.fromisoformat(arrival.at).tzinfo == UTC
    assert DEVICE not in repr(arrival)


def test_a_push_without_an_id_gets_one(sender: Sender) -> None:
    assert uuid.UUID(sender.apns(drop=("apns-id",)).get_header("apns-id") or "")


def test_only_the_sandbox_gives_a_unique_id(sim: Simulators, sender: Sender) -> None:
    response = sender.apns(url=sim.apns_sandbox_url)
    assert uuid.UUID(response.get_header("apns-unique-id") or "")
    assert sim.arrived()[0].provider == "apns-sandbox"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"apns-topic": ""}, "MissingTopic"),
        ({"apns-topic": "no spaces allowed"}, "BadTopic"),
        ({"apns-topic": "org.example.other"}, "TopicDisallowed"),
        ({"apns-push-type": "Alert"}, "InvalidPushType"),
        ({"apns-push-type": ""}, "InvalidPushType"),
        ({"apns-priority": "7"}, "BadPriority"),
        ({"apns-priority": "10", "apns-push-type": "background"}, "BadPriority"),
        ({"apns-expiration": "tomorrow"}, "BadExpirationDate"),
        ({"apns-expiration": "-1"}, "BadExpirationDate"),
        ({"apns-id": "42"}, "BadMessageId"),
        ({"apns-id": "{" + str(uuid.UUID(int=1)) + "}"}, "BadMessageId"),
        ({"apns-collapse-id": "x" * 65}, "BadCollapseId"),
        ({"apns-collapse-id": "я" * 33}, "BadCollapseId"),
    ],
)
def test_a_bad_header_is_refused(sender: Sender, headers: dict[str, str], reason: str) -> None:
    assert_refused(sender.apns(headers=headers), 400, reason)


@pytest.mark.parametrize(
    "headers",
    [
        {"apns-collapse-id": "x" * 64},
        {"apns-priority": "5", "apns-push-type": "background"},
        {"apns-priority": "1"},
        {"apns-expiration": "1900000000"},
        {"apns-topic": "org.example.pushhub.voip", "apns-push-type": "voip"},
    ],
)
def test_a_good_header_is_taken(sender: Sender, headers: dict[str, str]) -> None:
    assert sender.apns(headers=headers).status == 200


def test_optional_headers_may_be_left_out(sender: Sender) -> None:
    assert sender.apns(drop=("apns-id", "apns-priority", "apns-expiration", "apns-push-type")).status == 200
    assert_refused(sender.apns(drop=("apns-topic",)), 400, "MissingTopic")


def test_a_repeated_header_is_refused(sender: Sender) -> None:
    pairs = [("apns-priority", "10"), ("apns-priority", "10")]
    response = (
        sender.client.post(f"{sender.sim.apns_url}/3/device/{DEVICE}").headers(pairs).body_text("{}").build().send()
    )
    assert_refused(response, 400, "DuplicateHeaders")


@pytest.mark.parametrize("target", ["ab", "zz" * 32, "a" * 63, "a" * 201, f"{DEVICE}/x", f"{DEVICE}?x=1"])
def test_a_malformed_device_token_is_refused(sender: Sender, target: str) -> None:
    assert_refused(sender.apns(target), 400, "BadDeviceToken")


@pytest.mark.parametrize("target", ["a" * 64, "A" * 64, "0" * 200])
def test_a_well_formed_device_token_is_taken(sender: Sender, target: str) -> None:
    assert sender.apns(target).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("POST", "/", 404, "BadPath"),
        ("POST", f"/2/device/{DEVICE}", 404, "BadPath"),
        ("POST", f"/x/3/device/{DEVICE}", 404, "BadPath"),
        ("POST", "/3/device/", 400, "MissingDeviceToken"),
        ("POST", "/3/device", 400, "MissingDeviceToken"),
        ("PUT", f"/3/device/{DEVICE}", 405, "MethodNotAllowed"),
    ],
)
def test_a_wrong_address_is_refused(sender: Sender, method: str, path: str, status: int, reason: str) -> None:
    assert_refused(sender.apns(path=path, method=method), status, reason)


def sized(size: int) -> bytes:
    return json.dumps({"aps": {}, "x": "y" * (size - 20)}).encode()


@pytest.mark.parametrize(
    ("payload", "status", "reason"),
    [
        (b"", 400, "PayloadEmpty"),
        (b"{}", 400, "PayloadEmpty"),
        (b"[]", 400, "PayloadEmpty"),
        (b'{"aps": "text"}', 400, "PayloadEmpty"),
        (b'{"aps": {}, "x": NaN}', 400, "PayloadEmpty"),
        (b"[" * 4000, 400, "PayloadEmpty"),
        (b"\xff\xfe", 400, "PayloadEmpty"),
        (sized(4097), 413, "PayloadTooLarge"),
        (sized(300_000), 413, "PayloadTooLarge"),
    ],
    ids=["empty", "no aps", "list", "aps text", "NaN", "deep", "not UTF-8", "4097 bytes", "300 kB"],
)
def test_a_bad_payload_is_refused(sender: Sender, payload: bytes, status: int, reason: str) -> None:
    assert_refused(sender.apns(payload=payload), status, reason)
    assert sender.apns().status == 200  # the connection is still good


def test_a_payload_of_exactly_4096_bytes_is_taken(sender: Sender) -> None:
    assert len(sized(4096)) == 4096
    assert sender.apns(payload=sized(4096)).status == 200


def test_voip_pushes_may_be_longer(sender: Sender) -> None:
    voip = {"apns-push-type": "voip", "apns-topic": "org.example.pushhub.voip"}
    assert sender.apns(payload=sized(5120), headers=voip).status == 200
    assert_refused(sender.apns(payload=sized(5121), headers=voip), 413, "PayloadTooLarge")


@pytest.mark.parametrize(
    "headers", [{"authorization": ""}, {"authorization": "basic abc"}, {"authorization": "bearer"}]
)
def test_a_push_without_a_provider_token_is_refused(sender: Sender, headers: dict[str, str]) -> None:
    assert_refused(sender.apns(headers=headers), 403, "MissingProviderToken")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"iss": "OTHERTEAM1"}, "InvalidProviderToken"),
        ({"iss": None}, "InvalidProviderToken"),
        ({"kid": "OTHERKEY01"}, "InvalidProviderToken"),
        ({"kid": None}, "InvalidProviderToken"),
        ({"iat": None}, "InvalidProviderToken"),
        ({"iat": "now"}, "InvalidProviderToken"),
        ({"age": -300}, "InvalidProviderToken"),
        ({"key": ECKey.generate_key("P-256")}, "InvalidProviderToken"),
        ({"key": OctKey.generate_key(256), "alg": "HS256"}, "InvalidProviderToken"),
        ({"age": 3700}, "ExpiredProviderToken"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else " ".join(value),
)
def test_a_bad_provider_token_is_refused(sender: Sender, parts: dict[str, Any], reason: str) -> None:
    assert_refused(sender.apns(provider_jwt=sender.make_jwt(**parts)), 403, reason)


@pytest.mark.parametrize("made_up", ["x", "a.b.c", "я.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_jwt_at_all_is_refused(sender: Sender, made_up: str) -> None:
    assert_refused(sender.apns(provider_jwt=made_up), 403, "InvalidProviderToken")


def test_a_provider_token_expires_after_an_hour(sender: Sender, clock: Clock) -> None:
    assert sender.apns().status == 200
    clock.offset = 3590
    assert sender.apns().status == 200
    clock.offset = 3605
    assert_refused(sender.apns(), 403, "ExpiredProviderToken")


def test_a_provider_token_renewed_within_20_minutes_is_refused_on_that_connection(sender: Sender) -> None:
    first, second = sender.make_jwt(age=1000), sender.make_jwt(age=0)
    assert sender.apns(provider_jwt=first).status == 200
    assert_refused(sender.apns(provider_jwt=second), 429, "TooManyProviderTokenUpdates")
    assert sender.apns(provider_jwt=first).status == 200
    assert sender.new().apns(provider_jwt=second).status == 200


def test_a_provider_token_renewed_after_20_minutes_is_taken(sender: Sender) -> None:
    assert sender.apns(provider_jwt=sender.make_jwt(age=1300)).status == 200
    assert sender.apns(provider_jwt=sender.make_jwt(age=50)).status == 200


def test_another_key_on_the_same_connection_is_refused(sender: Sender) -> None:
    assert sender.apns().status == 200
    assert_refused(sender.apns(provider_jwt=sender.make_jwt(kid="OTHERKEY01")), 403, "UnrelatedKeyIdInToken")


def test_a_device_of_the_other_environment_is_refused(sim: Simulators, sender: Sender) -> None:
    sim.declare(DEVICE, environment="sandbox")
    assert_refused(sender.apns(), 400, "BadDeviceToken")
    assert sender.apns(url=sim.apns_sandbox_url).status == 200


def test_a_device_that_is_gone_is_answered_with_the_time_it_went(sim: Simulators, sender: Sender) -> None:
    sim.declare(DEVICE, unregistered_since=datetime(2026, 1, 2, tzinfo=UTC))
    body = assert_refused(sender.apns(), 410, "Unregistered")
    assert body["timestamp"] == 1_767_312_000_000
    assert [(each.status, each.reason) for each in sim.arrived()] == [(410, "Unregistered")]


def test_a_device_of_another_app_is_refused(sim: Simulators, sender: Sender) -> None:
    sim.declare(DEVICE, topic="org.example.other")
    assert_refused(sender.apns(), 400, "DeviceTokenNotForTopic")
    sim.declare(DEVICE, topic="org.example.pushhub")
    assert sender.apns().status == 200
