"""Every line of the tables: the provider gives that answer on the wire, and the channel makes of it what it must.

Each case says what the simulated provider answers, with status, reason and body as the real one would.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from on_the_wire import APNS, FCM, SANDBOX, fresh, name_of, send
from prometheus_client import REGISTRY

from pushhub.channels.contract import Accepted, ChannelDown, Message, Outcome, PushKind, Rejected, Retry, TargetDead
from pushhub.channels.outcomes import APNS_OUTCOMES, FCM_OUTCOMES, FCM_STATUSES
from pushhub.kernel import clock
from simulators import Simulators
from simulators.answers import APNS_STATUSES, BAD_REQUEST_TYPE, FCM_ERROR_TYPE, FCM_ERRORS, GOOGLE_REASONS
from tests.support.logs import everything_in

AT_ONCE, S5, S10, S30, S60, M15 = (timedelta(seconds=s) for s in (0, 5, 10, 30, 60, 900))
#: What Google's front end answers where no service does.
HTML = "<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p>That’s an error."


@dataclass(frozen=True)
class Case:
    """An answer, and the outcome of the one try that meets it."""

    kind: PushKind
    outcome: Outcome
    #: The line of the tables: an errorCode, a status, or a status with a reason.
    line: object
    script: dict[str, Any]
    message: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{name_of(fresh(self.kind))}-{self.line}-{type(self.outcome).__name__}"

    def sent(self) -> Message:
        return fresh(self.kind, **self.message)


def by_code(code: str, outcome: Outcome, **script: Any) -> Case:
    return Case(FCM, outcome, code, {"reason": code, **script})


def told_by_detail(code: str, status: int, outcome: Outcome) -> Case:
    """A code that the simulator writes as the bare status of Google's own infrastructure, here in an FcmError."""
    return Case(FCM, outcome, code, {"status": status, "detail": {"@type": FCM_ERROR_TYPE, "errorCode": code}})


def by_status(status: int, outcome: Outcome, **script: Any) -> Case:
    return Case(FCM, outcome, status, {"status": status, **script})


def apple(status: int, reason: str, outcome: Outcome, *, script: Any = (), **message: Any) -> Case:
    return Case(APNS, outcome, (status, reason), {"status": status, "reason": reason, **dict(script)}, message)


def again(reason: str) -> dict[str, Any]:
    return {"previous_error": reason}


BY_CODE = [
    *(by_code(code, TargetDead(code)) for code in ("INVALID_ARGUMENT", "UNREGISTERED", "SENDER_ID_MISMATCH")),
    by_code("QUOTA_EXCEEDED", Retry("QUOTA_EXCEEDED", S60)),
    by_code("QUOTA_EXCEEDED", Retry("QUOTA_EXCEEDED", S5), retry_after=5),
    by_code("UNAVAILABLE", Retry("UNAVAILABLE", S10)),
    by_code("UNAVAILABLE", Retry("UNAVAILABLE", S30), retry_after=30),
    by_code("UNAVAILABLE", Retry("UNAVAILABLE", S10), retry_after=1),
    by_code("INTERNAL", Retry("INTERNAL", S10)),
    by_code("UNSPECIFIED_ERROR", Retry("UNSPECIFIED_ERROR", S10)),
    replace(by_code("UNSPECIFIED_ERROR", Rejected("UNSPECIFIED_ERROR")), message=again("UNSPECIFIED_ERROR")),
    *(by_code(code, ChannelDown(code)) for code in ("THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR")),
    told_by_detail("UNAUTHENTICATED", 401, Retry("UNAUTHENTICATED", AT_ONCE)),
    told_by_detail("PERMISSION_DENIED", 403, ChannelDown("PERMISSION_DENIED")),
]

BAD_FIELD = {"@type": BAD_REQUEST_TYPE, "fieldViolations": [{"field": "message.android.ttl", "description": "x"}]}
BAD_TARGET = {"@type": BAD_REQUEST_TYPE, "fieldViolations": [{"field": "message.token", "description": "x"}]}

