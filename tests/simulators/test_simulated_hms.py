"""The Push Kit simulator refuses what Huawei refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from simulators import Simulators
from tests.simulators.conftest import Clock

TARGET = "hms-target-0001"
NOTIFICATION = {"title": "Confirmation", "body": "Open the app", "click_action": {"type": 3}}
Send = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(sim: Simulators, google_session: requests.Session) -> Callable[..., requests.Response]:
    """Ask for a credential; a field may be spoiled."""
    settings = sim.settings()

    def call(**spoiled: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": settings["PUSHHUB_HMS_APP_ID"],
            "client_secret": Path(settings["PUSHHUB_HMS_SECRET"]).read_text().strip(),
        }
        return google_session.post(settings["PUSHHUB_HMS_OAUTH_URL"], data={**form, **spoiled}, timeout=30)

    return call


@pytest.fixture
def send(sim: Simulators, google_session: requests.Session, ask: Callable[..., requests.Response]) -> Send:
    """Send a message; answers status and code. Any HTTP client will do, so this is `requests`."""
    bearer = ask().json()["access_token"]

    def call(
        message: Any = None, *, app: str = sim.settings()["PUSHHUB_HMS_APP_ID"], **options: Any
    ) -> tuple[int, str]:
        body = options.get("body", {"message": message or {"token": [TARGET]}})
        headers = {"authorization": options.get("authorization", f"Bearer {bearer}")}
        response = google_session.post(f"{sim.hms_url}/v1/{app}/messages:send", json=body, headers=headers, timeout=30)
        return response.status_code, response.json()["code"] if response.content else ""

    return call


def test_a_good_message_is_taken(sim: Simulators, send: Send) -> None:
    message = {"token": [TARGET], "data": "{}", "android": {"ttl": "60s", "notification": {**NOTIFICATION, "tag": "v"}}}
    assert send(message) == (200, "80000000")
    [arrival] = sim.arrived(provider="hms", target=TARGET)
    assert (arrival.collapse_id, arrival.status, arrival.reason) == ("v", 200, None)
    assert arrival.payload == {"message": message}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"token": [TARGET], "colour": "red"}, "80100003"),
        ({"token": [TARGET], "data": {"a": "b"}}, "80100003"),
        ({"token": [TARGET], "android": "x"}, "80100003"),
        ({"token": [TARGET], "android": {"ttl": "5m"}}, "80100003"),
        ({"token": [TARGET], "android": {"ttl": "9999999s"}}, "80100003"),
        ({"token": [TARGET], "android": {"notification": {**NOTIFICATION, "title": ""}}}, "80100003"),
        ({"token": [TARGET], "android": {"notification": {**NOTIFICATION, "click_action": {}}}}, "80100003"),
        ({"token": [TARGET], "android": {"urgency": "HIGH"}}, "80300011"),
        ({"token": [TARGET], "android": {"notification": {**NOTIFICATION, "importance": "HIGH"}}}, "80300011"),
        ({"token": []}, "80300010"),
        ({"token": TARGET}, "80300010"),
        ({"token": ["x" * 20] * 1001}, "80300010"),
        ({"data": "x"}, "80300010"),
        ({"token": ["short"]}, "80300007"),
        ({"token": ["with space inside"]}, "80300007"),
        ({"token": [TARGET], "data": "x" * 4090}, "80300008"),
    ],
)
def test_a_bad_message_is_refused_with_its_code(send: Send, message: Any, code: str) -> None:
    assert send(message)[1] == code


@pytest.mark.parametrize("body", [[], {}, {"message": "x"}, {"messager": {"token": [TARGET]}}])
def test_a_body_that_is_no_message_is_refused(send: Send, body: Any) -> None:
    assert send(body=body) == (400, "80100003")


def test_targets_that_are_gone_are_named(sim: Simulators, send: Send) -> None:
    sim.declare(TARGET, unregistered_since=datetime(2026, 1, 2, tzinfo=UTC))
    assert send() == (400, "80300007")
    assert send({"token": [TARGET, "another-target"]}) == (200, "80100000")


@pytest.mark.parametrize(
    ("authorization", "code"), [("", "80200001"), ("Bearer made-up", "80200001"), ("Basic x", "80200001")]
)
def test_without_a_credential_of_huawei_nothing_goes(send: Send, authorization: str, code: str) -> None:
    assert send(authorization=authorization) == (401, code)


def test_a_credential_runs_out_after_an_hour(send: Send, clock: Clock) -> None:
    clock.offset = 3590
    assert send()[0] == 200
    clock.offset = 3605
    assert send() == (401, "80200003")


def test_another_app_may_not_push_and_other_addresses_are_not_there(
    sim: Simulators, send: Send, google_session: requests.Session
) -> None:
    assert send(app="42") == (403, "80300002")
    assert google_session.get(f"{sim.hms_url}/v1/1/messages:send", timeout=30).status_code == 404
    assert google_session.post(f"{sim.hms_url}/v2/x", timeout=30).status_code == 404
    assert google_session.get(sim.settings()["PUSHHUB_HMS_OAUTH_URL"], timeout=30).status_code == 405


@pytest.mark.parametrize(
    ("spoiled", "sub_error"),
    [({"client_id": "42"}, 20001), ({"client_secret": "wrong"}, 12304), ({"grant_type": "password"}, 20001)],
)
def test_a_wrong_client_gets_no_credential(
    ask: Callable[..., requests.Response], spoiled: dict[str, str], sub_error: int
) -> None:
    response = ask(**spoiled)
    assert response.status_code == 400
    assert response.json()["error"] == 1101
    assert response.json()["sub_error"] == sub_error


def test_a_script_is_played_for_its_target_only(sim: Simulators, send: Send) -> None:
    sim.script(provider="hms", target=TARGET, reason="81000001", detail={"msg": "scripted"})
    assert send({"token": ["another-target"]}) == (200, "80000000")
    assert send() == (500, "81000001")
    sim.script(provider="hms", status=503)
    assert send() == (503, "")
    assert json.loads(json.dumps([each.reason for each in sim.arrived()])) == [None, "81000001", None]
