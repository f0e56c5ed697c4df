"""Huawei Push Kit: every row of its tables over the real wire, its OAuth, and what is refused before it is sent."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from channel_material import message
from wire_world import HMS_TARGET, send, to_browser, to_hms, to_mailbox

from pushhub.channels.contract import Accepted, ChannelDown, Outcome, PushKind, Rejected, Retry, TargetDead
from pushhub.channels.hms_answers import HMS_OUTCOMES, HMS_STATUSES, hms_outcome
from pushhub.kernel import clock
from simulators import Simulators
from simulators.answers import HMS_CODES

AT_ONCE, S10, S60 = (timedelta(seconds=s) for s in (0, 10, 60))

BY_CODE: dict[str, Outcome] = {
    **{code: Rejected(code) for code in ("80100001", "80100002", "80100003", "80100004")},
    **{code: Rejected(code) for code in ("80100013", "80100016", "80100017")},
    "80200001": Retry("80200001", AT_ONCE),
    "80200003": Retry("80200003", AT_ONCE),
    "80300002": ChannelDown("80300002"),
    "80300007": TargetDead("80300007"),
    "80300011": ChannelDown("80300011"),
    **{code: Rejected(code) for code in ("80300008", "80300010", "80300013")},
    "80600003": Retry("80600003", S10),
    "81000001": Retry("81000001", S10),
}
BY_STATUS: dict[int, Outcome] = {
    400: Rejected("http_400"),
    401: Retry("http_401", AT_ONCE),
    404: ChannelDown("http_404"),
    429: Retry("http_429", S60),
    500: Retry("http_500", S10),
    502: Retry("http_502", S10),
    503: Retry("http_503", S60),
}


def test_push_kit_takes_what_the_channel_sends(sim: Simulators) -> None:
    sent = to_hms()
    [outcome] = send(sim, "hms", sent)
    [arrival] = sim.arrived()
    assert outcome == Accepted(arrival.message_id or "")
    assert (arrival.provider, arrival.status, arrival.target) == ("hms", 200, HMS_TARGET)
    content = arrival.payload["message"]
    assert json.loads(content["data"]) == sent.data
    notification = content["android"]["notification"]
    assert (notification["title"], notification["body"]) == (sent.title, sent.body)
    assert (notification["tag"], notification["channel_id"]) == (sent.collapse_id, "codes")
    assert 100 <= int(content["android"]["ttl"].removesuffix("s")) <= 120


def test_news_is_quieter_than_a_code_and_a_long_life_is_cut(sim: Simulators) -> None:
    sent = to_hms(urgent=False, expires_at=clock.now() + timedelta(days=90))
    assert isinstance(send(sim, "hms", sent)[0], Accepted)
    android = sim.arrived()[0].payload["message"]["android"]
    assert (android["notification"]["channel_id"], android["ttl"]) == ("notifications", "1296000s")


@pytest.mark.parametrize(("code", "outcome"), BY_CODE.items())
def test_a_code_on_the_wire_is_the_outcome_of_the_table(sim: Simulators, code: str, outcome: Outcome) -> None:
    sim.script(provider="hms", reason=code)
    assert send(sim, "hms", to_hms()) == [outcome]


@pytest.mark.parametrize(("status", "outcome"), BY_STATUS.items())
def test_an_answer_without_a_code_goes_by_its_status(sim: Simulators, status: int, outcome: Outcome) -> None:
    sim.script(provider="hms", status=status)
    assert send(sim, "hms", to_hms()) == [outcome]


def test_the_rows_above_are_all_rows_of_the_tables_and_of_the_simulator() -> None:
    assert set(BY_CODE) == set(HMS_OUTCOMES) == set(HMS_CODES) - {"80000000", "80100000"}
    assert set(BY_STATUS) == set(HMS_STATUSES)


def test_flow_control_says_how_long(sim: Simulators) -> None:
    sim.script(provider="hms", status=503, retry_after=7)
    assert send(sim, "hms", to_hms()) == [Retry("http_503", timedelta(seconds=7))]


def test_no_permission_speaks_of_the_one_target_once_others_were_taken(sim: Simulators) -> None:
    sim.script(provider="hms", target="target-of-another-app", reason="80300002", times=2)
    foreign = to_hms("target-of-another-app")
    first, second, third = send(sim, "hms", foreign, to_hms(), foreign)
    assert first == ChannelDown("80300002")
    assert isinstance(second, Accepted)
    assert third == Rejected("80300002")


def test_an_app_that_is_gone_is_a_dead_target(sim: Simulators) -> None:
    sim.declare(HMS_TARGET, unregistered_since=clock.now())
    assert send(sim, "hms", to_hms()) == [TargetDead("80300007")]


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        ({"success": 0, "failure": 1, "illegal_tokens": [HMS_TARGET]}, TargetDead("80100000")),
        ({"success": 1, "failure": 1, "illegal_tokens": ["another"]}, Accepted("r")),
        ("garbled", Accepted("r")),
    ],
)
def test_of_a_partly_sent_message_only_our_target_counts(report: object, outcome: Outcome) -> None:
    body = {"code": "80100000", "msg": json.dumps(report), "requestId": "r"}
    assert hms_outcome(200, {}, json.dumps(body).encode(), HMS_TARGET) == outcome


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", Rejected("unreadable_answer")),
        (200, b'{"code": 80000000}', Rejected("unreadable_answer")),
        (200, b'{"code": "80999999"}', Rejected("80999999")),
        (500, b'{"code": "80999999"}', Retry("http_500", S10)),
        (418, b"<html>", Rejected("http_418")),
        (599, b"[" * 100_000, Retry("http_599", S10)),
    ],
)
def test_an_answer_that_nobody_foresaw_has_an_outcome(status: int, body: bytes, outcome: Outcome) -> None:
    assert hms_outcome(status, {}, body, HMS_TARGET) == outcome


def test_a_credential_that_ran_out_is_renewed_once_and_then_an_operator_is_needed(sim: Simulators) -> None:
    sim.script(provider="hms", reason="80200003", times=2)
    first, second, third = send(sim, "hms", to_hms(), to_hms(), to_hms())
    assert first == Retry("80200003", AT_ONCE)
    assert second == ChannelDown("80200003")
    assert isinstance(third, Accepted)


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ({"status": 400, "reason": "1101"}, ChannelDown("oauth_invalid_client")),
        ({"status": 403, "reason": "other"}, ChannelDown("oauth_refused")),
        ({"status": 503, "reason": "busy"}, Retry("oauth_unavailable")),
        ({"status": 429, "reason": "busy"}, Retry("oauth_unavailable")),
        ({"status": 204, "reason": "nothing"}, ChannelDown("oauth_refused")),
        ({"fault": "reset"}, Retry("oauth_reset")),
    ],
)
def test_huawei_giving_no_credential_is_an_outcome(sim: Simulators, script: dict[str, Any], outcome: Outcome) -> None:
    sim.script(provider="hms-oauth", **script)
    assert send(sim, "hms", to_hms()) == [outcome]
    assert sim.arrived() == []


def test_a_wrong_secret_and_a_wrong_app_are_told_apart_from_a_bad_message(sim: Simulators, tmp_path: Path) -> None:
    wrong = tmp_path / "secret.txt"
    wrong.write_text("0" * 64)
    assert send(sim, "hms", to_hms(), PUSHHUB_HMS_SECRET=str(wrong)) == [ChannelDown("oauth_invalid_client")]
    assert send(sim, "hms", to_hms(), PUSHHUB_HMS_APP_ID="42") == [ChannelDown("oauth_invalid_client")]


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (message(PushKind.FCM_TOKEN), Rejected("wrong_target_kind")),
        (to_mailbox(), Rejected("wrong_target_kind")),
        (to_hms("with space in it"), TargetDead("malformed_target")),
        (to_hms(body="я" * 2100), Rejected("PayloadTooLarge")),
        (to_hms(body="\ud800"), Rejected("invalid_message")),
    ],
)
def test_what_can_not_be_sent_is_not_sent(sim: Simulators, sent: Any, outcome: Outcome) -> None:
    assert send(sim, "hms", sent) == [outcome]
    assert sim.arrived() == []


@pytest.mark.parametrize("fault", ["reset", "reset_after_taking", "truncate"])
def test_a_broken_connection_is_a_retry_and_the_next_try_opens_another(sim: Simulators, fault: str) -> None:
    sim.script(provider="hms", fault=fault)
    first, second = send(sim, "hms", to_hms(), to_hms())
    assert first == Retry("reset")
    assert isinstance(second, Accepted)


def test_a_host_that_speaks_only_http_1_is_spoken_to(tmp_path: Path) -> None:
    with Simulators(tmp_path, http2=False) as old_world:
        outcomes = send(old_world, "hms", to_hms(), to_hms(urgent=False))
        outcomes += send(old_world, "webpush", to_browser(old_world.subscribe()))
    assert [type(each) for each in outcomes] == [Accepted] * 3
