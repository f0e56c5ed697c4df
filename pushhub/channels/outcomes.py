"""What the providers' answers mean, as tables.

`fcm_outcome` and `apns_outcome` are total: whatever comes back, they give one `Outcome` and raise nothing.
An answer that is in no table is `Rejected` (or `Retry`, where the status says that the provider is at fault),
logged as a warning with its status and code word, never with its text, and counted.

Where E, S, C, R and T stand below, the source is

    E  https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
    S  https://firebase.google.com/docs/cloud-messaging/scale-fcm
    C  https://firebase.google.com/docs/cloud-messaging/error-codes
    R  https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
    T  https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns

An outcome's `reason` is the provider's own word (`UNREGISTERED`, `BadDeviceToken`), or one of ours in small
letters (`unreadable_answer`, `http_418`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

from prometheus_client import Counter

from pushhub.channels.contract import Accepted, ChannelDown, Outcome, Rejected, Retry, TargetDead
from pushhub.kernel import clock, http_values
from pushhub.kernel.http_values import json_object

log = logging.getLogger(__name__)

#: A provider began to say something new, or something stands between us and it.
UNKNOWN_ANSWERS = Counter(
    "pushhub_unknown_answers_total", "Answers of push providers that are in no table.", ["channel", "status"]
)


class Kind(Enum):
    """Which outcome an answer leads to."""

    TARGET_DEAD = "target_dead"
    RETRY = "retry"
    REJECTED = "rejected"
    CHANNEL_DOWN = "channel_down"


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One line of a table.

    Args:
        kind: the outcome.
        after: for RETRY, the wait if the answer has no `Retry-After`; None leaves it to the caller.
        reason: the outcome's reason, where it is not the key of the line.
        at_least: `after` is the least to wait, even where `Retry-After` is shorter.
    """

    kind: Kind
    after: timedelta | None = None
    reason: str | None = None
    at_least: bool = False


_AT_ONCE = timedelta(0)
_SECONDS_10 = timedelta(seconds=10)
_SECONDS_30 = timedelta(seconds=30)
_MINUTE = timedelta(minutes=1)
_QUARTER = timedelta(minutes=15)

_DEAD = AnswerRow(Kind.TARGET_DEAD)
_REJECTED = AnswerRow(Kind.REJECTED)
_DOWN = AnswerRow(Kind.CHANNEL_DOWN)
_THEIRS = AnswerRow(Kind.RETRY, _SECONDS_10, at_least=True)  # S: first wait at least 10 s
_APPLES = AnswerRow(Kind.RETRY, _QUARTER)  # R: try again after 15 minutes

#: By `errorCode` of the FcmError in `error.details`; a BadRequest beside it goes before (see `fcm_outcome`).
FCM_OUTCOMES: Final[Mapping[str, AnswerRow]] = {
    "INVALID_ARGUMENT": _DEAD,  # C, second example: the FcmError alone means the target is malformed
    "UNREGISTERED": _DEAD,  # E: the app instance is gone
    "SENDER_ID_MISMATCH": _DEAD,  # E: the target belongs to another project's sender
    "QUOTA_EXCEEDED": AnswerRow(Kind.RETRY, _MINUTE),  # S: 60 s where there is no Retry-After
    "UNAVAILABLE": _THEIRS,  # S: Google's servers are overloaded
    "INTERNAL": _THEIRS,  # S: Google's servers failed
    "UNSPECIFIED_ERROR": _THEIRS,  # E: nothing more is known; like INTERNAL, and not again and again
    "THIRD_PARTY_AUTH_ERROR": _DOWN,  # E: the project's APNs or web push key is missing or wrong
    "APNS_AUTH_ERROR": _DOWN,  # E: the same under its older name
    "UNAUTHENTICATED": AnswerRow(Kind.RETRY, _AT_ONCE),  # C: get a new OAuth credential; see CREDENTIAL_REFUSED
    "PERMISSION_DENIED": _DOWN,  # C: the API is off or the service account lacks the role
}

