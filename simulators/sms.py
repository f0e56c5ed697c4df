"""A simulated SMS gateway: SMSEagle's JSON-RPC, as Apprise's plugin `smseagle://` speaks it.

Source: SMSEagle, "API documentation", method `sms.send_sms`.
"""

from __future__ import annotations

import hmac
import json
import re
from functools import partial
from typing import Any

from simulators.answers import Outcome, json_outcome, to_json
from simulators.inbox import Note
from simulators.scripts import Script
from simulators.state import Service, SimulatorState
from simulators.wire import Reply, Request, parse_json

PATH = "/jsonrpc/sms"

_NUMBER = re.compile(r"\+?[0-9]{9,15}")


class Sms(Service):
    """The service behind the SMS port: `POST /jsonrpc/sms`."""

    name = "sms"
    body_limit = 16 * 1024

    def __init__(self, state: SimulatorState, access_token: str) -> None:
        super().__init__(state)
        self._access_token = access_token
        self._messages = 0

    def answer(self, request: Request) -> Reply:
        """Check, then play a script or what was declared about the number, then accept. The gateway's own refusals
        have HTTP status 200 and are told in the body."""
        if request.path.partition("?")[0] != PATH or request.method != "POST":
            return self._state.conclude(request, Note("sms", payload=b""), Outcome(404), None)
        body = parse_json(request.body)
        params = body.get("params") if isinstance(body, dict) else None
        params = params if isinstance(params, dict) else {}
        number, text = params.get("to"), params.get("message")
        shown = number if isinstance(number, str) else None
        note = Note("sms", shown, None, None, json.dumps({"to": shown, "text": text}, ensure_ascii=False).encode())
        reason = self._refusal(body, params, number, text)
        refusal = None if reason is None else _refused(reason)
        return self._state.play(request, note, refusal, _scripted, partial(self._decide, note))

    def _refusal(self, body: object, params: dict[str, Any], number: object, text: object) -> str | None:
        if not isinstance(body, dict) or body.get("method") != "sms.send_sms":
            return "Unknown method"
        if not hmac.compare_digest(str(params.get("access_token")).encode(), self._access_token.encode()):
            return "Invalid access_token"
        if not isinstance(number, str) or not _NUMBER.fullmatch(number):
            return "Wrong number"
        return None if isinstance(text, str) and text else "No message"

    def _decide(self, note: Note) -> Outcome:
        if self._state.is_gone(note.target):
            return _refused("Number blocked")
        self._messages += 1
        note.message_id = str(self._messages)
        return json_outcome(200, None, {"result": {"message_id": note.message_id, "status": "ok"}})


def _scripted(script: Script) -> Outcome:
    if script.status in (None, 200):
        return _refused(str(script.reason))
    return json_outcome(script.status or 500, script.reason, {"error": script.reason, **(script.detail or {})})


def _refused(reason: str) -> Outcome:
    """Status 200 with an error in it; the inbox tells it by the reason."""
    body = {"result": {"message_id": "0", "status": "error", "error_text": reason}}
    return Outcome(200, reason, [("content-type", "application/json")], to_json(body))
