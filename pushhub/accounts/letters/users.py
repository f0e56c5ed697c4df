"""Letters to whoever has an e-mail address to confirm, or a password that was made for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind
from pushhub.accounts.letters.sender import TRIED, LetterWording, Sender, counted_as, write
from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.identity.email import Email
from pushhub.kernel import clock
from pushhub.kernel.limits import Window, count_up
from pushhub.translations.message_texts import (
    CONFIRM_ADDRESS,
    CONFIRM_OWN_EMAIL,
    CONFIRM_OWN_EMAIL_TITLE,
    EMAIL_CHANGED,
    EMAIL_CHANGED_TITLE,
    NEW_PASSWORD_BY_EMAIL,
    NEW_PASSWORD_BY_EMAIL_TITLE,
    USER_ADDED,
    USER_ADDED_END,
    USER_ADDED_NO_PASSWORD,
    USER_ADDED_PASSWORD,
    USER_ADDED_PASSWORD_STAYS,
    USER_ADDED_TITLE,
)

#: How long a link to confirm an address works.
OWN_EMAIL_MINUTES = 60
USER_EMAIL_MINUTES = 3 * 24 * 60

TOLD, MAILED, STAYS = (
    LetterWording("user_added", USER_ADDED_TITLE, (USER_ADDED, words, "", USER_ADDED_END), CONFIRM_ADDRESS)
    for words in (USER_ADDED_NO_PASSWORD, USER_ADDED_PASSWORD, USER_ADDED_PASSWORD_STAYS)
)
PASSWORD_GIVEN = LetterWording("password_given", NEW_PASSWORD_BY_EMAIL_TITLE, (NEW_PASSWORD_BY_EMAIL,))
CONFIRM = LetterWording("confirm_email", CONFIRM_OWN_EMAIL_TITLE, (CONFIRM_OWN_EMAIL,), CONFIRM_ADDRESS)
CHANGED = LetterWording("email_changed", EMAIL_CHANGED_TITLE, (EMAIL_CHANGED,))

#: Letters to one mailbox, and letters that one account has sent: nobody is flooded with letters in our name.
_TO_MAILBOX = Window("letters_to_mailbox", timedelta(hours=1))
_BY_ACCOUNT = Window("letters_by_account", timedelta(hours=1))
_MOST_TO_MAILBOX = 5
_MOST_BY_ACCOUNT = 30


class TooManyLetters(Exception):
    """So many letters went to this mailbox, or from this account, that no more go before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True)
class GivenPassword:
    """A password that one person sets for another. `mailed`: it was made at random and goes by letter."""

    text: str = field(repr=False)
    rule: PasswordRule
    mailed: bool


def invite(
    session: Session, sender: Sender, *, by: UUID, account_id: UUID, email: Email, given: GivenPassword | None
) -> None:
    """Ask whoever was added as a user to confirm the address, and say how they come to their password: it is in the
    letter, or told by whoever set it, or (`given` is None) stays as it was. Raises `TooManyLetters`."""
    mailed = given is not None and given.mailed
    _refuse_flood(session, by, email)
    secret = links.make_link(session, account_id, LinkKind.USER, USER_EMAIL_MINUTES, {"email": email.address})
    write(
        session,
        sender,
        email,
        STAYS if given is None else MAILED if mailed else TOLD,
        valid_until=clock.now() + timedelta(minutes=USER_EMAIL_MINUTES),
        email=email.address,
        link=sender.link(secret),
        days=str(USER_EMAIL_MINUTES // (24 * 60)),
        password=given.text if given is not None and mailed else "",
    )


def send_password(session: Session, sender: Sender, *, by: UUID, email: Email, password: str) -> None:
    """The password that was made for a user whose address is confirmed. Raises `TooManyLetters`."""
    _refuse_flood(session, by, email)
    until = clock.now() + TRIED
    write(session, sender, email, PASSWORD_GIVEN, valid_until=until, email=email.address, password=password)


def ask_owner(session: Session, sender: Sender, *, account_id: UUID, email: Email) -> None:
    """Ask somebody to confirm an address that they gave as their own. Raises `TooManyLetters`."""
    _refuse_flood(session, account_id, email)
    secret = links.make_link(session, account_id, LinkKind.EMAIL, OWN_EMAIL_MINUTES, {"email": email.address})
    write(
        session,
        sender,
        email,
        CONFIRM,
        valid_until=clock.now() + timedelta(minutes=OWN_EMAIL_MINUTES),
        link=sender.link(secret),
        minutes=str(OWN_EMAIL_MINUTES),
    )


def tell_old_mailbox(session: Session, sender: Sender, *, old: Email, new: Email) -> None:
    """Say to the address before that it is not the account's any more."""
    write(session, sender, old, CHANGED, valid_until=clock.now() + TRIED, email=new.masked)


def _refuse_flood(session: Session, by: UUID, email: Email) -> None:
    to_mailbox = (_TO_MAILBOX, counted_as(email), _MOST_TO_MAILBOX)
    for window, subject, most in (to_mailbox, (_BY_ACCOUNT, by.hex, _MOST_BY_ACCOUNT)):
        if count_up(session, window, subject) > most:
            raise TooManyLetters(window.end(clock.now()))