#: By HTTP status, for answers without an FcmError.
FCM_STATUSES: Final[Mapping[int, AnswerRow]] = {
    400: AnswerRow(Kind.REJECTED, reason="INVALID_ARGUMENT"),  # C, first example: a field of ours is wrong
    401: AnswerRow(Kind.RETRY, _AT_ONCE, "UNAUTHENTICATED"),  # C: the OAuth credential was refused
    403: AnswerRow(Kind.CHANNEL_DOWN, reason="PERMISSION_DENIED"),  # C: API off or role missing; no target's fault
    404: AnswerRow(Kind.CHANNEL_DOWN, reason="NOT_FOUND"),  # C: no such project in the URL; no target's fault
    429: AnswerRow(Kind.RETRY, _MINUTE, "QUOTA_EXCEEDED"),  # S: 60 s where there is no Retry-After
    500: replace(_THEIRS, reason="INTERNAL"),
    502: replace(_THEIRS, reason="UNAVAILABLE"),  # S: as 503; the front end answers 502 with HTML
    503: replace(_THEIRS, reason="UNAVAILABLE"),
    504: replace(_THEIRS, reason="UNAVAILABLE"),  # S: as 503
}

#: By HTTP status and `reason` of the body.
APNS_OUTCOMES: Final[Mapping[tuple[int, str], AnswerRow]] = {
    (400, "BadDeviceToken"): _DEAD,  # R: malformed, or of the other environment
    (400, "DeviceTokenNotForTopic"): _DEAD,  # R: the target belongs to another app
    (400, "TopicDisallowed"): _DOWN,  # R: our key may not push to this topic
    (400, "BadTopic"): _DOWN,  # R: the topic is no bundle id
    (400, "MissingTopic"): _DOWN,  # R: there is no apns-topic
    (400, "BadCollapseId"): _REJECTED,  # R: longer than 64 bytes
    (400, "BadExpirationDate"): _REJECTED,  # R: apns-expiration is no number
    (400, "BadMessageId"): _REJECTED,  # R: apns-id is no UUID
    (400, "BadPriority"): _REJECTED,  # R: apns-priority is none of 1, 5, 10
    (400, "DuplicateHeaders"): _REJECTED,  # R: a header came twice
    (400, "InvalidPushType"): _REJECTED,  # R: apns-push-type is unknown
    (400, "MissingDeviceToken"): _REJECTED,  # R: the path holds no target
    (400, "PayloadEmpty"): _REJECTED,  # R: there is no payload
    (400, "IdleTimeout"): AnswerRow(Kind.RETRY, _AT_ONCE),  # R: the connection was idle; the next try opens one
    (403, "ExpiredProviderToken"): AnswerRow(Kind.RETRY, _AT_ONCE),  # R, T: sign a new one; see CREDENTIAL_REFUSED
    (403, "InvalidProviderToken"): _DOWN,  # R: key id, team id or signature is wrong
    (403, "MissingProviderToken"): _DOWN,  # R: there is no authorization header
    (403, "UnrelatedKeyIdInToken"): AnswerRow(Kind.RETRY, _AT_ONCE),  # R: this connection began with another key
    (403, "BadEnvironmentKeyIdInToken"): _DOWN,  # R: the key is scoped to the other environment
    (403, "BadEnvironmentKeyInToken"): _DOWN,  # the same, as Apple's servers are seen to spell it
    (403, "BadCertificate"): _DOWN,  # R: certificate mode
    (403, "BadCertificateEnvironment"): _DOWN,  # R: certificate mode
    (403, "Forbidden"): _REJECTED,  # R: the action is not allowed
    (404, "BadPath"): _REJECTED,  # R: the path is not /3/device/…
    (405, "MethodNotAllowed"): _REJECTED,  # R: not POST
    (410, "Unregistered"): _DEAD,  # R: inactive since `timestamp`
    (410, "ExpiredToken"): _DEAD,  # R: expired since `timestamp`
    (413, "PayloadTooLarge"): _REJECTED,  # R: over 4096 bytes
    (429, "TooManyProviderTokenUpdates"): AnswerRow(Kind.RETRY),  # R, T: signed anew more than once in 20 minutes
    (429, "TooManyRequests"): AnswerRow(Kind.RETRY, _SECONDS_30),  # R: too many to this one device
    (500, "InternalServerError"): _APPLES,
    (503, "ServiceUnavailable"): _APPLES,
    (503, "Shutdown"): _APPLES,
}

#: Reasons that speak of our credential, not of the message: a new one may be accepted.
CREDENTIAL_REFUSED: Final = frozenset({"UNAUTHENTICATED", "ExpiredProviderToken"})

_FCM_ERROR = "google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "google.rpc.BadRequest"
_TARGET_FIELDS = frozenset({"message.token", "message.fid"})

#: A word that may go into a reason and into the log: a push target or a code has digits and can't pass.
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,63}")
_DIGITS = re.compile(r"[0-9]{1,9}")


