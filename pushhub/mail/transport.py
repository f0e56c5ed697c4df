"""Who takes letters to the mail server: the `email` channel, which sends codes too."""

from __future__ import annotations

from collections.abc import Mapping
from email.headerregistry import Address as Mailbox
from typing import Protocol, runtime_checkable

from pushhub.channels.contract import Channel, Outcome


@runtime_checkable
class MailTransport(Protocol):
    """The way of letters to the mail server."""

    @property
    def sender(self) -> Mailbox:
        """In whose name mail is sent."""
        ...

    async def hand_over(self, mail: bytes, receiver: Mailbox, message_id: str) -> Outcome:
        """Make one try. Raises nothing but programming errors."""
        ...

    async def greet(self) -> str:
        """Connect, log in and say goodbye. Raises SMTPException or OSError."""
        ...


def transport_of(channels: Mapping[str, Channel]) -> MailTransport | None:
    """The transport of an installation; None where it has no mail server."""
    channel = channels.get("email")
    return channel if isinstance(channel, MailTransport) else None
