"""The answers of both providers, as tables and as bytes.

Sources: Apple, "Handling notification responses from APNs"; Google, "FCM ErrorCode" and "FCM error codes"
(REST v1 reference), google/rpc/error_details.proto.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulators.wire import Headers

#: `reason` of APNs -> HTTP status.
APNS_STATUSES: Mapping[str, int] = {
    "BadCollapseId": 400,
    "BadDeviceToken": 400,
    "BadExpirationDate": 400,
    "BadMessageId": 400,
    "BadPriority": 400,
    "BadTopic": 400,
    "DeviceTokenNotForTopic": 400,
    "DuplicateHeaders": 400,
    "IdleTimeout": 400,
    "InvalidPushType": 400,
    "MissingDeviceToken": 400,
    "MissingTopic": 400,
    "PayloadEmpty": 400,
    "TopicDisallowed": 400,
    "BadCertificate": 403,
    "BadCertificateEnvironment": 403,
    "BadEnvironmentKeyIdInToken": 403,
    "BadEnvironmentKeyInToken": 403,  # the spelling that is seen on the wire
    "ExpiredProviderToken": 403,
    "Forbidden": 403,
    "InvalidProviderToken": 403,
    "MissingProviderToken": 403,
    "UnrelatedKeyIdInToken": 403,
    "BadPath": 404,
    "MethodNotAllowed": 405,
    "ExpiredToken": 410,
    "Unregistered": 410,
    "PayloadTooLarge": 413,
    "TooManyProviderTokenUpdates": 429,
    "TooManyRequests": 429,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
    "Shutdown": 503,
}

#: `errorCode` of FCM -> HTTP status, message.
FCM_ERRORS: Mapping[str, tuple[int, str]] = {
    "UNSPECIFIED_ERROR": (500, "Unknown error."),
    "INVALID_ARGUMENT": (400, "The registration token is not a valid FCM registration token"),
    "UNREGISTERED": (404, "Requested entity was not found."),
    "SENDER_ID_MISMATCH": (403, "SenderId mismatch"),
    "QUOTA_EXCEEDED": (429, "Quota exceeded for the message rate to this target."),
    "UNAVAILABLE": (503, "The service is currently unavailable."),
    "INTERNAL": (500, "Internal error encountered."),
    "THIRD_PARTY_AUTH_ERROR": (401, "Auth error from APNS or Web Push Service"),
    "APNS_AUTH_ERROR": (401, "Auth error from APNS"),  # the former name of THIRD_PARTY_AUTH_ERROR
}

#: HTTP status -> `status` of a Google API error (google/rpc/code.proto).
GOOGLE_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

#: Reasons that are a Google `status` alone, without an `FcmError` detail -> HTTP status.
GOOGLE_REASONS: Mapping[str, int] = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404}

#: `code` of Huawei's Push Kit -> HTTP status, message. Source: Huawei, "Sending Messages", response codes.
HMS_CODES: Mapping[str, tuple[int, str]] = {
    "80000000": (200, "Success"),
    "80100000": (200, "Check Parameter Partial Success"),
    "80100001": (400, "Illegal parameter"),
    "80100002": (400, "Illegal number of tokens in a synchronous message"),
    "80100003": (400, "Illegal payload"),
    "80100004": (400, "The expiration time is in the past"),
    "80100013": (400, "Illegal collapse_key"),
    "80100016": (400, "Message contains sensitive information"),
    "80100017": (400, "Too many topics"),
    "80200001": (401, "Oauth authentication error"),
    "80200003": (401, "Oauth token expired"),
    "80300002": (403, "No permission to send message to these tmIDs"),
    "80300007": (400, "All the tokens are invalid"),
    "80300008": (400, "Message body size exceeds the default value"),
    "80300010": (400, "The number of tokens does not fit"),
    "80300011": (403, "No permission to send messages of high priority"),
    "80300013": (400, "Illegal receipt address"),
    "80600003": (500, "Oauth service request failed"),
    "81000001": (500, "System inner error"),
}

FCM_ERROR_TYPE = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST_TYPE = "type.googleapis.com/google.rpc.BadRequest"

_JSON_HEADER = ("content-type", "application/json; charset=UTF-8")


@dataclass(slots=True)
class Outcome:
    """What a provider decided about one request: `reason` is its own word, None for success."""

    status: int
    reason: str | None = None
    headers: Headers = field(default_factory=list)
    body: bytes = field(default=b"", repr=False)


def to_json(value: object) -> bytes:
    """Compact JSON in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode()


def json_outcome(status: int, reason: str | None, value: object) -> Outcome:
    """An outcome with a JSON body."""
    return Outcome(status, reason, [_JSON_HEADER], to_json(value))


def apns_error(
    reason: str | None,
    *,
    status: int | None = None,
    timestamp: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Outcome:
    """`{"reason": …, "timestamp": …}`; `timestamp` is in milliseconds since 1970 and comes with 410 only.

    The status is taken from the table when None; an unknown reason without a status is a KeyError.
    """
    body: dict[str, Any] = {}
    if reason is not None:
        body["reason"] = reason
    if timestamp is not None:
        body["timestamp"] = timestamp
    body.update(extra or {})
    return json_outcome(APNS_STATUSES[reason or ""] if status is None else status, reason, body)


def google_error(
    status: int, message: str, *, reason: str | None = None, details: Sequence[Mapping[str, Any]] = ()
) -> Outcome:
    """`{"error": {"code", "message", "status", "details"}}`, the error of every Google REST API."""
    name = GOOGLE_STATUSES.get(status, "UNKNOWN")
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        error["details"] = list(details)
    return json_outcome(status, reason or name, {"error": error})


def fcm_error(code: str, *, status: int | None = None, details: Sequence[Mapping[str, Any]] = ()) -> Outcome:
    """A Google error with an `FcmError` detail that carries the `errorCode`.

    The status is taken from the table when None; an unknown code without a status is a KeyError.
    """
    default, message = FCM_ERRORS[code] if status is None else (status, FCM_ERRORS.get(code, (0, code))[1])
    detail = {"@type": FCM_ERROR_TYPE, "errorCode": code}
    return google_error(default, message, reason=code, details=[detail, *details])


def bad_field(name: str, description: str) -> Outcome:
    """400 INVALID_ARGUMENT with a `google.rpc.BadRequest` detail: the message is at fault, not the target."""
    violation = {"field": name, "description": description}
    detail = {"@type": BAD_REQUEST_TYPE, "fieldViolations": [violation]}
    return google_error(400, f"Invalid value at '{name}': {description}", details=[detail])


def hms_answer(
    code: str, request_id: str, *, status: int | None = None, extra: Mapping[str, Any] | None = None
) -> Outcome:
    """`{"code", "msg", "requestId"}`. The status is taken from the table when None; an unknown code is a KeyError."""
    default, message = HMS_CODES[code] if status is None else (status, HMS_CODES.get(code, (0, code))[1])
    body = {"code": code, "msg": message, "requestId": request_id, **(extra or {})}
    return json_outcome(default, None if code == "80000000" else code, body)


def oauth_error(error: str, description: str, *, status: int = 400) -> Outcome:
    """`{"error": …, "error_description": …}` (RFC 6749 section 5.2)."""
    return json_outcome(status, error, {"error": error, "error_description": description})
