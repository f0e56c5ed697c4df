"""A simulated mail server: it takes mail for everybody and keeps it in the inbox (RFC 5321, 3207, 4954).

aiosmtpd speaks the protocol. Ours are the scripts: `Submission`, which all connections share, decides what is answered
at each step, and `Smtp`, one connection, does the faults on the wire.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import ssl
from collections import defaultdict
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException

from simulators.answers import Outcome
from simulators.connection import LINGER_SECONDS, numbers, reset
from simulators.inbox import Note
from simulators.scripts import MAX_DELAY, UNDECIDED, Script
from simulators.state import SimulatorState
from simulators.wire import Reply, Request

MAX_LINE = 4096
MAX_MESSAGE = 256 * 1024

_MAILBOX = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,253}")

# The library logs every command, and with them addresses.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)


@dataclass(slots=True)
class Submission:
    """Who may hand over mail, and where it goes. The library calls the methods whose names begin with `handle_`, and
    answers what they return. `live` is the set of connections that the owner closes."""

    state: SimulatorState
    user: str
    password: str = field(repr=False)
    context: ssl.SSLContext
    live: set[Any] = field(default_factory=set)

    def let_in(self, mechanism: str, user: bytes, password: bytes) -> bool:
        return user == self.user.encode() and hmac.compare_digest(password, self.password.encode())

    async def step(self, smtp: Smtp, stage: str, usual: int) -> str | None:
        """What is scripted to be answered at a step that brings no message; None for the usual, which has that code."""
        script = self._script(stage)
        outcome = _scripted(script)
        request = Request(smtp, "", "", [], b"")
        reply = self.state.conclude(request, Note("email"), outcome or Outcome(250), script, keep=False)
        answer = await smtp.play(str(usual) if outcome is None else _line(outcome), reply)
        return None if outcome is None else answer

    async def handle_EHLO(self, smtp: Smtp, session: Session, _: Envelope, host: str, offered: list[str]) -> list[str]:
        session.host_name = host
        if (refusal := await self.step(smtp, "ehlo", 250)) is not None:
            return [refusal]
        # The library's own SIZE is the larger one that it cuts off at; its last line is HELP, which we do not have.
        return [*(line for line in offered[:-1] if not line.startswith("250-SIZE")), f"250 SIZE {MAX_MESSAGE}"]

    async def handle_HELO(self, smtp: Smtp, session: Session, _: Envelope, host: str) -> str:
        session.host_name = host
        return await self.step(smtp, "ehlo", 250) or "250 localhost"

    async def handle_AUTH(self, smtp: Smtp, session: Session, _: Envelope, args: list[str]) -> str | None:
        result = await getattr(smtp, f"auth_{args[0]}")(smtp, args)
        if not result.success:
            return None if result.handled else "535 5.7.8 Authentication credentials invalid"
        refusal = await self.step(smtp, "auth", 235)
        session.authenticated = refusal is None
        return refusal or "235 2.7.0 Welcome"

    async def handle_MAIL(self, smtp: Smtp, session: Session, envelope: Envelope, address: str, _: object) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if not _MAILBOX.fullmatch(address):
            return "501 5.1.7 Bad sender address"
        if (refusal := await self.step(smtp, "mail", 250)) is None:
            envelope.mail_from = address
        return refusal or "250 2.1.0 OK"

    async def handle_RCPT(self, smtp: Smtp, session: Session, envelope: Envelope, address: str, _: object) -> str:
        """A receiver who is refused is shown in the inbox."""
        if not _MAILBOX.fullmatch(address):
            return "501 5.1.3 Bad address"
        gone = self.state.is_gone(address)
        script = None if gone else self._script("rcpt", address)
        refusal = Outcome(550, "5.1.1 No such mailbox here") if gone else _scripted(script)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        keep = refusal is not None or (script is not None and script.fault in UNDECIDED)
        note = Note("email", address, payload=_json({"from": envelope.mail_from, "to": address}))
        request = Request(smtp, "RCPT", "", [], b"")
        reply = self.state.conclude(request, note, refusal or Outcome(250), script, keep=keep)
        return await smtp.play("250 2.1.5 OK" if refusal is None else _line(refusal), reply)

    async def handle_DATA(self, smtp: Smtp, session: Session, envelope: Envelope) -> str:
        """One answer stands for all receivers; the script for the first of them makes it."""
        content = envelope.original_content or b""
        mail = message_from_bytes(content, policy=default_policy)
        shown = {"from": envelope.mail_from, "subject": str(mail["subject"] or ""), "text": _part(mail, "plain")}
        if html := _part(mail, "html"):
            shown["html"] = html
        headers = [(name.lower(), " ".join(str(value).split())) for name, value in mail.items()]
        script = self._script("data", envelope.rcpt_tos[0])
        outcome = _scripted(script) or Outcome(552 if len(content) > MAX_MESSAGE else 250)
        replies = []
        for receiver in envelope.rcpt_tos:
            message_id = str(mail["message-id"] or "") or None
            note = Note("email", receiver, message_id, payload=_json({**shown, "to": receiver}))
            request = Request(smtp, "DATA", "", headers, content)
            replies.append(self.state.conclude(request, note, outcome, script))
        return await smtp.play(_line(outcome, "5.3.4 Too long" if outcome.status == 552 else "2.0.0 Taken"), *replies)

    async def handle_exception(self, error: Exception) -> str:
        """A mistake of ours; a client that breaks off its TLS handshake is none."""
        if not isinstance(error, TLSSetupException):
            asyncio.get_running_loop().call_exception_handler({"message": "SMTP failed", "exception": error})
        return "451 4.3.0 The simulator failed"

    def _script(self, stage: str, target: str | None = None) -> Script | None:
        return self.state.scripts.take("email", target, lambda script: _stage(script) == stage)


class Smtp(SMTP):
    """The server side of one connection. `tls` tells that it was TLS from the first byte."""

    transport: asyncio.Transport
    envelope: Envelope
    line_length_limit = 4 * MAX_MESSAGE  # of a line in a message
    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"

    def __init__(self, submission: Submission, *, tls: bool) -> None:
        super().__init__(
            submission,
            hostname="localhost",
            ident="ESMTP pushhub simulators",
            data_size_limit=4 * MAX_MESSAGE,
            enable_SMTPUTF8=True,
            tls_context=None if tls else submission.context,
            auth_require_tls=False,
            auth_callback=submission.let_in,
            timeout=24 * MAX_DELAY,  # it would cut short a fault that hangs
            loop=asyncio.get_running_loop(),
        )
        self.command_size_limits = defaultdict(lambda: MAX_LINE)
        self.number = next(numbers)
        self._submission = submission
        self._unfinished = 0  # bytes since the last end of a line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._submission.live.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._submission.live.discard(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """The library reads on until a line ends: cut off one that does not, unless it may be of the message."""
        super().data_received(data)
        before, (*ended, rest) = self._unfinished, data.rsplit(b"\n", 1)
        self._unfinished = len(rest) + (0 if ended else before)
        if before <= MAX_LINE < self._unfinished and not self.envelope.rcpt_tos:
            self._writer.write(b"500 5.5.2 Line too long\r\n")
            self.loop.call_later(LINGER_SECONDS, self._writer.close)

    def close_soon(self) -> None:
        """Close after what is being handled now was written."""
        self.loop.call_soon(self._writer.close)

    async def play(self, answer: str, *replies: Reply) -> str:
        """Wait as long as is scripted and give the answer back to be written; or do the fault, and never return.

        Of several replies, one for each receiver, the last tells what to do.
        """
        reply = replies[-1]
        if reply.delay > 0:
            await asyncio.sleep(reply.delay)
        if reply.fault is None:
            for written in (each.written for each in replies if each.written is not None):
                self.loop.call_soon(written)  # the library writes the answer before the loop's next turn
            return answer
        if reply.fault == "truncate":
            self._writer.write(f"{answer[:3]}-".encode())
            self.loop.call_later(LINGER_SECONDS, self._writer.close)
        elif reply.fault != "hang":
            reset(self.transport)
        return await asyncio.Future[str]()  # the library cancels this when the connection is lost

    async def _handle_client(self) -> None:
        """The whole conversation. The library has no hook for what comes before the greeting."""
        try:
            if (refusal := await self._submission.step(self, "connect", 220)) is None:
                await super()._handle_client()
            else:
                await self.push(refusal)
                await asyncio.sleep(LINGER_SECONDS)
        finally:
            self._writer.close()

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """The library would begin a second TLS within the first."""
        if self.transport.get_extra_info("sslcontext") is not None:
            await self.push("503 5.5.1 TLS is on already")
        else:
            await super().smtp_STARTTLS(arg)

    async def smtp_HELP(self, arg: str | None) -> None:
        await self.push("502 5.5.1 Command not implemented")


def _stage(script: Script) -> str:
    named = (script.detail or {}).get("stage")
    return str(named) if named else "rcpt" if script.answers else "data"


def _scripted(script: Script | None) -> Outcome | None:
    if script is None or not script.answers:
        return None
    return Outcome(script.status or 550, script.reason)


def _line(outcome: Outcome, text: str = "scripted") -> str:
    return f"{outcome.status} {outcome.reason or text}"


def _part(mail: EmailMessage, kind: Literal["plain", "html"]) -> str:
    part = mail.get_body((kind,))
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError):  # a character set that there is not
        return ""


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
