"""What stands in a letter, as it is sealed in the queue and as it goes over the wire: its text, and the same as HTML
for mail readers that show it (RFC 2046, multipart/alternative)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Self
from uuid import UUID

from pushhub.identity.email import mailbox
from pushhub.kernel import clock

#: Seven bits, so that every server takes it.
_POLICY = SMTP_POLICY.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Content:
    """Mailbox, subject and words: personal data, which never appears in a log."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    #: The same as HTML; None: text is all there is.
    html: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, *, to: str, subject: str, text: str, html: str | None = None) -> Self:
        """Raises ValueError for a mailbox that can't be written to and for what is no Unicode; it quotes nothing."""
        if any("\ud800" <= letter <= "\udfff" for letter in f"{subject}{text}{html or ''}"):
            raise ValueError("must be Unicode, without lone surrogates")
        return cls(mailbox(to).addr_spec, " ".join(subject.split()), text, html)

    @classmethod
    def from_json(cls, document: str) -> Self:
        """What a later release has added is left out: its letters may be sent by a dispatcher of this one."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in json.loads(document).items() if name in known})

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @property
    def receiver(self) -> Mailbox:
        return mailbox(self.to)

    def written(self, letter_id: UUID, sender: Mailbox) -> bytes:
        """The mail as it goes over the wire. The same Message-ID on every try, so that a second copy is known."""
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = sender
        mail["To"] = self.receiver
        mail["Subject"] = self.subject
        mail["Date"] = format_datetime(clock.now())
        mail["Message-ID"] = self.message_id(letter_id, sender)
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(self.text, charset="utf-8")
        if self.html is not None:
            mail.add_alternative(self.html, subtype="html", charset="utf-8")
        return mail.as_bytes()

    @staticmethod
    def message_id(letter_id: UUID, sender: Mailbox) -> str:
        """The name under which a mailbox knows a letter."""
        return f"<{letter_id}@{sender.domain}>"
