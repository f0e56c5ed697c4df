"""Answers with details, waits and times in them, and answers that nobody foresaw.

Each line of the tables has its test in `test_every_answer_on_the_wire`.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushhub.channels.contract import Accepted, Outcome, Rejected, Retry, TargetDead
from pushhub.channels.outcomes import apns_outcome, fcm_outcome, transport_outcome
from tests.support.logs import everything_in

pytestmark = pytest.mark.usefixtures("still_time")

AT_ONCE, S10, S30, M15 = (timedelta(seconds=s) for s in (0, 10, 30, 900))


def fcm_body(status: int, word: str, *details: str) -> bytes:
    listed = f', "details": [{", ".join(details)}]' if details else ""
    return f'{{"error": {{"code": {status}, "message": "x", "status": "{word}"{listed}}}}}'.encode()


def fcm_error(code: str) -> str:
    return f'{{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "{code}"}}'


def bad_request(*fields: str) -> str:
    violations = ", ".join(f'{{"field": "{name}", "description": "x"}}' for name in fields)
    return f'{{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{violations}]}}'


def test_200_is_accepted_under_the_providers_name() -> None:
    name = "projects/demo/messages/0:1500415314455276%31bd1c9631bd1c96"
    assert fcm_outcome(200, {}, f'{{"name": "{name}"}}'.encode()) == Accepted(name)
    apns_id = "EC1BF194-B3B2-424A-89A9-5A918A6E6B5D"
    assert apns_outcome(200, {"apns-id": apns_id}, b"") == Accepted(apns_id)


@pytest.mark.parametrize("details", [(0, 1), (1, 0)])
@pytest.mark.parametrize("target_field", ["message.token", "message.fid"])
def test_a_bad_request_about_the_target_means_the_target(target_field: str, details: tuple[int, ...]) -> None:
    both = (fcm_error("INVALID_ARGUMENT"), bad_request(target_field))
    body = fcm_body(400, "INVALID_ARGUMENT", *(both[i] for i in details))
    assert fcm_outcome(400, {}, body) == TargetDead("INVALID_ARGUMENT")
    assert fcm_outcome(400, {}, fcm_body(400, "INVALID_ARGUMENT", both[1])) == TargetDead("INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "fields", [("message.data[0].value",), ("message",), ("message.token", "message.android.ttl"), ()]
)
def test_a_bad_request_about_anything_else_never_costs_a_target(fields: tuple[str, ...]) -> None:
    for details in ((bad_request(*fields),), (fcm_error("INVALID_ARGUMENT"), bad_request(*fields))):
        assert fcm_outcome(400, {}, fcm_body(400, "INVALID_ARGUMENT", *details)) == Rejected("INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("30", timedelta(seconds=30)),
        ("0", AT_ONCE),
        (" 7 ", timedelta(seconds=7)),
        ("Sat, 21 Nov 2026 09:32:00 GMT", timedelta(minutes=2)),
        ("Saturday, 21-Nov-26 09:31:00 GMT", timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 09:31:00 -0000", timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 09:00:00 GMT", AT_ONCE),
    ],
)
def test_retry_after_is_honoured_in_seconds_and_as_a_date(value: str, after: timedelta) -> None:
    headers = {"retry-after": value}
    quota = fcm_body(429, "RESOURCE_EXHAUSTED", fcm_error("QUOTA_EXCEEDED"))
    assert fcm_outcome(429, headers, quota) == Retry("QUOTA_EXCEEDED", after)
    assert apns_outcome(503, headers, b'{"reason":"ServiceUnavailable"}') == Retry("ServiceUnavailable", after)


@pytest.mark.parametrize(("value", "after"), [("0", S10), ("9", S10), ("10", S10), ("11", timedelta(seconds=11))])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_google_is_left_alone_for_ten_seconds_at_least(status: int, value: str, after: timedelta) -> None:
    outcome = fcm_outcome(status, {"retry-after": value}, b"")
    assert isinstance(outcome, Retry)
    assert outcome.after == after


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "1e9", "9" * 400, "Sat, 99 Nov 2026 09:32:00 GMT", "Sat, 21 Nov 99999999999 0:0 GMT"],
)
def test_a_retry_after_that_can_not_be_read_is_as_none(value: str) -> None:
    headers = {"retry-after": value}
    assert fcm_outcome(503, headers, b"") == Retry("UNAVAILABLE", S10)


@pytest.mark.parametrize("stamp", ['"1790000000123"', "1.5", "true", "null", "9" * 30, "-" + "9" * 30, "[]"])
def test_a_410_with_a_garbled_timestamp_has_no_since(stamp: str) -> None:
    body = f'{{"reason":"Unregistered","timestamp":{stamp}}}'.encode()
    assert apns_outcome(410, {}, body) == TargetDead("Unregistered")
    assert apns_outcome(410, {}, b'{"reason":"Unregistered"}') == TargetDead("Unregistered")


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, "NEW_CODE", Rejected("NEW_CODE")),
        (403, "NEW_CODE", Rejected("NEW_CODE")),
        (503, "NEW_CODE", Retry("UNAVAILABLE", S10)),
        (529, "NEW_CODE", Retry("INTERNAL", S10)),
        (400, "secret-7391", Rejected("http_400")),
    ],
)
def test_an_unknown_fcm_code_is_told_without_its_text(
    status: int, code: str, outcome: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    assert fcm_outcome(status, {}, fcm_body(status, "X", fcm_error(code))) == outcome
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "7391" not in everything_in([record])


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, b'{"reason":"BrandNew"}', Rejected("BrandNew")),
        (400, b'{"reason":["BadDeviceToken"]}', Rejected("http_400")),
        (410, b"gone", Rejected("http_410")),
        (418, b"", Rejected("http_418")),
        (429, b"", Retry("http_429", S30)),
        (500, b"", Retry("http_500", M15)),
        (503, b'{"reason":"BrandNew"}', Retry("BrandNew", M15)),
    ],
)
def test_an_unknown_apns_answer_is_told_and_never_costs_a_target(
    status: int, body: bytes, outcome: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    assert apns_outcome(status, {}, body) == outcome
    [record] = caplog.records
    assert vars(record)["http_status"] == status


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"name": 5}', b'{"name": ""}', b"\xff", b"[" * 100_000])
def test_a_200_of_fcm_without_a_name_is_not_believed(body: bytes) -> None:
    assert fcm_outcome(200, {}, body) == Rejected("unreadable_answer")


def test_a_request_that_can_not_be_sent_is_not_tried_again() -> None:
    assert transport_outcome("request") == Rejected("unsendable_request")
    assert transport_outcome("timeout") == Retry("timeout")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["error", "details", "@type", "x"]), inner),
    max_leaves=15,
)
TYPES = st.sampled_from(
    ["type.googleapis.com/google.firebase.fcm.v1.FcmError", "type.googleapis.com/google.rpc.BadRequest"]
)
DETAIL = st.fixed_dictionaries({"@type": TYPES | JSON}, optional={"errorCode": JSON, "fieldViolations": JSON})
ERROR = st.fixed_dictionaries({"error": st.fixed_dictionaries({"details": st.lists(DETAIL) | JSON}) | JSON})
REASON = st.fixed_dictionaries({"reason": JSON}, optional={"timestamp": JSON})
BODY = st.binary() | (JSON | ERROR | REASON).map(lambda value: json.dumps(value).encode())


@given(status=st.integers(100, 599), retry_after=st.text(), body=BODY)
def test_every_answer_whatsoever_has_an_outcome(status: int, retry_after: str, body: bytes) -> None:
    for classify in (fcm_outcome, apns_outcome):
        outcome = classify(status, {"retry-after": retry_after}, body)
        assert isinstance(outcome, Outcome)
        assert not isinstance(outcome, Retry) or outcome.after is None or outcome.after >= AT_ONCE
