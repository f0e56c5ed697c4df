"""Mail: one message to one mailbox, handed to a mail server by `aiosmtplib`.

Each try has a connection of its own: mail is the last way of a code, and a connection that is kept open is one
that the server has closed when it is needed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from aiosmtplib import SMTP, SMTPException

from pushhub.channels.contract import USUAL, Accepted, Address, Message, Outcome, Rejected, TargetDead
from pushhub.channels.mail_answers import mail_failure
from pushhub.channels.mail_server import MailServer, Security
from pushhub.identity.email import mailbox
from pushhub.kernel import clock

#: Seconds for saying goodbye after a try.
GOODBYE_LIMIT = 2.0

#: Tries under way at once. Mail servers bear some ten connections of one client.
CONNECTIONS = 8

#: What the message is written as: seven bits, so that every server takes it.
_POLICY = SMTP_POLICY.clone(cte_type="7bit")


class _Connection(SMTP):
    """Is gone when it is closed; TLS by itself would wait for the server's goodbye for half a minute."""

    def close(self) -> None:
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class EmailChannel:
    """Sends mail. `time_limit` is for one try with all its steps, in seconds; `context` is unused where `server` has no
    TLS."""

    name = "email"
    #: How many messages it takes at once.
    room = CONNECTIONS

    def __init__(
        self, *, server: MailServer, sender: Mailbox, context: ssl.SSLContext, time_limit: float = USUAL.mail
    ) -> None:
        #: Where mail is handed over.
        self.host = f"{server.host}:{server.port}"
        #: In whose name mail is sent.
        self.sender = sender
        self._server = server
        self._context = context
        self._time_limit = time_limit
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def send(self, message: Message) -> Outcome:
        """Make one try, in at most 10 s."""
        target = message.target
        if not isinstance(target, Address):
            return Rejected("wrong_target_kind")
        try:
            receiver = mailbox(target.value)
        except ValueError:
            return TargetDead("malformed_target")
        try:
            content = self.build(message, receiver)
        except ValueError:  # text that is no Unicode (a lone surrogate)
            return Rejected("invalid_message")
        return await self.hand_over(content, receiver, self._message_id(message))

    async def hand_over(self, mail: bytes, receiver: Mailbox, message_id: str) -> Outcome:
        """Make one try with a whole mail, such as a letter of a cabinet, in at most 10 s."""
        taken = False
        try:
            async with asyncio.timeout(self._time_limit), self._free, self._connected() as server:
                await server.sendmail(self.sender.addr_spec, [receiver.addr_spec], mail)
                taken = True
        except (SMTPException, OSError, ValueError) as error:  # the limit's TimeoutError is an OSError
            if not taken:
                return mail_failure(error)
        return Accepted(message_id)

    async def greet(self) -> str:
        """Connect, log in and say goodbye; what TLS was agreed. Raises what `send` makes outcomes of."""
        async with asyncio.timeout(self._time_limit), self._connected() as server:
            tls = server.get_transport_info("ssl_object")
            return str(tls.version()) if tls is not None else "no TLS"

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[_Connection]:
        server = _Connection(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.user,
            password=self._server.password,
            # Not this machine's name: to find it asks the DNS, and it is nobody's business.
            local_hostname=self.sender.domain,
            timeout=self._time_limit,
            use_tls=self._server.security is Security.TLS,
            start_tls=self._server.security is Security.STARTTLS,
            tls_context=self._context,
        )
        try:
            await server.connect()
            yield server
            # What was taken stays taken, however the goodbye goes.
            with suppress(SMTPException, OSError, TimeoutError):
                await asyncio.wait_for(server.quit(), GOODBYE_LIMIT)
        finally:
            server.close()
            await asyncio.sleep(0)  # the socket is closed in the next turn of the loop

    def build(self, message: Message, receiver: Mailbox) -> bytes:
        """The mail as it goes over the wire. The same Message-ID on every try, so that a second copy is known."""
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = self.sender
        mail["To"] = receiver
        mail["Subject"] = " ".join(message.title.split())
        mail["Date"] = format_datetime(clock.now())
        mail["Message-ID"] = self._message_id(message)
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body, charset="utf-8")
        return mail.as_bytes()

    def _message_id(self, message: Message) -> str:
        return f"<{message.id}@{self.sender.domain}>"

    async def close(self) -> None:
        """There is nothing to close: no connection is kept."""
