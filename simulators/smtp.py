"""A simulated mail server: it takes mail for everybody and keeps it in the inbox (RFC 5321, 3207, 4954).

Written by hand like the other protocols here, because a mail server has to be able to fail at every step: refuse
the greeting, hang after the message, answer half a line. `Submission` is what all connections share, `Smtp` one
connection.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from typing import Any, Literal, cast

from simulators.answers import Outcome
from simulators.connection import LINGER_SECONDS, numbers, reset
from simulators.scripts import UNDECIDED, Script
from simulators.state import Note, SimulatorState
from simulators.wire import Reply, Request

MAX_LINE = 4096
MAX_MESSAGE = 256 * 1024

_PATH = re.compile(r"(?:FROM|TO):\s*<(?P<address>[^<>\s]*)>(?:\s.*)?", re.IGNORECASE)
_MAILBOX = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,253}")
_END = b"\r\n.\r\n"


@dataclass(slots=True)
class Submission:
    """Who may hand over mail, and where it goes. `live` is the set of connections that the owner closes."""

    state: SimulatorState
    user: str
    password: str = field(repr=False)
    context: ssl.SSLContext
    live: set[Any] = field(default_factory=set)

    def let_in(self, user: str, password: str) -> bool:
        return user == self.user and hmac.compare_digest(password.encode(), self.password.encode())


@dataclass(slots=True)
class _Envelope:
    sender: str
    receivers: list[str] = field(default_factory=list)


class Smtp(asyncio.Protocol):
    """The server side of one connection. `tls` tells that it was TLS from the first byte."""

    def __init__(self, submission: Submission, *, tls: bool) -> None:
        self.number = next(numbers)
        self.transport: asyncio.Transport
        self._submission = submission
        self._state = submission.state
        self._loop = asyncio.get_running_loop()
        self._tls = tls
        self._buffer = bytearray()
        self._busy = False  # an answer is being waited for: nothing more is read
        self._finished = False
        self._start_anew()
        self._commands: dict[str, Callable[[str], None]] = {
            "EHLO": self._ehlo,
            "HELO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": lambda rest: self._say(250, "2.0.0 OK"),
            "QUIT": self._quit,
        }

    def _start_anew(self) -> None:
        self._greeted = self._admitted = False
        self._envelope: _Envelope | None = None
        self._take: Callable[[], bool] = self._take_line
        self._line: Callable[[str], None] = self._command
        self._login_name = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._submission.live.add(self)
        self._step("connect", None, 220, "localhost ESMTP pushhub simulators")

    def connection_lost(self, exc: Exception | None) -> None:
        self._submission.live.discard(self)
        self._finished = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._advance()

    def close_soon(self) -> None:
        """Close after what is being handled now was written."""
        self._loop.call_soon(self.transport.close)

    def _advance(self) -> None:
        while not self._busy and not self._finished and self._take():
            pass

    def _take_line(self) -> bool:
        line, found, rest = bytes(self._buffer).partition(b"\n")
        if not found:
            if len(self._buffer) > MAX_LINE:
                self._say(500, "5.5.2 Line too long", close=True)
            return False
        self._buffer = bytearray(rest)
        self._line(line.rstrip(b"\r").decode("utf-8", "replace"))
        return True

    def _command(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        command = self._commands.get(verb.upper())
        if command is None:
            self._say(502, "5.5.1 Command not implemented")
        else:
            command(rest.strip())

    def _ehlo(self, rest: str) -> None:
        self._greeted, self._envelope = True, None
        offered = ["localhost", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", f"SIZE {MAX_MESSAGE}"]
        if not self._tls:
            offered.append("STARTTLS")
        self._step("ehlo", None, 250, *offered, "AUTH PLAIN LOGIN")

    def _starttls(self, rest: str) -> None:
        if self._tls:
            self._say(503, "5.5.1 TLS is on already")
            return
        self._say(220, "2.0.0 Go ahead")
        self._busy = True
        self._buffer.clear()  # what was sent ahead in the clear is not believed (RFC 3207, section 6)
        self._securing = self._loop.create_task(self._secure())

    async def _secure(self) -> None:
        try:
            secure = await self._loop.start_tls(
                self.transport, self, self._submission.context, server_side=True, ssl_handshake_timeout=10
            )
        except OSError:
            self.transport.abort()
            return
        if secure is None:
            return
        self.transport, self._tls, self._busy = secure, True, False
        self._start_anew()
        self._advance()

    def _auth(self, rest: str) -> None:
        method, _, initial = rest.partition(" ")
        if not self._greeted or self._admitted or self._envelope is not None:
            self._say(503, "5.5.1 Not now")
        elif method.upper() == "PLAIN":
            self._ask_for("", self._plain, initial)
        elif method.upper() == "LOGIN":
            self._ask_for("VXNlcm5hbWU6", self._login, initial)
        else:
            self._say(504, "5.5.4 Unknown method")

    def _ask_for(self, challenge: str, then: Callable[[str], None], given: str = "") -> None:
        if given:
            then(given)
        else:
            self._line = then
            self._say(334, challenge)

    def _plain(self, response: str) -> None:
        _, _, account = _decoded(response).partition("\0")
        user, _, password = account.partition("\0")
        self._admit(user, password)

    def _login(self, response: str) -> None:
        self._login_name = _decoded(response)
        self._ask_for("UGFzc3dvcmQ6", lambda given: self._admit(self._login_name, _decoded(given)))

    def _admit(self, user: str, password: str) -> None:
        self._line = self._command
        if not self._submission.let_in(user, password):
            self._say(535, "5.7.8 Authentication credentials invalid")
        elif self._step("auth", None, 235, "2.7.0 Welcome"):
            self._admitted = True

    def _mail(self, rest: str) -> None:
        found = _PATH.fullmatch(rest)
        if not self._admitted:
            self._say(530, "5.7.0 Authentication required")
        elif self._envelope is not None:
            self._say(503, "5.5.1 One sender at a time")
        elif found is None or not _MAILBOX.fullmatch(found["address"]):
            self._say(501, "5.1.7 Bad sender address")
        elif self._step("mail", None, 250, "2.1.0 OK"):
            self._envelope = _Envelope(found["address"])

    def _rcpt(self, rest: str) -> None:
        found = _PATH.fullmatch(rest)
        if self._envelope is None:
            self._say(503, "5.5.1 MAIL first")
            return
        if found is None or not _MAILBOX.fullmatch(found["address"]):
            self._say(501, "5.1.3 Bad address")
            return
        address = found["address"]
        facts = self._state.targets.get(address)
        if facts is not None and facts.unregistered_since is not None:
            self._refuse(address, 550, "5.1.1 No such mailbox here")
        elif self._step("rcpt", address, 250, "2.1.5 OK"):
            self._envelope.receivers.append(address)

    def _data(self, rest: str) -> None:
        if self._envelope is None or not self._envelope.receivers:
            self._say(503, "5.5.1 RCPT first")
            return
        self._say(354, "End with a dot on a line of its own")
        self._buffer[:0] = b"\r\n"
        self._take = self._take_message

    def _take_message(self) -> bool:
        end = self._buffer.find(_END)
        if end < 0:
            if len(self._buffer) > 4 * MAX_MESSAGE:
                self.transport.abort()
            return False
        content = bytes(self._buffer[2 : end + 2]).replace(b"\r\n..", b"\r\n.")
        del self._buffer[: end + len(_END)]
        self._take, envelope, self._envelope = self._take_line, self._envelope, None
        if envelope is not None:
            self._taken(envelope, content)
        return True

    def _taken(self, envelope: _Envelope, content: bytes) -> None:
        mail = message_from_bytes(content, policy=default_policy)
        shown = {"from": envelope.sender, "subject": str(mail["subject"] or ""), "text": _part(mail, "plain")}
        if html := _part(mail, "html"):
            shown["html"] = html
        headers = [(name.lower(), " ".join(str(value).split())) for name, value in mail.items()]
        script = self._script("data", envelope.receivers[0])
        outcome = _scripted(script) or Outcome(552 if len(content) > MAX_MESSAGE else 250)
        # One answer stands for all receivers; the script for the first of them makes it.
        replies = []
        for receiver in envelope.receivers:
            note = Note(
                "email", receiver, str(mail["message-id"] or "") or None, None, _json({**shown, "to": receiver})
            )
            request = Request(self, "DATA", "", headers, content)
            replies.append(self._state.conclude(request, note, outcome, script))
        notes = [reply.written for reply in replies if reply.written is not None]

        def written() -> None:
            for noted in notes:
                noted()

        replies[-1].written = written
        self._carry_out(replies[-1], outcome.reason or ("5.3.4 Too long" if outcome.status == 552 else "2.0.0 Taken"))

    def _rset(self, rest: str) -> None:
        self._envelope = None
        self._say(250, "2.0.0 OK")

    def _quit(self, rest: str) -> None:
        self._say(221, "2.0.0 Bye", close=True)

    def _script(self, stage: str, target: str | None) -> Script | None:
        return self._state.scripts.take("email", target, lambda script: _stage(script) == stage)

    def _step(self, stage: str, target: str | None, status: int, *lines: str) -> bool:
        """Answer, or do what is scripted for this stage. True if the client may go on."""
        script = self._script(stage, target)
        if script is None:
            self._say(status, *lines)
            return True
        outcome = _scripted(script)
        if target is not None and (outcome is not None or script.fault in UNDECIDED):
            self._refuse(target, outcome.status if outcome else 250, (outcome and outcome.reason) or "", script)
            return False
        reply = self._state.conclude(Request(self, "", "", [], b""), Note("email"), Outcome(250), script, keep=False)
        if outcome is None:
            self._carry_out(reply, *lines, status=status)
        else:
            self._carry_out(reply, outcome.reason or "scripted", status=outcome.status, close=stage == "connect")
        return outcome is None and reply.fault is None

    def _refuse(self, address: str, status: int, text: str, script: Script | None = None) -> None:
        """Refuse one receiver, and show it in the inbox."""
        sender = self._envelope.sender if self._envelope is not None else ""
        note = Note("email", address, None, None, _json({"from": sender, "to": address}))
        outcome = Outcome(status, text or None)
        reply = self._state.conclude(Request(self, "RCPT", "", [], b""), note, outcome, script)
        self._carry_out(reply, text or "scripted", status=status)

    def _carry_out(self, reply: Reply, *lines: str, status: int | None = None, close: bool = False) -> None:
        def now() -> None:
            self._busy = False
            code = reply.status if status is None else status
            if reply.fault == "hang":
                self._busy = True
            elif reply.fault in ("reset", "rst_stream"):
                reset(self.transport)
            elif reply.fault == "truncate":
                self.transport.write(f"{code}-".encode())
                self._finish()
            else:
                self._say(code, *lines, close=close)
                if reply.written is not None and not self.transport.is_closing():
                    reply.written()
            self._loop.call_soon(self._advance)

        self._busy = True
        if reply.delay > 0:
            self._loop.call_later(reply.delay, now)
        else:
            now()

    def _say(self, status: int, *lines: str, close: bool = False) -> None:
        if self._finished or self.transport.is_closing():
            return
        last = len(lines) - 1
        text = "".join(f"{status}{' ' if at == last else '-'}{line}\r\n" for at, line in enumerate(lines))
        self.transport.write(text.encode())
        if close:
            self._finish()

    def _finish(self) -> None:
        self._finished = True
        self._loop.call_later(LINGER_SECONDS, self.transport.close)


def _stage(script: Script) -> str:
    named = (script.detail or {}).get("stage")
    return str(named) if named else "rcpt" if script.answers else "data"


def _scripted(script: Script | None) -> Outcome | None:
    if script is None or not script.answers:
        return None
    return Outcome(script.status or 550, script.reason)


def _part(mail: EmailMessage, kind: Literal["plain", "html"]) -> str:
    part = mail.get_body((kind,))
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError):  # a character set that there is not
        return ""


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
