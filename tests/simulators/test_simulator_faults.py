"""Scripted answers, and faults that happen on the wire."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from pyreqwest.exceptions import NetworkError, RequestError, RequestTimeoutError

from simulators import Fault, Script, Simulators
from simulators.answers import APNS_STATUSES, FCM_ERRORS
from tests.simulators.conftest import ALERT, DEVICE, Sender, async_client_builder

TARGET = "fcm-target-0001"


@pytest.mark.parametrize(("reason", "status"), APNS_STATUSES.items())
def test_every_apns_reason_can_be_scripted(sim: Simulators, sender: Sender, reason: str, status: int) -> None:
    sim.script(provider="apns", reason=reason)
    response = sender.apns()
    assert (response.status, response.json()) == (status, {"reason": reason})
    assert sender.apns().status == 200
    assert [(each.status, each.reason) for each in sim.arrived()] == [(status, reason), (200, None)]


@pytest.mark.parametrize(("code", "status"), [(code, status) for code, (status, _) in FCM_ERRORS.items()])
def test_every_fcm_error_can_be_scripted(
    sim: Simulators, sender: Sender, access_token: str, code: str, status: int
) -> None:
    sim.script(provider="fcm", reason=code)
    response = sender.fcm({"token": TARGET}, access_token)
    assert response.status == status
    assert response.json()["error"]["details"][0]["errorCode"] == code


def test_an_answer_carries_time_wait_and_detail(sim: Simulators, sender: Sender, access_token: str) -> None:
    sim.script(provider="apns", reason="ExpiredToken", timestamp=123, detail={"hint": "x"})
    assert sender.apns().json() == {"reason": "ExpiredToken", "timestamp": 123, "hint": "x"}
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []}
    sim.script(provider="fcm", reason="QUOTA_EXCEEDED", retry_after=7, detail=failure)
    response = sender.fcm({"token": TARGET}, access_token)
    assert response.get_header("retry-after") == "7"
    assert response.json()["error"]["details"][1] == failure


def test_a_status_of_no_table_can_be_scripted(sim: Simulators, sender: Sender, access_token: str) -> None:
    sim.script(provider="fcm", status=502)
    response = sender.fcm({"token": TARGET}, access_token)
    assert (response.status, response.json()["error"]["status"]) == (502, "UNKNOWN")
    sim.script(provider="apns", status=418, reason="Teapot")
    assert sender.apns().status == 418


def test_an_answer_may_have_a_body_that_is_not_the_providers(
    sim: Simulators, sender: Sender, access_token: str
) -> None:
    page = "<!DOCTYPE html><title>Error 502</title>"
    sim.script(status=502, body=page, retry_after=3, times=2)
    for response in (sender.fcm({"token": TARGET}, access_token), sender.apns()):
        assert (response.status, response.text(), response.get_header("retry-after")) == (502, page, "3")
        assert response.get_header_all("content-type") == ["text/html; charset=UTF-8"]


def test_an_arrival_tells_by_which_connection_it_came(sim: Simulators, sender: Sender) -> None:
    sender.apns()
    sender.apns()
    sim.goaway_after(1, "apns")
    sender.apns()
    sender.apns()
    first, second, third, fourth = (each.connection for each in sim.arrived())
    assert first == second == third
    assert fourth > third


def test_scripts_play_first_in_first_out_as_often_as_they_say(sim: Simulators, sender: Sender) -> None:
    sim.script(provider="apns", reason="TooManyRequests", times=2)
    sim.script(provider="apns", target=DEVICE, reason="InternalServerError")
    sim.script(provider="apns-sandbox", reason="Shutdown", times=None)
    statuses = [sender.apns().status for _ in range(4)]
    assert statuses == [429, 429, 500, 200]
    assert [sender.apns(url=sim.apns_sandbox_url).status for _ in range(3)] == [503] * 3


def test_a_script_for_one_target_leaves_others_alone(sim: Simulators, sender: Sender) -> None:
    sim.script(target=DEVICE, status=503, reason="ServiceUnavailable", times=None)
    assert sender.apns("cd" * 32).status == 200
    assert sender.apns().status == 503


def test_a_script_does_not_hide_a_mistake_of_the_sender(sim: Simulators, sender: Sender) -> None:
    sim.script(provider="apns", reason="ServiceUnavailable")
    assert sender.apns(payload=b"").status == 400
    assert sender.apns().status == 503


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"provider": "pigeon", "status": 500},
        {"provider": "hms", "reason": "80999999"},
        {"provider": "webpush", "reason": "80300007"},
        {"provider": "hms-oauth", "reason": "1101"},
        {"provider": "email", "status": 550, "detail": {"stage": "never"}},
        {"reason": "UNREGISTERED"},
        {"provider": "fcm", "reason": "Unregistered"},
        {"provider": "oauth", "reason": "UNREGISTERED"},
        {"status": 99},
        {"status": True},
        {"status": "500"},
        {"status": 500, "times": 0},
        {"delay": -1},
        {"delay": None},
        {"fault": "explode"},
        {"fault": "half"},
        {"fault": "rst_stream", "reset_code": "NO_SUCH_CODE"},
        {"delay": 1, "retry_after": 1},
        {"provider": "fcm", "reason": "INTERNAL", "body": "x"},
        {"status": 200, "body": "x"},
    ],
)
def test_a_script_that_cannot_be_played_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^(Give|Choose|Say|This|The|detail|body) .*[.?]$"):
        Script(**bad)


def test_an_answer_can_be_delayed(sim: Simulators, sender: Sender, access_token: str) -> None:
    sim.script(provider="apns", delay=0.2)
    sim.script(provider="fcm", delay=0.2)
    begun = time.monotonic()
    assert sender.apns().status == 200
    assert sender.fcm({"token": TARGET}, access_token).status == 200
    assert time.monotonic() - begun >= 0.4


#: A fault, and the status that is recorded with it.
BROKEN = [(Fault.RESET, None), (Fault.RESET_AFTER_TAKING, 200), (Fault.TRUNCATE, 200), (Fault.RST_STREAM, None)]


@pytest.mark.parametrize(("fault", "status"), BROKEN)
def test_a_broken_answer_over_http_2_is_recorded_as_it_was(
    sim: Simulators, sender: Sender, fault: Fault, status: int | None
) -> None:
    sim.script(provider="apns", fault=fault, reset_code="INTERNAL_ERROR")
    with pytest.raises(RequestError):
        sender.apns()
    [arrival] = sim.arrived()
    assert (arrival.status, arrival.answered) == (status, False)
    assert sender.apns().status == 200


@pytest.fixture
def send(sim: Simulators, google_session: requests.Session, access_token: str) -> Callable[..., int]:
    """A message to FCM over HTTP/1.1; returns the status of the answer."""
    url, headers = f"{sim.fcm_url}/v1/projects/{sim.project}/messages:send", {"authorization": f"Bearer {access_token}"}

    def post(timeout: float = 30) -> int:
        body = {"message": {"token": TARGET}}
        return google_session.post(url, json=body, headers=headers, timeout=timeout).status_code

    return post


@pytest.mark.parametrize(("fault", "status"), BROKEN)
def test_a_broken_answer_over_http_1_is_recorded_as_it_was(
    sim: Simulators, send: Callable[..., int], fault: Fault, status: int | None
) -> None:
    sim.script(provider="fcm", fault=fault)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        send()
    [arrival] = sim.arrived()
    assert (arrival.status, arrival.answered) == (status, False)
    assert send() == 200


def test_a_refused_stream_is_sent_again_by_the_client(sim: Simulators, sender: Sender) -> None:
    sim.script(provider="apns", fault="rst_stream")
    assert sender.apns().status == 200
    assert [each.status for each in sim.arrived()] == [None, 200]


def apns_request(sim: Simulators, client: Any, provider_jwt: str, target: str = DEVICE, apns_id: str = "") -> Any:
    """Ready to be sent."""
    headers = {"authorization": f"bearer {provider_jwt}", "apns-topic": "org.example.pushhub"}
    headers |= {"apns-id": apns_id} if apns_id else {}
    return client.post(f"{sim.apns_url}/3/device/{target}").headers(headers).body_json(ALERT).build()


def test_a_hanging_request_is_taken_and_never_answered(sim: Simulators, sender: Sender) -> None:
    async def send_one() -> None:
        async with async_client_builder(sim).timeout(timedelta(seconds=0.3)).build() as client:
            await apns_request(sim, client, sender.provider_jwt).send()

    sim.script(provider="apns", fault="hang")
    with pytest.raises(RequestTimeoutError):
        asyncio.run(send_one())
    [arrival] = sim.arrived()
    assert (arrival.status, arrival.answered) == (200, False)


def test_a_hanging_request_over_http_1_ends_when_the_client_gives_up(sim: Simulators, send: Callable[..., int]) -> None:
    sim.script(provider="fcm", fault="hang")
    with pytest.raises(requests.ReadTimeout):
        send(timeout=0.2)
    assert not sim.arrived()[0].answered


async def push_many(sim: Simulators, provider_jwt: str, count: int, at_once: int) -> list[int | None]:
    """Statuses of `count` pushes, None for one that failed; each has its own device and apns-id."""
    statuses: list[int | None] = []
    numbers = iter(range(count))
    async with async_client_builder(sim).timeout(timedelta(seconds=5)).build() as client:

        async def work() -> None:
            for number in numbers:
                request = apns_request(sim, client, provider_jwt, f"{number:064x}", str(uuid.UUID(int=number)))
                try:
                    statuses.append((await request.send()).status)
                except NetworkError:
                    statuses.append(None)

        await asyncio.gather(*[work() for _ in range(at_once)])
    return statuses


def test_going_away_after_n_requests_loses_and_doubles_nothing(sim: Simulators, sender: Sender) -> None:
    sim.goaway_after(25, "apns")
    # Fewer at once than a connection takes: pyreqwest gives a refused request three tries, and with more in
    # flight one may be refused that often.
    statuses = asyncio.run(push_many(sim, sender.provider_jwt, 400, 8))
    assert statuses == [200] * 400
    arrivals = sim.arrived()
    assert len(arrivals) == len({each.message_id for each in arrivals}) == 400
    assert all(each.answered for each in arrivals)
    assert sim.counts()["apns"].answered == 400


def test_of_half_answered_requests_all_were_taken(sim: Simulators, sender: Sender) -> None:
    sim.script(provider="apns", fault="half", times=10)
    statuses = asyncio.run(push_many(sim, sender.provider_jwt, 10, 10))
    assert sorted(statuses, key=str) == [200] * 5 + [None] * 5
    arrivals = sim.arrived()
    assert [each.status for each in arrivals] == [200] * 10
    assert [each.answered for each in arrivals] == [True] * 5 + [False] * 5


def test_http_1_connections_are_closed_after_n_requests_as_well(
    sim: Simulators, google_session: requests.Session
) -> None:
    sim.goaway_after(2)
    url = sim.fcm_url + "/nowhere"
    closing = [google_session.get(url, timeout=30).headers.get("connection") for _ in range(4)]
    assert closing == [None, "close", None, "close"]


def test_scripts_and_goaway_are_gone_after_clear(sim: Simulators, sender: Sender) -> None:
    sim.script(status=503, reason="Shutdown", times=None)
    sim.goaway_after(1)
    sender.apns()
    sim.clear()
    assert sender.new().apns().status == 200
    assert len(sim.arrived()) == 1
    assert json.dumps(sim.arrived()[0].as_json())
