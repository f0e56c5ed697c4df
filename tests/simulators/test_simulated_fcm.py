"""The FCM simulator refuses what Google refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from simulators import Simulators
from simulators.answers import BAD_REQUEST_TYPE, FCM_ERROR_TYPE
from tests.simulators.conftest import Clock, Sender

TARGET = "fcm-target-0001"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


def error_of(response: Any) -> tuple[int, str, list[str]]:
    error = response.json()["error"]
    assert error["code"] == response.status
    return response.status, error["status"], [each["@type"] for each in error.get("details", [])]


@pytest.mark.parametrize("kind", ["token", "fid"])
def test_a_good_message_is_taken(sim: Simulators, sender: Sender, access_token: str, kind: str) -> None:
    message = {
        kind: TARGET,
        "notification": {"title": "Confirmation", "body": "Open the app"},
        "data": {"id": "ver_1"},
        "android": {"ttl": "300s", "priority": "high", "collapse_key": "ver_1"},
    }
    response = sender.fcm(message, access_token)
    assert response.status == 200
    name = response.json()["name"]
    assert name.startswith(f"projects/{sim.project}/messages/0:")
    [arrival] = sim.arrived(provider="fcm", target=TARGET)
    assert (arrival.message_id, arrival.collapse_id, arrival.status) == (name, "ver_1", 200)
    assert arrival.payload == {"message": message}
    assert arrival.answered


def test_fields_in_camel_case_are_the_same_fields(sim: Simulators, sender: Sender, access_token: str) -> None:
    message = {"token": TARGET, "android": {"collapseKey": "ver_2"}, "fcmOptions": {"analyticsLabel": "x"}}
    assert sender.fcm(message, access_token).status == 200
    assert sim.arrived()[0].collapse_id == "ver_2"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"token": TARGET, "topic": "news"}, "message"),
        ({"data": {"a": "b"}}, "message"),
        ({"topic": "news"}, "message.topic"),
        ({"condition": "'a' in topics"}, "message.condition"),
        ({"token": 5}, "message.token"),
        ({"token": TARGET, "data": {"a": 1}}, "message.data"),
        ({"token": TARGET, "data": {"from": "x"}}, "message.data"),
        ({"token": TARGET, "data": ["a"]}, "message.data"),
        ({"token": TARGET, "colour": "red"}, "message"),
        ({"token": TARGET, "android": {"ttl": 300}}, "message.android.ttl"),
        ({"token": TARGET, "android": {"ttl": "5m"}}, "message.android.ttl"),
        ({"token": TARGET, "android": {"ttl": "2419201s"}}, "message.android.ttl"),
        ({"token": TARGET, "android": {"priority": "urgent"}}, "message.android.priority"),
        ({"token": TARGET, "android": {"collapse_key": 1}}, "message.android.collapse_key"),
        ({"token": TARGET, "android": {"time": "300s"}}, "message.android"),
        ({"token": TARGET, "android": "high"}, "message.android"),
        ({"token": TARGET, "android": {"notification": "x"}}, "message.android.notification"),
        ({"token": TARGET, "notification": {"headline": "x"}}, "message.notification"),
        ({"token": TARGET, "notification": {"title": 1}}, "message.notification"),
        ({"token": TARGET, "data": {"a": "x" * 4090}}, "message"),
    ],
)
def test_a_bad_message_is_refused_with_the_field_at_fault(
    sim: Simulators, sender: Sender, access_token: str, message: dict[str, Any], field: str
) -> None:
    response = sender.fcm(message, access_token)
    assert error_of(response) == (400, "INVALID_ARGUMENT", [BAD_REQUEST_TYPE])
    assert response.json()["error"]["details"][0]["fieldViolations"][0]["field"] == field
    assert sim.arrived()[0].reason == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "message",
    [
        {"token": TARGET},
        {"token": TARGET, "data": {"a": "x" * 4088}},
        {"token": TARGET, "notification": {"body": "я" * 2000}},
    ],
)
def test_a_message_within_the_limits_is_taken(sender: Sender, access_token: str, message: dict[str, Any]) -> None:
    assert sender.fcm(message, access_token).status == 200


@pytest.mark.parametrize("body", [[], {"message": "x"}, {"message": {}}, {"message": {"token": TARGET}, "x": 1}, {}])
def test_a_body_that_is_no_message_is_refused(sender: Sender, access_token: str, body: Any) -> None:
    assert error_of(sender.fcm(None, access_token, body=body))[:2] == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("target", ["short", "with white space", "tab\tin-the-middle"])
def test_a_malformed_target_is_not_taken_for_a_bad_message(sender: Sender, access_token: str, target: str) -> None:
    response = sender.fcm({"token": target}, access_token)
    assert error_of(response) == (400, "INVALID_ARGUMENT", [FCM_ERROR_TYPE])
    assert "not a valid FCM registration token" in response.json()["error"]["message"]
    assert response.json()["error"]["details"][0]["errorCode"] == "INVALID_ARGUMENT"


def test_a_target_that_is_gone_is_unregistered(sim: Simulators, sender: Sender, access_token: str) -> None:
    sim.declare(TARGET, unregistered_since=datetime(2026, 1, 2, tzinfo=UTC))
    response = sender.fcm({"token": TARGET}, access_token)
    assert error_of(response) == (404, "NOT_FOUND", [FCM_ERROR_TYPE])
    assert response.json()["error"]["details"] == [{"@type": FCM_ERROR_TYPE, "errorCode": "UNREGISTERED"}]
    sim.declare(TARGET)
    assert sender.fcm({"token": TARGET}, access_token).status == 200


def test_validate_only_checks_and_delivers_nothing(sim: Simulators, sender: Sender, access_token: str) -> None:
    sim.script(provider="fcm", reason="UNREGISTERED")
    body = {"message": {"token": TARGET}, "validate_only": True}
    response = sender.fcm(None, access_token, body=body)
    assert response.json() == {"name": f"projects/{sim.project}/messages/fake_message_id"}
    assert [each.reason for each in sim.arrived()] == ["validate_only"]
    bad = {"message": {"token": TARGET, "data": {"a": 1}}, "validateOnly": True}
    assert sender.fcm(None, access_token, body=bad).status == 400


def test_another_project_is_not_found_and_no_fcm_error(sender: Sender, access_token: str) -> None:
    response = sender.fcm({"token": TARGET}, access_token, project="other")
    assert error_of(response) == (404, "NOT_FOUND", [])


@pytest.mark.parametrize("access_token", ["ya29.made-up", "x", "ya29.я", "A" * 64])
def test_an_access_token_that_was_not_issued_here_is_refused(sender: Sender, access_token: str) -> None:
    response = sender.fcm({"token": TARGET}, access_token)
    assert error_of(response) == (401, "UNAUTHENTICATED", [])


def test_an_access_token_expires(sender: Sender, access_token: str, clock: Clock) -> None:
    clock.offset = 3590
    assert sender.fcm({"token": TARGET}, access_token).status == 200
    clock.offset = 3605
    assert error_of(sender.fcm({"token": TARGET}, access_token))[:2] == (401, "UNAUTHENTICATED")


def test_other_addresses_and_methods_are_told_apart(sim: Simulators, google_session: requests.Session) -> None:
    assert google_session.get(sim.fcm_url + "/").status_code == 404
    send = f"{sim.fcm_url}/v1/projects/{sim.project}/messages:send"
    assert google_session.get(send).status_code == 405
    assert google_session.head(send).status_code == 405
    assert google_session.get(sim.fcm_url + "/token").status_code == 405


def test_a_body_beyond_all_limits_is_refused_over_http_1(sim: Simulators, google_session: requests.Session) -> None:
    url = f"{sim.fcm_url}/token"
    assert google_session.post(url, data={"assertion": "x" * 40_000}, timeout=30).status_code == 400


@pytest.fixture
def grant(sim: Simulators, google_session: requests.Session) -> Callable[..., tuple[int, str]]:
    """Ask for an access token with an assertion whose claims are given; None leaves one out."""
    account = json.loads(Path(sim.settings()["PUSHHUB_FCM_CREDENTIALS"]).read_text())

    def ask(*, key: RSAKey | None = None, grant_type: str = GRANT, **spoiled: Any) -> tuple[int, str]:
        now = int(time.time())
        claims = {
            "iss": account["client_email"],
            "aud": account["token_uri"],
            "iat": now,
            "exp": now + 3600,
            "scope": SCOPE,
            **spoiled,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        assertion = jwt.encode({"alg": "RS256"}, claims, key or RSAKey.import_key(account["private_key"]))
        form = {"grant_type": grant_type, "assertion": assertion}
        response = google_session.post(account["token_uri"], data=form, timeout=30)
        return response.status_code, response.json().get("error", "")

    return ask


def test_a_good_assertion_is_granted(grant: Callable[..., tuple[int, str]]) -> None:
    assert grant() == (200, "")
    assert grant(aud="https://oauth2.googleapis.com/token") == (200, "")


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"key": RSAKey.generate_key(2048)}, "invalid_grant"),
        ({"iss": "someone@else"}, "invalid_grant"),
        ({"aud": "https://example.org/token"}, "invalid_grant"),
        ({"aud": ["x"]}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
        ({"iat": None}, "invalid_grant"),
        ({"iat": 1_000, "exp": 4_600}, "invalid_grant"),
        ({"exp": 4_000_000_000}, "invalid_grant"),
        ({"iat": 4_000_000_000, "exp": 4_000_003_600}, "invalid_grant"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_bad_assertion_is_refused(grant: Callable[..., tuple[int, str]], spoiled: dict[str, Any], error: str) -> None:
    assert grant(**spoiled) == (400, error)


def test_the_token_endpoint_can_be_scripted_to_fail(sim: Simulators, grant: Callable[..., tuple[int, str]]) -> None:
    sim.script(status=503, reason="X")
    sim.script(provider="oauth", status=503, reason="server_error")
    assert grant() == (503, "server_error")
    assert grant() == (200, "")
    assert sim.arrived() == []
