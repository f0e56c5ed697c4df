"""A simulated SMS gateway: SMSEagle's JSON-RPC, as Apprise's plugin `smseagle://` speaks it.

Source: SMSEagle, "API documentation", method `sms.send_sms`.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

from simulators.answers import Outcome, json_outcome, to_json
from simulators.scripts import Script
from simulators.state import Note, SimulatorState
from simulators.wire import Reply, Request, parse_json

PATH = "/jsonrpc/sms"

_NUMBER = re.compile(r"\+?[0-9]{9,15}")


class Sms:
    """The service behind the SMS port: `POST /jsonrpc/sms`."""

    http1 = True
    body_limit = 16 * 1024

    def __init__(self, state: SimulatorState, access_token: str) -> None:
        self._state = state
        self._access_token = access_token
        self._messages = 0

    def requests_per_connection(self) -> int | None:
        return None

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
        script: Script | None = None
        refusal = self._refusal(body, params, number, text)
        if refusal is not None:
            outcome = _refused(refusal)
        else:
            script = self._state.scripts.take("sms", number)
            outcome = _scripted(script) or self._declared(str(number)) or self._accept(note)
        return self._state.conclude(request, note, outcome, script)

    def _refusal(self, body: object, params: dict[str, Any], number: object, text: object) -> str | None:
        if not isinstance(body, dict) or body.get("method") != "sms.send_sms":
            return "Unknown method"
        if not hmac.compare_digest(str(params.get("access_token")).encode(), self._access_token.encode()):
            return "Invalid access_token"
        if not isinstance(number, str) or not _NUMBER.fullmatch(number):
            return "Wrong number"
        return None if isinstance(text, str) and text else "No message"

    def _declared(self, number: str) -> Outcome | None:
        facts = self._state.targets.get(number)
        return _refused("Number blocked") if facts is not None and facts.unregistered_since is not None else None

    def _accept(self, note: Note) -> Outcome:
        self._messages += 1
        note.message_id = str(self._messages)
        return json_outcome(200, None, {"result": {"message_id": note.message_id, "status": "ok"}})


def _scripted(script: Script | None) -> Outcome | None:
    if script is None or not script.answers:
        return None
    if script.status in (None, 200):
        return _refused(str(script.reason))
    return json_outcome(script.status or 500, script.reason, {"error": script.reason, **(script.detail or {})})


def _refused(reason: str) -> Outcome:
    """Status 200 with an error in it; the inbox tells it by the reason."""
    body = {"result": {"message_id": "0", "status": "error", "error_text": reason}}
    return Outcome(200, reason, [("content-type", "application/json")], to_json(body))
