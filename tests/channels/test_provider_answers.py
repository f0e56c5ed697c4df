"""Every row of the tables, with the answer as it stands on the wire, and answers that nobody foresaw."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushhub.channels.contract import Accepted, ChannelDown, Outcome, Rejected, Retry, TargetDead
from pushhub.channels.outcomes import (
    APNS_OUTCOMES,
    FCM_OUTCOMES,
    FCM_STATUSES,
    apns_outcome,
    fcm_outcome,
    transport_outcome,
)

pytestmark = pytest.mark.usefixtures("still_time")

AT_ONCE, S10, S30, S60, M15 = (timedelta(seconds=s) for s in (0, 10, 30, 60, 900))


def fcm_body(status: int, word: str, *details: str) -> bytes:
    listed = f', "details": [{", ".join(details)}]' if details else ""
    return f'{{"error": {{"code": {status}, "message": "x", "status": "{word}"{listed}}}}}'.encode()


def fcm_error(code: str) -> str:
    return f'{{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "{code}"}}'


def bad_request(*fields: str) -> str:
    violations = ", ".join(f'{{"field": "{name}", "description": "x"}}' for name in fields)
    return f'{{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{violations}]}}'


BY_CODE: list[tuple[int, str, str, Outcome]] = [
    (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", TargetDead("INVALID_ARGUMENT")),
    (404, "NOT_FOUND", "UNREGISTERED", TargetDead("UNREGISTERED")),
    (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", TargetDead("SENDER_ID_MISMATCH")),
    (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", Retry("QUOTA_EXCEEDED", S60)),
    (503, "UNAVAILABLE", "UNAVAILABLE", Retry("UNAVAILABLE", S10)),
    (500, "INTERNAL", "INTERNAL", Retry("INTERNAL", S10)),
    (500, "UNKNOWN", "UNSPECIFIED_ERROR", Retry("UNSPECIFIED_ERROR", S10)),
    (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", ChannelDown("THIRD_PARTY_AUTH_ERROR")),
    (401, "UNAUTHENTICATED", "APNS_AUTH_ERROR", ChannelDown("APNS_AUTH_ERROR")),
    (401, "UNAUTHENTICATED", "UNAUTHENTICATED", Retry("UNAUTHENTICATED", AT_ONCE)),
    (403, "PERMISSION_DENIED", "PERMISSION_DENIED", ChannelDown("PERMISSION_DENIED")),
]

BY_STATUS: list[tuple[int, str, Outcome]] = [
    (400, "INVALID_ARGUMENT", Rejected("INVALID_ARGUMENT")),
    (401, "UNAUTHENTICATED", Retry("UNAUTHENTICATED", AT_ONCE)),
    (403, "PERMISSION_DENIED", ChannelDown("PERMISSION_DENIED")),
    (404, "NOT_FOUND", ChannelDown("NOT_FOUND")),
    (429, "RESOURCE_EXHAUSTED", Retry("QUOTA_EXCEEDED", S60)),
    (500, "INTERNAL", Retry("INTERNAL", S10)),
    (502, "UNKNOWN", Retry("UNAVAILABLE", S10)),
    (503, "UNAVAILABLE", Retry("UNAVAILABLE", S10)),
    (504, "DEADLINE_EXCEEDED", Retry("UNAVAILABLE", S10)),
]

GONE = 1_790_000_000_123
GONE_AT = datetime.fromtimestamp(GONE / 1000, UTC)

BY_REASON: list[tuple[int, str, Outcome]] = [
    (400, "BadDeviceToken", TargetDead("BadDeviceToken")),
    (400, "DeviceTokenNotForTopic", TargetDead("DeviceTokenNotForTopic")),
    (400, "TopicDisallowed", ChannelDown("TopicDisallowed")),
    (400, "BadTopic", ChannelDown("BadTopic")),
    (400, "MissingTopic", ChannelDown("MissingTopic")),
    (400, "BadCollapseId", Rejected("BadCollapseId")),
    (400, "BadExpirationDate", Rejected("BadExpirationDate")),
    (400, "BadMessageId", Rejected("BadMessageId")),
    (400, "BadPriority", Rejected("BadPriority")),
    (400, "DuplicateHeaders", Rejected("DuplicateHeaders")),
    (400, "InvalidPushType", Rejected("InvalidPushType")),
    (400, "MissingDeviceToken", Rejected("MissingDeviceToken")),
    (400, "PayloadEmpty", Rejected("PayloadEmpty")),
    (400, "IdleTimeout", Retry("IdleTimeout", AT_ONCE)),
    (403, "ExpiredProviderToken", Retry("ExpiredProviderToken", AT_ONCE)),
    (403, "InvalidProviderToken", ChannelDown("InvalidProviderToken")),
    (403, "MissingProviderToken", ChannelDown("MissingProviderToken")),
    (403, "UnrelatedKeyIdInToken", Retry("UnrelatedKeyIdInToken", None)),
    (403, "BadEnvironmentKeyIdInToken", ChannelDown("BadEnvironmentKeyIdInToken")),
    (403, "BadEnvironmentKeyInToken", ChannelDown("BadEnvironmentKeyInToken")),
    (403, "BadCertificate", ChannelDown("BadCertificate")),
    (403, "BadCertificateEnvironment", ChannelDown("BadCertificateEnvironment")),
    (403, "Forbidden", Rejected("Forbidden")),
    (404, "BadPath", Rejected("BadPath")),
    (405, "MethodNotAllowed", Rejected("MethodNotAllowed")),
    (410, "Unregistered", TargetDead("Unregistered", GONE_AT)),
    (410, "ExpiredToken", TargetDead("ExpiredToken", GONE_AT)),
    (413, "PayloadTooLarge", Rejected("PayloadTooLarge")),
    (429, "TooManyProviderTokenUpdates", Retry("TooManyProviderTokenUpdates", None)),
    (429, "TooManyRequests", Retry("TooManyRequests", S30)),
    (500, "InternalServerError", Retry("InternalServerError", M15)),
    (503, "ServiceUnavailable", Retry("ServiceUnavailable", M15)),
    (503, "Shutdown", Retry("Shutdown", M15)),
]


@pytest.mark.parametrize(("status", "word", "code", "outcome"), BY_CODE)
def test_an_fcm_error_code_has_its_outcome(status: int, word: str, code: str, outcome: Outcome) -> None:
    assert fcm_outcome(status, {}, fcm_body(status, word, fcm_error(code))) == outcome


@pytest.mark.parametrize(("status", "word", "outcome"), BY_STATUS)
def test_an_fcm_answer_without_a_code_goes_by_its_status(status: int, word: str, outcome: Outcome) -> None:
    assert fcm_outcome(status, {}, fcm_body(status, word)) == outcome
    assert fcm_outcome(status, {}, b"<!DOCTYPE html><title>Error</title>") == outcome


@pytest.mark.parametrize(("status", "reason", "outcome"), BY_REASON)
def test_an_apns_reason_has_its_outcome(status: int, reason: str, outcome: Outcome) -> None:
    stamp = f',"timestamp":{GONE}' if status == 410 else ""
    assert apns_outcome(status, {}, f'{{"reason":"{reason}"{stamp}}}'.encode()) == outcome


def test_the_rows_above_are_all_rows_of_the_tables() -> None:
    assert {code for _, _, code, _ in BY_CODE} == set(FCM_OUTCOMES)
    assert {status for status, _, _ in BY_STATUS} == set(FCM_STATUSES)
    assert {(status, reason) for status, reason, _ in BY_REASON} == set(APNS_OUTCOMES)


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
    assert "7391" not in str(vars(record))


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, b'{"reason":"BrandNew"}', Rejected("BrandNew")),
        (400, b'{"reason":["BadDeviceToken"]}', Rejected("http_400")),
        (410, b"gone", Rejected("http_410")),
        (418, b"", Rejected("http_418")),
        (429, b"", Retry("http_429")),
        (500, b"", Retry("http_500")),
        (503, b'{"reason":"BrandNew"}', Retry("BrandNew")),
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
