"""Simulated Huawei Push Kit with its OAuth token endpoint, over HTTP/2 and HTTP/1.1.

Sources: Huawei, "Sending Messages" (REST API v1), "OAuth 2.0 Client Credentials".
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote

from simulators.answers import Outcome, hms_answer, json_outcome
from simulators.inbox import Note
from simulators.oauth import Bearers
from simulators.scripts import Script
from simulators.state import Service, SimulatorState
from simulators.wire import Reply, Request, parse_json

TOKEN_PATH = "/oauth2/v3/token"  # noqa: S105 - a path, not a secret
ACCESS_TOKEN_LIFE = 3600
MAX_BODY = 4096
MAX_TARGETS = 1000

#: `error` and `sub_error` of the token endpoint for a client id or a secret that is wrong.
WRONG_CLIENT, WRONG_ID, WRONG_SECRET = 1101, 20001, 12304

_SUCCESS, _SOME_FAILED = "80000000", "80100000"
_TTL = re.compile(r"([0-9]{1,8})s")
_MAX_TTL = 1_296_000
_MESSAGE_FIELDS = frozenset(("token", "topic", "condition", "data", "notification", "android"))


class _Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Hms(Service):
    """The service behind the Push Kit port: `POST /v1/<app id>/messages:send` and `POST /oauth2/v3/token`."""

    name = "hms"

    def __init__(self, state: SimulatorState, app_id: str, secret: str, key: bytes) -> None:
        super().__init__(state)
        self._app_id = app_id
        self._secret = secret
        self._bearers = Bearers(key, state.clock, life=ACCESS_TOKEN_LIFE)
        self._send_path = f"/v1/{app_id}/messages:send"

    def answer(self, request: Request) -> Reply:
        """Route, check, then play a script or what was declared about the target, then accept."""
        path = unquote(request.path.partition("?")[0])
        if path == TOKEN_PATH:
            return self._token(request)
        request_id = secrets.token_hex(12)
        body = parse_json(request.body)
        message = _object(_object(body).get("message"))
        targets = message.get("token")
        target = targets[0] if isinstance(targets, list) and targets and isinstance(targets[0], str) else None
        note = Note("hms", target, request_id, _tag(message))
        try:
            self._admit(request, path)
            wanted = _check(request, _object(body), message)
        except _Refused as refused:
            outcome = Outcome(404) if refused.code == "404" else hms_answer(refused.code, request_id)
            return self._state.conclude(request, note, outcome, None)
        scripted, usual = partial(_scripted, request_id), partial(self._decide, request_id, wanted)
        return self._state.play(request, note, None, scripted, usual)

    def _token(self, request: Request) -> Reply:
        form = parse_qs(request.body.decode("ascii", "replace"), max_num_fields=10)
        granted = self._grant(request, form)
        refusal = None if granted.status == 200 else granted
        return self._state.play(request, Note("hms-oauth"), refusal, _scripted_grant, lambda: granted, keep=False)

    def _grant(self, request: Request, form: dict[str, list[str]]) -> Outcome:
        if request.method != "POST":
            return Outcome(405)
        if form.get("grant_type") != ["client_credentials"] or form.get("client_id") != [self._app_id]:
            return _token_error(WRONG_ID)
        if not hmac.compare_digest(form.get("client_secret", [""])[0].encode(), self._secret.encode()):
            return _token_error(WRONG_SECRET)
        return self._bearers.grant()

    def _admit(self, request: Request, path: str) -> None:
        if not path.startswith("/v1/") or not path.endswith("/messages:send") or request.method != "POST":
            raise _Refused("404")
        expires_at = self._bearers.expiry(request.bearer())
        if expires_at is None:
            raise _Refused("80200001")
        if expires_at <= self._state.clock():
            raise _Refused("80200003")
        if path != self._send_path:
            raise _Refused("80300002")

    def _decide(self, request_id: str, targets: list[str]) -> Outcome:
        gone = [each for each in targets if self._state.is_gone(each)]
        if not gone:
            return hms_answer(_SUCCESS, request_id)
        if len(gone) == len(targets):
            return hms_answer("80300007", request_id)
        report = {"success": len(targets) - len(gone), "failure": len(gone), "illegal_tokens": gone}
        return hms_answer(_SOME_FAILED, request_id, extra={"msg": json.dumps(report)})


def _check(request: Request, body: dict[str, Any], message: dict[str, Any]) -> list[str]:
    """To whom it goes."""
    if not message or set(body) - {"validate_only", "message"} or set(message) - _MESSAGE_FIELDS:
        raise _Refused("80100003")
    targets = message.get("token")
    if not isinstance(targets, list) or not 1 <= len(targets) <= MAX_TARGETS:
        raise _Refused("80300010")
    if any(not isinstance(each, str) or len(each) < 8 or any(c.isspace() for c in each) for each in targets):
        raise _Refused("80300007")
    if request.too_long or len(request.body) - sum(map(len, targets)) > MAX_BODY:
        raise _Refused("80300008")
    if not isinstance(message.get("data", ""), str):
        raise _Refused("80100003")
    _check_android(message.get("android"))
    return targets


def _check_android(value: object) -> None:
    if value is None:
        return
    android = _object(value)
    ttl = _TTL.fullmatch(str(android.get("ttl", "86400s")))
    if not android or ttl is None or not 1 <= int(ttl[1]) <= _MAX_TTL:
        raise _Refused("80100003")
    notification = _object(android.get("notification"))
    if android.get("urgency", "NORMAL") != "NORMAL" or notification.get("importance") == "HIGH":
        raise _Refused("80300011")
    if "notification" in android:
        texts = [notification.get("title"), notification.get("body")]
        action = _object(notification.get("click_action")).get("type")
        if not all(isinstance(each, str) and each for each in texts) or action not in (1, 2, 3):
            raise _Refused("80100003")


def _scripted(request_id: str, script: Script) -> Outcome:
    """A code gets Huawei's JSON; a status alone is an answer of what stands before Push Kit."""
    if script.reason is None:
        return Outcome(script.status or 503)
    return hms_answer(script.reason, request_id, status=script.status, extra=script.detail)


def _scripted_grant(script: Script) -> Outcome:
    error: object = int(script.reason) if script.reason and script.reason.isdigit() else script.reason
    return json_outcome(script.status or 400, script.reason, {"error": error, "error_description": "scripted"})


def _token_error(sub_error: int) -> Outcome:
    value = {"error": WRONG_CLIENT, "sub_error": sub_error, "error_description": "invalid client"}
    return json_outcome(400, str(WRONG_CLIENT), value)


def _tag(message: dict[str, Any]) -> str | None:
    tag = _object(_object(message.get("android")).get("notification")).get("tag")
    return tag if isinstance(tag, str) else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
