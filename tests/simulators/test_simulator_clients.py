"""Clients that this project did not write work against the simulators, unchanged but for the address."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import aioapns
import firebase_admin
import pytest
from aioapns.connection import APNsProductionClientProtocol
from firebase_admin import credentials, exceptions, messaging
from google.auth.exceptions import RefreshError

from simulators import Simulators
from tests.simulators.conftest import ALERT, DEVICE

TARGET = "fcm-target-0001"


async def send_with_aioapns(sim: Simulators, **request: object) -> aioapns.common.NotificationResult:
    settings = sim.settings()
    client = aioapns.APNs(
        key=Path(settings["PUSHHUB_APNS_KEY"]).read_text(),
        key_id=settings["PUSHHUB_APNS_KEY_ID"],
        team_id=settings["PUSHHUB_APNS_TEAM_ID"],
        topic=settings["PUSHHUB_APNS_TOPIC"],
        ssl_context=ssl.create_default_context(cafile=str(sim.ca_path)),
    )
    try:
        return await client.send_notification(
            aioapns.NotificationRequest(device_token=DEVICE, message=ALERT, **request)
        )
    finally:
        client.pool.close()
        await asyncio.sleep(0.05)


@pytest.fixture
def _aioapns_comes_here(sim: Simulators, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(sim.apns_url.rpartition(":")[2])
    monkeypatch.setattr(APNsProductionClientProtocol, "APNS_SERVER", "127.0.0.1")
    monkeypatch.setattr(APNsProductionClientProtocol, "APNS_PORT", port)


@pytest.mark.usefixtures("_aioapns_comes_here")
def test_aioapns_sends(sim: Simulators) -> None:
    result = asyncio.run(send_with_aioapns(sim, time_to_live=60, priority=10, collapse_key="ver_1"))
    assert result.is_successful
    [arrival] = sim.arrived(provider="apns")
    assert (arrival.message_id, arrival.collapse_id) == (result.notification_id, "ver_1")
    assert arrival.payload == ALERT


@pytest.mark.usefixtures("_aioapns_comes_here")
def test_aioapns_learns_since_when_a_device_is_gone(sim: Simulators) -> None:
    sim.declare(DEVICE, unregistered_since=datetime(2026, 1, 2, tzinfo=UTC))
    result = asyncio.run(send_with_aioapns(sim))
    assert (result.status, result.description) == ("410", "Unregistered")
    assert result.timestamp == 1_767_312_000_000


@pytest.fixture(autouse=True)
def _no_question_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """google-auth asks, beside the first request, where the account may be used, at a host fixed in its code."""
    lookup = "CredentialsWithRegionalAccessBoundary._is_regional_access_boundary_lookup_required"
    monkeypatch.setattr(f"google.auth.credentials.{lookup}", lambda _: False)


@pytest.fixture
def app(sim: Simulators, monkeypatch: pytest.MonkeyPatch) -> Iterator[firebase_admin.App]:
    """firebase-admin, whose host is fixed in its code, sends to the simulator; OAuth included."""
    url = sim.fcm_url + "/v1/projects/{0}/messages:send"
    monkeypatch.setattr("firebase_admin.messaging._MessagingService.FCM_URL", url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(sim.ca_path))
    account = credentials.Certificate(sim.settings()["PUSHHUB_FCM_CREDENTIALS"])
    made = firebase_admin.initialize_app(account, name="simulated")
    yield made
    firebase_admin.delete_app(made)


def test_firebase_admin_sends_to_an_installation_id(sim: Simulators, app: firebase_admin.App) -> None:
    message = messaging.Message(
        fid=TARGET,
        notification=messaging.Notification("Confirmation", "Open the app"),
        data={"id": "ver_1"},
        android=messaging.AndroidConfig(collapse_key="ver_1", ttl=300, priority="high"),
    )
    name = messaging.send(message, app=app)
    [arrival] = sim.arrived(provider="fcm", target=TARGET)
    assert arrival.message_id == name
    assert arrival.payload["message"]["android"]["ttl"] == "300s"
    assert arrival.answered


def test_firebase_admin_sends_to_a_registration_token(sim: Simulators, app: firebase_admin.App) -> None:
    with pytest.warns(DeprecationWarning, match="fid"):
        message = messaging.Message(token=TARGET)
    assert messaging.send(message, app=app).startswith(f"projects/{sim.project}/messages/")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("UNREGISTERED", messaging.UnregisteredError),
        ("SENDER_ID_MISMATCH", messaging.SenderIdMismatchError),
        ("QUOTA_EXCEEDED", messaging.QuotaExceededError),
        ("THIRD_PARTY_AUTH_ERROR", messaging.ThirdPartyAuthError),
        ("INVALID_ARGUMENT", exceptions.InvalidArgumentError),
        ("PERMISSION_DENIED", exceptions.PermissionDeniedError),
    ],
)
def test_firebase_admin_understands_the_errors(
    sim: Simulators, app: firebase_admin.App, code: str, expected: type[Exception]
) -> None:
    sim.script(provider="fcm", reason=code, times=None)  # google-auth tries again after a 401
    with pytest.raises(expected):
        messaging.send(messaging.Message(fid=TARGET), app=app)


def test_firebase_admin_understands_that_it_may_not_come_in(sim: Simulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(sim.ca_path))
    account = json.loads(Path(sim.settings()["PUSHHUB_FCM_CREDENTIALS"]).read_text())
    strange = credentials.Certificate({**account, "client_email": "someone@else"})
    made = firebase_admin.initialize_app(strange, name="stranger")
    try:
        with pytest.raises(RefreshError, match="account not found"):
            messaging.send(messaging.Message(fid=TARGET), app=made)
    finally:
        firebase_admin.delete_app(made)
    assert sim.arrived() == []
