"""In whose name the letters of a cabinet are written, how many, and writing one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from pushhub.context import current
from pushhub.identity.email import Email
from pushhub.kernel import clock
from pushhub.kernel.clock import wall_clock
from pushhub.kernel.limits import Window, count_up
from pushhub.mail.queue import post
from pushhub.mail.rendering import Paper, Written, written
from pushhub.translations.message_texts import SET_NEW_PASSWORD, in_language

#: How long a letter without a link is tried, where the mail server does not answer.
TRIED = timedelta(days=3)


class TooManyLetters(Exception):
    """So many letters went to this mailbox, or were asked for by this account or browser, that no more go before
    `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True)
class Sender:
    """A cabinet in the reader's language, with its colours and its clock, and where its letters lead: the sign-in, the
    page for a forgotten password, the page of a link that confirms an address."""

    product_id: UUID
    name: str
    locale: str
    entrance: str
    recovery: str
    paper: Paper
    zone: ZoneInfo
    #: Whose time that is, in the reader's language.
    city: str
    link: Callable[[str], str] = field(repr=False)

    def hour(self, moment: datetime) -> str:
        """`16:26 (Astana, UTC+5)`"""
        return wall_clock(moment, self.zone, self.city)

    def moment(self, moment: datetime) -> str:
        """`2026.11.21 16:26 (Astana, UTC+5)`"""
        return wall_clock(moment, self.zone, self.city, dated=True)


@dataclass(frozen=True, slots=True)
class LetterWording:
    """What a letter says: its kind for logs, and texts of the catalogue. `parts` stand one below the other, an empty
    one for an empty line; `button` is what the button of its link says."""

    kind: str
    title: str
    parts: tuple[str, ...]
    button: str | None = None


def counted_as(mailbox: Email) -> str:
    """Under which name letters to one mailbox are counted, whoever has it written to."""
    return current().keyring.lookup_digest("letters to", mailbox.address.casefold())


def composed(sender: Sender, message: LetterWording, /, **values: str) -> Written:
    """A letter with its words. Every template may name `cabinet`, `entrance` and `recovery`."""
    locale = sender.locale
    links = {
        "entrance": None,
        "recovery": in_language(locale, SET_NEW_PASSWORD),
        "link": in_language(locale, message.button) if message.button is not None else None,
    }
    return written(
        sender.paper,
        locale,
        in_language(locale, message.title),
        "\n".join(in_language(locale, part) if part else "" for part in message.parts),
        {"cabinet": sender.name, "entrance": sender.entrance, "recovery": sender.recovery, **values},
        links,
    )


def count_letter(session: Session, window: Window, subject: str, most: int) -> None:
    """Count a letter that is asked for, in the caller's transaction. Raises `TooManyLetters`."""
    if count_up(session, window, subject) > most:
        raise TooManyLetters(window.end(clock.now()))


def write(
    session: Session, sender: Sender, to: Email, message: LetterWording, /, *, lasts: timedelta = TRIED, **values: str
) -> None:
    """Write one letter in the caller's transaction; `values` as for `composed`. `lasts`: how long its link works."""
    letter = composed(sender, message, **values)
    post(
        session,
        product_id=sender.product_id,
        to=to.address,
        kind=message.kind,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        valid_until=clock.now() + lasts,
    )
