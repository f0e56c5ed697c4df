"""The control API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from pyreqwest.exceptions import NetworkError

from simulators import Simulators
from tests.simulators.conftest import DEVICE, Sender

Control = Callable[..., tuple[int, Any]]
OTHER = "cd" * 32


def test_the_front_page_tells_where_everything_is(sim: Simulators, control: Control) -> None:
    status, page = control("GET", "/")
    assert status == 200
    assert page["settings"] == sim.settings()
    assert page["fcm"] == sim.fcm_url
    assert "POST /scripts" in page["help"]


def test_what_arrived_is_shown_and_paged(sim: Simulators, sender: Sender, control: Control) -> None:
    for target in (DEVICE, OTHER, DEVICE):
        sender.apns(target)
    sender.apns(payload=b"")
    _, page = control("GET", "/arrived")
    assert page["counts"] == {"apns": {"arrived": 4, "answered": 4, "by_status": {"200": 3, "400": 1}}}
    assert page["arrived"] == [each.as_json() for each in sim.arrived()]
    first, second, third, fourth = (each["seq"] for each in page["arrived"])
    assert page["next_after"] == fourth

    _, page = control("GET", f"/arrived?after={first}&target={DEVICE}&limit=1")
    assert [each["seq"] for each in page["arrived"]] == [third]
    _, page = control("GET", f"/arrived?after={third}&provider=fcm")
    assert (page["arrived"], page["next_after"]) == ([], fourth)
    assert second < third

    assert control("DELETE", "/arrived") == (200, {})
    _, page = control("GET", "/arrived")
    assert (page["arrived"], page["counts"]) == ([], {})
    assert page["next_after"] == fourth


def test_scripts_are_added_shown_and_deleted(sender: Sender, control: Control) -> None:
    script = {"provider": "apns", "target": DEVICE, "reason": "Unregistered", "timestamp": 5, "times": None}
    status, added = control("POST", "/scripts", script)
    assert status == 201
    assert sender.apns().json() == {"reason": "Unregistered", "timestamp": 5}
    _, shown = control("GET", "/scripts")
    assert {**script, "id": added["id"]}.items() <= shown["scripts"][0].items()
    assert control("DELETE", "/scripts") == (200, {})
    assert control("GET", "/scripts")[1] == {"scripts": [], "goaway_after": {}}
    assert sender.apns().status == 200


def test_targets_are_declared(sim: Simulators, sender: Sender, control: Control) -> None:
    gone = {"target": DEVICE, "unregistered_since": "2026-01-02T00:00:00Z"}
    assert control("POST", "/targets", gone) == (200, {})
    assert sender.apns().json()["timestamp"] == 1_767_312_000_000
    control("POST", "/targets", {"target": DEVICE, "environment": "sandbox"})
    assert sender.apns().json()["reason"] == "BadDeviceToken"
    assert sender.apns(url=sim.apns_sandbox_url).status == 200


def test_settings_change_what_is_kept_and_when_connections_end(
    sim: Simulators, sender: Sender, control: Control
) -> None:
    wanted = {"goaway_after": {"apns": 3}, "count_only": True}
    try:
        assert control("POST", "/settings", wanted) == (200, wanted)
        sender.apns()
        assert sim.arrived() == []
        assert sim.counts()["apns"].by_status == {"200": 1}
        assert sim.counts()["apns"].answered == 1
    finally:
        unwanted = {"goaway_after": {"apns": None}, "count_only": False}
        answer = control("POST", "/settings", unwanted)
    assert answer == (200, {"goaway_after": {}, "count_only": False})


@pytest.mark.parametrize(
    ("method", "path", "value", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("PUT", "/scripts", {}, 405),
        ("GET", "/arrived?limit=0", None, 400),
        ("GET", "/arrived?limit=5000", None, 400),
        ("GET", "/arrived?after=-1", None, 400),
        ("GET", "/arrived?provider=pigeon", None, 400),
        ("GET", "/arrived?page=2", None, 400),
        ("POST", "/scripts", [], 400),
        ("POST", "/scripts", {"colour": "red"}, 400),
        ("POST", "/scripts", {"status": "x"}, 400),
        ("POST", "/targets", {"target": ""}, 400),
        ("POST", "/targets", {"target": "x", "environment": "test"}, 400),
        ("POST", "/targets", {"target": "x", "topic": 1}, 400),
        ("POST", "/targets", {"target": "x", "unregistered_since": "yesterday"}, 400),
        ("POST", "/targets", {"target": "x", "unregistered_since": "2026-01-02T00:00:00"}, 400),
        ("POST", "/targets", {"goal": "x"}, 400),
        ("POST", "/subscriptions", {"application_server_key": 5}, 400),
        ("POST", "/subscriptions", {"application_server_key": "a"}, 400),
        ("POST", "/subscriptions", {"key": "x"}, 400),
        ("POST", "/settings", {"goaway_after": {"apns": 0}}, 400),
        ("POST", "/settings", {"goaway_after": {"apns": "x"}}, 400),
        ("POST", "/settings", {"goaway_after": {"sms": 1}}, 400),
        ("POST", "/settings", {"count_only": 1}, 400),
        ("POST", "/settings", {"goaway_after": {}, "padding": "x" * 70_000}, 400),
    ],
)
def test_bad_input_gets_a_sentence(control: Control, method: str, path: str, value: Any, status: int) -> None:
    answered, body = control(method, path, value)
    assert answered == status
    assert set(body) == {"error"}
    assert body["error"].endswith(".")


def test_a_web_page_cannot_post_unasked(sim: Simulators) -> None:
    answer = requests.post(sim.control_url + "/scripts", data='{"status": 500}', timeout=30)
    assert answer.status_code == 400
    assert "application/json" in answer.json()["error"]


def test_nothing_personal_is_logged(
    sim: Simulators, sender: Sender, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise KeyError(DEVICE)

    caplog.set_level("DEBUG")
    sender.apns()
    with monkeypatch.context() as patch:
        patch.setattr(sim._state.inbox, "record", broken)
        with pytest.raises(NetworkError):
            sender.apns()
    assert "KeyError" in caplog.text
    assert DEVICE not in caplog.text
    assert sender.provider_jwt not in caplog.text


def test_the_settings_name_files_that_are_there(sim: Simulators) -> None:
    for name in ("PUSHHUB_FCM_CREDENTIALS", "PUSHHUB_APNS_KEY", "PUSHHUB_PROVIDER_CA"):
        assert Path(sim.settings()[name]).is_file()
