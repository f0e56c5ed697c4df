"""Simulated FCM HTTP v1 with its OAuth token endpoint, over HTTP/2 and HTTP/1.1.

Sources: Google, "Method: projects.messages.send", "FCM ErrorCode", "Using OAuth 2.0 for server to server
applications".
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any
from urllib.parse import unquote

from simulators.answers import GOOGLE_REASONS, Outcome, fcm_error, google_error, json_outcome, oauth_error
from simulators.fcm_message import Unacceptable, addressed_to, check, snake
from simulators.inbox import Note
from simulators.oauth import AccessTokens
from simulators.scripts import Script
from simulators.state import Service, SimulatorState
from simulators.wire import Reply, Request, parse_json

TOKEN_PATH = "/token"  # noqa: S105 - a path, not a secret


class Fcm(Service):
    """The service behind the FCM port: `POST /v1/projects/<project>/messages:send` and `POST /token`."""

    name = "fcm"

    def __init__(self, state: SimulatorState, access_tokens: AccessTokens, project: str) -> None:
        super().__init__(state)
        self._access_tokens = access_tokens
        self._project = project
        self._send_path = f"/v1/projects/{project}/messages:send"

    def answer(self, request: Request) -> Reply:
        """Route, check, then play a script or what was declared about the target, then accept."""
        path = unquote(request.path.partition("?")[0])
        if path == TOKEN_PATH:
            return self._token(request)
        body = parse_json(request.body)
        body = snake(body) if isinstance(body, dict) else {}
        message = body.get("message")
        message = snake(message) if isinstance(message, dict) else {}
        note = Note("fcm", addressed_to(message), None, _collapse_key(message))
        try:
            self._admit(request, path)
            self._check(request, body, message)
        except Unacceptable as refused:
            return self._state.conclude(request, note, refused.outcome, None)
        if body.get("validate_only"):
            outcome = json_outcome(200, "validate_only", {"name": self._name("fake_message_id")})
            return self._state.conclude(request, note, outcome, None)
        return self._state.play(request, note, None, _scripted, partial(self._decide, note))

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            granted = google_error(405, "Use POST.")
        else:
            granted = self._access_tokens.exchange(request.body)
        refusal = None if granted.status == 200 else granted
        return self._state.play(request, Note("oauth"), refusal, _scripted_grant, lambda: granted, keep=False)

    def _admit(self, request: Request, path: str) -> None:
        if not path.startswith("/v1/projects/") or not path.endswith("/messages:send"):
            raise Unacceptable(google_error(404, "The requested URL was not found on this server."))
        if request.method != "POST":
            raise Unacceptable(google_error(405, "Use POST."))
        if not self._access_tokens.good(request.bearer()):
            text = "Request had invalid authentication credentials. Expected OAuth 2 access token."
            raise Unacceptable(google_error(401, text))
        if path != self._send_path:
            raise Unacceptable(google_error(404, "Requested entity was not found."))

    def _check(self, request: Request, body: dict[str, Any], message: dict[str, Any]) -> None:
        if request.too_long:
            raise Unacceptable(google_error(400, "Request payload size exceeds the limit."))
        if not message or set(body) - {"message", "validate_only"}:
            text = "Invalid JSON payload received. Send an object with message and, if needed, validate_only."
            raise Unacceptable(google_error(400, text))
        check(message)

    def _decide(self, note: Note) -> Outcome:
        if self._state.is_gone(note.target):
            return fcm_error("UNREGISTERED")
        micros = int(self._state.clock() * 1_000_000)
        note.message_id = self._name(f"0:{micros}%{secrets.token_hex(8)}")
        return json_outcome(200, None, {"name": note.message_id})

    def _name(self, message_id: str) -> str:
        return f"projects/{self._project}/messages/{message_id}"


def _scripted(script: Script) -> Outcome:
    """A known `errorCode` gets an `FcmError`; the statuses of Google's own infrastructure do not."""
    details = [script.detail] if script.detail else []
    if script.reason is None or script.reason in GOOGLE_REASONS:
        status = script.status or GOOGLE_REASONS[script.reason or ""]
        return google_error(status, "This was scripted.", reason=script.reason, details=details)
    return fcm_error(script.reason, status=script.status, details=details)


def _scripted_grant(script: Script) -> Outcome:
    return oauth_error(script.reason or "server_error", "This was scripted.", status=script.status or 400)


def _collapse_key(message: dict[str, Any]) -> str | None:
    android = message.get("android")
    key = snake(android).get("collapse_key") if isinstance(android, dict) else None
    return key if isinstance(key, str) else None
