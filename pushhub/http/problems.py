"""Every refusal as one shape: RFC 9457 `application/problem+json` with a stable `code`."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request
from marshmallow import INCLUDE, Schema, fields
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from pushhub.kernel import clock, errors
from pushhub.kernel.errors import PushhubError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class Problem(Schema):
    """The members that every problem document has; `errors`, `retry_at` and others come with some codes."""

    class Meta:
        unknown = INCLUDE  # the document says so too: RFC 9457, 3.2, lets a problem have members of its own

    type = fields.String(required=True, metadata={"description": "Where this code is explained."})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What to do about it."})
    code = fields.String(required=True, metadata={"description": "Stable; match on this."})
    retry_at = fields.String(metadata={"description": "RFC 3339; when the same request may succeed."})
    errors = fields.Dict(metadata={"description": "For invalid_request: what is wrong, by field."})


#: What werkzeug's own refusals are called here.
_BY_STATUS: Mapping[int, type[PushhubError]] = {
    400: errors.MalformedBody,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMediaType,
    422: errors.InvalidRequest,
}


def problem_response(problem: PushhubError) -> Response:
    """The refusal as an HTTP answer, with `Retry-After` (seconds) where there is a time to wait for."""
    document: dict[str, Any] = {
        "type": f"/errors#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    headers = {"Cache-Control": "no-store"}
    if problem.retry_at is not None:
        document["retry_at"] = clock.rfc3339(problem.retry_at)
        wait = (problem.retry_at - clock.now()).total_seconds()
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    elif problem.status == 503:
        headers["Retry-After"] = "3"
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'DPoP algs="ES256"' if request.path.startswith("/mobile/") else "Bearer"
    text = json.dumps(document | problem.members, ensure_ascii=False)
    return Response(text, problem.status, headers, content_type=MEDIA_TYPE)


def register_error_handlers(app: Flask) -> None:
    """One handler for everything that can go wrong in a request."""
    app.register_error_handler(PushhubError, problem_response)
    app.register_error_handler(HTTPException, _from_werkzeug)
    app.register_error_handler(Exception, _from_bug)


def refusal_of(problem: HTTPException) -> type[PushhubError]:
    """What one of werkzeug's own refusals (status 400 or above) is called here."""
    status = problem.code or 500
    return _BY_STATUS.get(status) or (errors.MalformedBody if status < 500 else PushhubError)


def _from_werkzeug(problem: HTTPException) -> BaseResponse:
    if (problem.code or 500) < 400:
        return problem.get_response()
    kind, members = refusal_of(problem), {}
    data = getattr(problem, "data", None)
    if kind is errors.InvalidRequest and isinstance(data, dict):
        members["errors"] = _by_field(data.get("messages", {}))
    response = problem_response(kind(**members))
    allowed = getattr(problem, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _by_field(messages: Any) -> Any:
    """webargs sorts by where a field came from (`json`, `query`); to the caller only the field matters."""
    if not isinstance(messages, dict):
        return messages
    return {name: texts for place in messages.values() if isinstance(place, dict) for name, texts in place.items()}


def _from_bug(problem: Exception) -> Response:
    log.error("unhandled error", exc_info=problem, extra={"endpoint": request.endpoint})
    return problem_response(PushhubError())
