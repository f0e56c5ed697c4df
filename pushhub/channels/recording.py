"""A channel that keeps what it is given: for development, rehearsals and tests."""

from __future__ import annotations

from collections import deque
from email import message_from_bytes
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import default as default_policy

from pushhub.channels.contract import Accepted, Message, Outcome, Retry


class RecordingChannel:
    """Takes the place of any channel. Answers Accepted, or what it was told to answer.

    Args:
        name: the name of the channel whose place it takes.
        keep: how many of the newest messages stay in `sent`.
    """

    def __init__(self, name: str = "recording", *, keep: int = 1000) -> None:
        self.name = name
        self.sent: deque[Message] = deque(maxlen=keep)
        #: Whole mails (letters of cabinets), where it takes the place of `email`.
        self.mail: deque[EmailMessage] = deque(maxlen=keep)
        #: While true, no mail server answers.
        self.away = False
        self._script: deque[Outcome] = deque()

    def __repr__(self) -> str:
        return f"<RecordingChannel {self.name}: {len(self.sent)} sent>"

    def script(self, *outcomes: Outcome) -> None:
        """Answer the next tries with these, in order, and Accepted again after them."""
        self._script.extend(outcomes)

    async def send(self, message: Message) -> Outcome:
        """Keep the message. An accepted one is named after its id, so every try of it has the same name."""
        self.sent.append(message)
        return self._script.popleft() if self._script else Accepted(f"{self.name}:{message.id}")

    @property
    def sender(self) -> Mailbox:
        """In whose name mail is sent."""
        return Mailbox("pushhub", "no-reply", "example.kz")

    async def hand_over(self, mail: bytes, receiver: Mailbox, message_id: str) -> Outcome:
        """Keep a whole mail, unless the mail server is away."""
        if self.away:
            return Retry("connect")
        self.mail.append(message_from_bytes(mail, policy=default_policy))
        return self._script.popleft() if self._script else Accepted(message_id)

    async def greet(self) -> str:
        """Raises OSError while the mail server is away."""
        if self.away:
            raise ConnectionRefusedError
        return "recording"

    async def close(self) -> None:
        """There is nothing to close; `sent` stays."""
