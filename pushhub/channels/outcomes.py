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


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One line of a table.

    Args:
        kind: the outcome.
        after: for `Retry`, the wait if the answer has no `Retry-After`; None leaves it to the caller.
        reason: the outcome's reason, where it is not the key of the line.
        at_least: `after` is the least to wait, even where `Retry-After` is shorter.
    """

    kind: type[TargetDead | Retry | Rejected | ChannelDown]
    after: timedelta | None = None
    reason: str | None = None
    at_least: bool = False


def retry(seconds: int, reason: str | None = None) -> AnswerRow:
    """A line for what may work after so many seconds."""
    return AnswerRow(Retry, timedelta(seconds=seconds), reason)


DEAD = AnswerRow(TargetDead)
REJECTED = AnswerRow(Rejected)
DOWN = AnswerRow(ChannelDown)
_THEIRS = AnswerRow(Retry, timedelta(seconds=10), at_least=True)  # S: first wait at least 10 s
_APPLES = retry(15 * 60)  # R: try again after 15 minutes

#: By `errorCode` of the FcmError in `error.details`; a BadRequest beside it goes before (see `fcm_outcome`).
FCM_OUTCOMES: Final[Mapping[str, AnswerRow]] = {
    "INVALID_ARGUMENT": DEAD,  # C, second example: the FcmError alone means the target is malformed
    "UNREGISTERED": DEAD,  # E: the app instance is gone
    "SENDER_ID_MISMATCH": DEAD,  # E: the target belongs to another project's sender
    "QUOTA_EXCEEDED": retry(60),  # S: 60 s where there is no Retry-After
    "UNAVAILABLE": _THEIRS,  # S: Google's servers are overloaded
    "INTERNAL": _THEIRS,  # S: Google's servers failed
    "UNSPECIFIED_ERROR": _THEIRS,  # E: nothing more is known; like INTERNAL, and not again and again
    "THIRD_PARTY_AUTH_ERROR": DOWN,  # E: the project's APNs or web push key is missing or wrong
    "APNS_AUTH_ERROR": DOWN,  # E: the same under its older name
    "UNAUTHENTICATED": retry(0),  # C: get a new OAuth credential; see CREDENTIAL_REFUSED
    "PERMISSION_DENIED": DOWN,  # C: the API is off or the service account lacks the role
}

#: By HTTP status, for answers without an FcmError.
FCM_STATUSES: Final[Mapping[int, AnswerRow]] = {
    400: AnswerRow(Rejected, reason="INVALID_ARGUMENT"),  # C, first example: a field of ours is wrong
    401: retry(0, "UNAUTHENTICATED"),  # C: the OAuth credential was refused
    403: AnswerRow(ChannelDown, reason="PERMISSION_DENIED"),  # C: API off or role missing; no target's fault
    404: AnswerRow(ChannelDown, reason="NOT_FOUND"),  # C: no such project in the URL; no target's fault
    429: retry(60, "QUOTA_EXCEEDED"),  # S: 60 s where there is no Retry-After
    500: replace(_THEIRS, reason="INTERNAL"),
    502: replace(_THEIRS, reason="UNAVAILABLE"),  # S: as 503; the front end answers 502 with HTML
    503: replace(_THEIRS, reason="UNAVAILABLE"),
    504: replace(_THEIRS, reason="UNAVAILABLE"),  # S: as 503
}

#: By HTTP status and `reason` of the body.
APNS_OUTCOMES: Final[Mapping[tuple[int, str], AnswerRow]] = {
    (400, "BadDeviceToken"): DEAD,  # R: malformed, or of the other environment
    (400, "DeviceTokenNotForTopic"): DEAD,  # R: the target belongs to another app
    (400, "TopicDisallowed"): DOWN,  # R: our key may not push to this topic
    (400, "BadTopic"): DOWN,  # R: the topic is no bundle id
    (400, "MissingTopic"): DOWN,  # R: there is no apns-topic
    (400, "BadCollapseId"): REJECTED,  # R: longer than 64 bytes
    (400, "BadExpirationDate"): REJECTED,  # R: apns-expiration is no number
    (400, "BadMessageId"): REJECTED,  # R: apns-id is no UUID
    (400, "BadPriority"): REJECTED,  # R: apns-priority is none of 1, 5, 10
    (400, "DuplicateHeaders"): REJECTED,  # R: a header came twice
    (400, "InvalidPushType"): REJECTED,  # R: apns-push-type is unknown
    (400, "MissingDeviceToken"): REJECTED,  # R: the path holds no target
    (400, "PayloadEmpty"): REJECTED,  # R: there is no payload
    (400, "IdleTimeout"): retry(0),  # R: the connection was idle; the next try opens one
    (403, "ExpiredProviderToken"): retry(0),  # R, T: sign a new one; see CREDENTIAL_REFUSED
    (403, "InvalidProviderToken"): DOWN,  # R: key id, team id or signature is wrong
    (403, "MissingProviderToken"): DOWN,  # R: there is no authorization header
    (403, "UnrelatedKeyIdInToken"): retry(0),  # R: this connection began with another key
    (403, "BadEnvironmentKeyIdInToken"): DOWN,  # R: the key is scoped to the other environment
    (403, "BadEnvironmentKeyInToken"): DOWN,  # the same, as Apple's servers are seen to spell it
    (403, "BadCertificate"): DOWN,  # R: certificate mode
    (403, "BadCertificateEnvironment"): DOWN,  # R: certificate mode
    (403, "Forbidden"): REJECTED,  # R: the action is not allowed
    (404, "BadPath"): REJECTED,  # R: the path is not /3/device/…
    (405, "MethodNotAllowed"): REJECTED,  # R: not POST
    (410, "Unregistered"): DEAD,  # R: inactive since `timestamp`
    (410, "ExpiredToken"): DEAD,  # R: expired since `timestamp`
    (413, "PayloadTooLarge"): REJECTED,  # R: over 4096 bytes
    (429, "TooManyProviderTokenUpdates"): AnswerRow(Retry),  # R, T: signed anew more than once in 20 minutes
    (429, "TooManyRequests"): retry(30),  # R: too many to this one device
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
    error = content.get("error")
    details = _objects(error.get("details")) if isinstance(error, dict) else []
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
    if row.kind is TargetDead:
        return TargetDead(reason, since)
    if row.kind is not Retry:
        return row.kind(reason)
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