BY_STATUS = [
    by_status(400, Rejected("INVALID_ARGUMENT")),
    by_status(400, Rejected("INVALID_ARGUMENT"), detail=BAD_FIELD),
    by_status(400, TargetDead("INVALID_ARGUMENT"), detail=BAD_TARGET),
    by_status(401, Retry("UNAUTHENTICATED", AT_ONCE)),
    by_status(403, ChannelDown("PERMISSION_DENIED")),
    by_status(404, ChannelDown("NOT_FOUND")),
    by_status(404, ChannelDown("NOT_FOUND"), body=HTML),
    by_status(429, Retry("QUOTA_EXCEEDED", S60)),
    by_status(429, Retry("QUOTA_EXCEEDED", S5), retry_after=5),
    by_status(500, Retry("INTERNAL", S10)),
    by_status(502, Retry("UNAVAILABLE", S10), body=HTML),
    by_status(503, Retry("UNAVAILABLE", S10)),
    by_status(503, Retry("UNAVAILABLE", S30), retry_after=30, body=HTML),
    by_status(504, Retry("UNAVAILABLE", S10)),
    Case(FCM, Rejected("INVALID_ARGUMENT"), 400, {"reason": "INVALID_ARGUMENT", "detail": BAD_FIELD}),
]

GONE = clock.now().replace(microsecond=123_000) - timedelta(days=2)
SINCE = {"timestamp": int(GONE.timestamp() * 1000)}
OTHER_HOST = SANDBOX.environment

OUR_MISTAKES = [
    *("BadCollapseId", "BadExpirationDate", "BadMessageId", "BadPriority"),
    *("DuplicateHeaders", "InvalidPushType", "MissingDeviceToken", "PayloadEmpty"),
]
BAD_CREDENTIALS = [
    *("InvalidProviderToken", "MissingProviderToken", "BadEnvironmentKeyIdInToken", "BadEnvironmentKeyInToken"),
    *("BadCertificate", "BadCertificateEnvironment"),
]

BY_REASON = [
    apple(400, "BadDeviceToken", Retry("BadDeviceToken", AT_ONCE, OTHER_HOST)),
    apple(400, "BadDeviceToken", TargetDead("BadDeviceToken"), **again("BadDeviceToken")),
    apple(400, "DeviceTokenNotForTopic", TargetDead("DeviceTokenNotForTopic")),
    *(apple(400, reason, ChannelDown(reason)) for reason in ("TopicDisallowed", "BadTopic", "MissingTopic")),
    *(apple(400, reason, Rejected(reason)) for reason in OUR_MISTAKES),
    apple(400, "IdleTimeout", Retry("IdleTimeout", AT_ONCE)),
    apple(400, "IdleTimeout", Retry("IdleTimeout"), **again("IdleTimeout")),
    apple(403, "ExpiredProviderToken", Retry("ExpiredProviderToken", AT_ONCE)),
    *(apple(403, reason, ChannelDown(reason)) for reason in BAD_CREDENTIALS),
    apple(403, "UnrelatedKeyIdInToken", Retry("UnrelatedKeyIdInToken", AT_ONCE)),
    apple(403, "UnrelatedKeyIdInToken", ChannelDown("UnrelatedKeyIdInToken"), **again("UnrelatedKeyIdInToken")),
    apple(403, "Forbidden", Rejected("Forbidden")),
    apple(404, "BadPath", Rejected("BadPath")),
    apple(405, "MethodNotAllowed", Rejected("MethodNotAllowed")),
    apple(410, "Unregistered", TargetDead("Unregistered", GONE), script=SINCE),
    apple(410, "ExpiredToken", TargetDead("ExpiredToken", GONE), script=SINCE),
    apple(413, "PayloadTooLarge", Rejected("PayloadTooLarge")),
    apple(429, "TooManyProviderTokenUpdates", Retry("TooManyProviderTokenUpdates")),
    apple(429, "TooManyRequests", Retry("TooManyRequests", S30)),
    apple(429, "TooManyRequests", Retry("TooManyRequests", S60), script={"retry_after": 60}),
    apple(500, "InternalServerError", Retry("InternalServerError")),
    apple(500, "InternalServerError", Retry("InternalServerError", M15), urgent=False),
    apple(503, "ServiceUnavailable", Retry("ServiceUnavailable")),
    apple(503, "ServiceUnavailable", Retry("ServiceUnavailable", M15), urgent=False),
    apple(503, "ServiceUnavailable", Retry("ServiceUnavailable", S5), script={"retry_after": 5}),
    apple(503, "Shutdown", Retry("Shutdown")),
    apple(503, "Shutdown", Retry("Shutdown", M15), urgent=False),
]