def fcm_outcome(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """What an answer of FCM HTTP v1 means: `{"name"}` on 200, else `{"error": {"status", "details": []}}`.

    Message text is never read, only `details`: an FcmError tells the code, a BadRequest the fields at fault.
    Without either, the status alone decides.
    """
    content = json_object(body) or {}
    if status == 200:
        name = content.get("name")
        if isinstance(name, str) and name:
            return Accepted(name)
        return unknown_answer("fcm", status, "unreadable_answer")
    details = _objects(_object(content.get("error")).get("details"))
    if status == 400 and any(_is(detail, _BAD_REQUEST) for detail in details):
        # Older answers name the target in a BadRequest; any other field is a mistake of ours.
        return (TargetDead if _blames_target(details) else Rejected)("INVALID_ARGUMENT")
    code = next((detail.get("errorCode") for detail in details if _is(detail, _FCM_ERROR)), None)
    if isinstance(code, str) and code in FCM_OUTCOMES:
        return outcome_of(FCM_OUTCOMES[code], code, headers)
    row = FCM_STATUSES.get(status)
    if code is None and row is not None:
        return outcome_of(row, f"http_{status}", headers)
    unknown = unknown_answer("fcm", status, code)
    return outcome_of(row or FCM_STATUSES[500], unknown.reason, headers) if is_theirs(status) else unknown


def apns_outcome(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """What an answer of APNs means: nothing but `apns-id` on 200, else `{"reason", "timestamp"}`.

    `timestamp` (milliseconds since 1970) comes with 410 and becomes `TargetDead.since`.
    """
    if status == 200:
        return Accepted(headers.get("apns-id") or "")
    content = json_object(body) or {}
    reason = content.get("reason")
    row = APNS_OUTCOMES.get((status, reason)) if isinstance(reason, str) else None
    if row is None or not isinstance(reason, str):
        unknown = unknown_answer("apns", status, reason)
        row = _APPLES if status >= 500 else APNS_OUTCOMES[429, "TooManyRequests"]
        return outcome_of(row, unknown.reason, headers) if is_theirs(status) else unknown
    since = _moment(content.get("timestamp")) if status == 410 else None
    return outcome_of(row, reason, headers, since)


def transport_outcome(reason: str) -> Outcome:
    """What a `TransportFailed` means: try again, unless the request itself could not be put on the wire."""
    return Rejected("unsendable_request") if reason == "request" else Retry(reason)


def outcome_of(row: AnswerRow, word: str, headers: Mapping[str, str], since: datetime | None = None) -> Outcome:
    """The outcome of a table's line; `word` is its reason where the line has none."""
    reason = row.reason or word
    match row.kind:
        case Kind.TARGET_DEAD:
            return TargetDead(reason, since)
        case Kind.REJECTED:
            return Rejected(reason)
        case Kind.CHANNEL_DOWN:
            return ChannelDown(reason)
        case Kind.RETRY:
            wish = retry_after(headers)
            if wish is None:
                return Retry(reason, row.after)
            return Retry(reason, max(wish, row.after) if row.at_least and row.after is not None else wish)


def is_theirs(status: int) -> bool:
    """Whether the status alone says that the provider could not, whatever the body says."""
    return status == 429 or status >= 500


def unknown_answer(channel: str, status: int, word: object) -> Rejected:
    """Log and count an answer that is in no table."""
    known = word if isinstance(word, str) and _WORD.fullmatch(word) else f"http_{status}"
    UNKNOWN_ANSWERS.labels(channel, str(status)).inc()
    log.warning(
        "an answer of the push provider is in no table",
        extra={"channel": channel, "http_status": status, "reason": known},
    )
    return Rejected(known)


def _blames_target(details: list[dict[str, Any]]) -> bool:
    """Whether the fields at fault are the target and nothing else."""
    fields = [
        violation.get("field")
        for detail in details
        if _is(detail, _BAD_REQUEST)
        for violation in _objects(detail.get("fieldViolations"))
    ]
    return bool(fields) and all(isinstance(field, str) and field in _TARGET_FIELDS for field in fields)


def _is(detail: dict[str, Any], type_name: str) -> bool:
    return str(detail.get("@type")).endswith(f"/{type_name}")


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _moment(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long the provider asks to be left alone; None where it does not say."""
    return http_values.retry_after(headers.get("retry-after") or "", clock.now())
