"""Letters to whoever has an e-mail address to confirm, or a password that was made for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from pushhub import clock
from pushhub.accounts import links
from pushhub.accounts.identifiers import Email
from pushhub.accounts.letterhead import TRIED, Message, Sender, counted_as, write
from pushhub.accounts.links import LinkKind
from pushhub.limits import Window, count_up
from pushhub.texts import (
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
    USER_ADDED_TITLE,
)

#: How long a link to confirm an address works.
OWN_EMAIL_MINUTES = 60
USER_EMAIL_MINUTES = 3 * 24 * 60

_NO_PASSWORD, _PASSWORD = (
    Message("user_added", USER_ADDED_TITLE, (USER_ADDED, told, "", USER_ADDED_END), CONFIRM_ADDRESS)
    for told in (USER_ADDED_NO_PASSWORD, USER_ADDED_PASSWORD)
)
_PASSWORD_GIVEN = Message("password_given", NEW_PASSWORD_BY_EMAIL_TITLE, (NEW_PASSWORD_BY_EMAIL,))
_CONFIRM = Message("confirm_email", CONFIRM_OWN_EMAIL_TITLE, (CONFIRM_OWN_EMAIL,), CONFIRM_ADDRESS)
_CHANGED = Message("email_changed", EMAIL_CHANGED_TITLE, (EMAIL_CHANGED,))

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


def invite(
    session: Session, sender: Sender, *, by: UUID, account_id: UUID, email: Email, password: str | None = None
) -> None:
    """Ask whoever was added as a user to confirm the address; with the password, where one was made for them. Raises
    `TooManyLetters`."""
    _refuse_flood(session, by, email)
    secret = links.make_link(session, account_id, LinkKind.USER, USER_EMAIL_MINUTES, {"email": email.address})
    write(
        session,
        sender,
        email,
        _PASSWORD if password is not None else _NO_PASSWORD,
        valid_until=clock.now() + timedelta(minutes=USER_EMAIL_MINUTES),
        email=email.address,
        link=sender.link(secret),
        days=str(USER_EMAIL_MINUTES // (24 * 60)),
        password=password or "",
    )


def send_password(session: Session, sender: Sender, *, by: UUID, email: Email, password: str) -> None:
    """The password that was made for a user whose address is confirmed. Raises `TooManyLetters`."""
    _refuse_flood(session, by, email)
    until = clock.now() + TRIED
    write(session, sender, email, _PASSWORD_GIVEN, valid_until=until, email=email.address, password=password)


def ask_owner(session: Session, sender: Sender, *, account_id: UUID, email: Email) -> None:
    """Ask somebody to confirm an address that they gave as their own. Raises `TooManyLetters`."""
    _refuse_flood(session, account_id, email)
    secret = links.make_link(session, account_id, LinkKind.EMAIL, OWN_EMAIL_MINUTES, {"email": email.address})
    write(
        session,
        sender,
        email,
        _CONFIRM,
        valid_until=clock.now() + timedelta(minutes=OWN_EMAIL_MINUTES),
        link=sender.link(secret),
        minutes=str(OWN_EMAIL_MINUTES),
    )


def tell_old_mailbox(session: Session, sender: Sender, *, old: Email, new: Email) -> None:
    """Say to the address before that it is not the account's any more."""
    write(session, sender, old, _CHANGED, valid_until=clock.now() + TRIED, email=new.masked)


def _refuse_flood(session: Session, by: UUID, email: Email) -> None:
    to_mailbox = (_TO_MAILBOX, counted_as(email), _MOST_TO_MAILBOX)
    for window, subject, most in (to_mailbox, (_BY_ACCOUNT, by.hex, _MOST_BY_ACCOUNT)):
        if count_up(session, window, subject) > most:
            raise TooManyLetters(window.end(clock.now()))