KNOWN = [*BY_CODE, *BY_STATUS, *BY_REASON]

UNKNOWN = [
    by_status(418, Rejected("http_418")),
    by_status(302, Rejected("http_302"), body=HTML),
    by_status(529, Retry("INTERNAL", S10)),
    by_status(505, Retry("INTERNAL", S30), retry_after=30, body=HTML),
    by_code("NEW_CODE", Rejected("NEW_CODE"), status=400),
    by_code("NEW_CODE", Rejected("NEW_CODE"), status=404),
    by_code("NEW_CODE", Retry("QUOTA_EXCEEDED", S60), status=429),
    by_code("NEW_CODE", Retry("UNAVAILABLE", S10), status=503),
    apple(400, "BrandNew", Rejected("BrandNew")),
    apple(410, "BrandNew", Rejected("BrandNew")),
    apple(403, "BadDeviceToken", Rejected("BadDeviceToken")),
    apple(418, "Code7391", Rejected("http_418")),
    apple(429, "BrandNew", Retry("BrandNew", S30)),
    apple(500, "BrandNew", Retry("BrandNew")),
    apple(500, "BrandNew", Retry("BrandNew", M15), urgent=False),
    Case(APNS, Retry("http_502"), None, {"status": 502, "body": HTML}),
    Case(APNS, Rejected("http_400"), None, {"status": 400, "body": HTML}),
]


@pytest.mark.parametrize("case", KNOWN, ids=str)
def test_an_answer_of_the_tables_has_its_outcome(sim: Simulators, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    before = unknown_answers()
    assert outcome_of(sim, case) == case.outcome
    assert unknown_answers() == before
    assert not [record for record in caplog.records if "in no table" in record.getMessage()]


@pytest.mark.parametrize("case", UNKNOWN, ids=str)
def test_an_answer_of_no_table_is_told_and_counted(
    sim: Simulators, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    labels = {"channel": name_of(case.sent()), "status": str(case.script["status"])}
    before = REGISTRY.get_sample_value("pushhub_unknown_answers_total", labels) or 0
    assert outcome_of(sim, case) == case.outcome
    [record] = [record for record in caplog.records if "in no table" in record.getMessage()]
    assert record.levelno == logging.WARNING
    assert vars(record)["http_status"] == case.script["status"]
    assert "7391" not in everything_in([record])
    assert REGISTRY.get_sample_value("pushhub_unknown_answers_total", labels) == before + 1


def outcome_of(sim: Simulators, case: Case) -> Outcome:
    sent = case.sent()
    sim.script(provider=name_of(sent), **case.script)
    outcome, afterwards = send(sim, sent, fresh(case.kind))
    assert [each.status for each in sim.arrived()] == [sim.arrived()[0].status, 200]
    assert sim.arrived()[0].status != 200  # the script was played, and to the first of the two
    assert isinstance(afterwards, Accepted)
    return outcome


def unknown_answers() -> float:
    [metric] = [each for each in REGISTRY.collect() if each.name == "pushhub_unknown_answers"]
    return sum(sample.value for sample in metric.samples if sample.name.endswith("_total"))


def test_the_cases_are_all_lines_of_the_tables() -> None:
    assert {case.line for case in BY_CODE} == set(FCM_OUTCOMES)
    assert {case.line for case in BY_STATUS} == set(FCM_STATUSES)
    assert {case.line for case in BY_REASON} == set(APNS_OUTCOMES)


def test_the_tables_hold_every_answer_that_the_simulators_know() -> None:
    """The simulators were written from the providers' own lists."""
    assert set(FCM_OUTCOMES) == set(FCM_ERRORS) | set(GOOGLE_REASONS) - {"NOT_FOUND"}
    assert set(APNS_OUTCOMES) == {(status, reason) for reason, status in APNS_STATUSES.items()}
