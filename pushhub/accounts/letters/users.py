"""Letters to users of a cabinet: an address to confirm, a password that was made for them, a new password; and which
mailbox is an account's own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind
from pushhub.accounts.letters.sender import LetterWording, Sender, count_letter, counted_as, write
from pushhub.accounts.models import Account
from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.accounts.profile_data import email_of
from pushhub.accounts.sign_in_identifiers import masked_identifiers
from pushhub.context import current
from pushhub.identity.email import Email
from pushhub.kernel import clock
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.limits import Window, count_up
from pushhub.mail.transport import transport_of
from pushhub.translations import message_texts as texts

log = logging.getLogger(__name__)

#: How long a link to confirm an address works.
OWN_EMAIL_MINUTES = 60
USER_EMAIL_MINUTES = 3 * 24 * 60

TOLD, MAILED, STAYS = (
    LetterWording(
        "user_added", texts.USER_ADDED_TITLE, (texts.USER_ADDED, words, "", texts.USER_ADDED_END), texts.CONFIRM_ADDRESS
    )
    for words in (texts.USER_ADDED_NO_PASSWORD, texts.USER_ADDED_PASSWORD, texts.USER_ADDED_PASSWORD_STAYS)
)
PASSWORD_GIVEN = LetterWording("password_given", texts.NEW_PASSWORD_BY_EMAIL_TITLE, (texts.NEW_PASSWORD_BY_EMAIL,))
CONFIRM = LetterWording(
    "confirm_email", texts.CONFIRM_OWN_EMAIL_TITLE, (texts.CONFIRM_OWN_EMAIL,), texts.CONFIRM_ADDRESS
)
CHANGED = LetterWording("email_changed", texts.EMAIL_CHANGED_TITLE, (texts.EMAIL_CHANGED,))
REGISTERED = LetterWording("welcome", texts.WELCOME_TITLE, (texts.WELCOME,))
PASSWORD_CHANGED = LetterWording(
    "password_changed", texts.PASSWORD_CHANGED_LETTER_TITLE, (texts.PASSWORD_CHANGED_LETTER,)
)

#: Letters to one mailbox, and letters that one account has sent: nobody is flooded with letters in our name.
_TO_MAILBOX = Window("letters_to_mailbox", timedelta(hours=1))
_BY_ACCOUNT = Window("letters_by_account", timedelta(hours=1))
_MOST_TO_MAILBOX = 5
_MOST_BY_ACCOUNT = 30
#: Letters about new passwords to one mailbox: somebody may have registered with an address that is not theirs. Counted
#: by themselves, so that nobody keeps this letter back by asking for others.
_OF_PASSWORD = Window("password_letters", timedelta(hours=1))
_MOST_OF_PASSWORD = 5


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
        lasts=timedelta(minutes=USER_EMAIL_MINUTES),
        email=email.address,
        link=sender.link(secret),
        days=str(USER_EMAIL_MINUTES // (24 * 60)),
        password=given.text if given is not None and mailed else "",
    )


def send_password(session: Session, sender: Sender, *, by: UUID, email: Email, password: str) -> None:
    """The password that was made for a user whose address is confirmed. Raises `TooManyLetters`."""
    _refuse_flood(session, by, email)
    write(session, sender, email, PASSWORD_GIVEN, email=email.address, password=password)


def ask_owner(session: Session, sender: Sender, *, account_id: UUID, email: Email) -> None:
    """Ask somebody to confirm an address that they gave as their own. Raises `TooManyLetters`."""
    _refuse_flood(session, account_id, email)
    secret = links.make_link(session, account_id, LinkKind.EMAIL, OWN_EMAIL_MINUTES, {"email": email.address})
    write(
        session,
        sender,
        email,
        CONFIRM,
        lasts=timedelta(minutes=OWN_EMAIL_MINUTES),
        link=sender.link(secret),
        minutes=str(OWN_EMAIL_MINUTES),
    )


def tell_old_mailbox(session: Session, sender: Sender, *, old: Email, new: Email) -> None:
    """Say to the address before that it is not the account's any more."""
    write(session, sender, old, CHANGED, email=new.masked)


def welcome(session: Session, sender: Sender, *, email: Email, login: str, password: str) -> None:
    """Write login and password that were made at a registration to the address that was given there."""
    write(session, sender, email, REGISTERED, login=login, password=password)


def own_mailbox(session: Session, account: Account) -> Email | None:
    """The address on file, where it is the account's own. That of a further user (who has a `parent_id`) is typed by
    another, and counts once its reader has confirmed it. None, too, for one that can't be read: it is logged, and must
    not keep anybody from a new password."""
    if account.email_sealed is None:
        return None
    if account.parent_id is not None and "email" not in dict(masked_identifiers(session, account.id)):
        return None
    try:
        return email_of(account)
    except (ConfigurationError, ValueError) as problem:
        log.error("address can't be read", extra={"account_id": str(account.id), "cause": type(problem).__name__})
        return None


def tell_of_password(session: Session, sender: Sender | None, account_id: UUID, mailbox: Email | None) -> None:
    """Tell the mailbox that the password was changed, in the caller's transaction.

    Whoever changed it may have the phone: then only the letter reaches the owner. It goes to the address that was on
    file before, even when a link sent there made the change: somebody else may have opened it. Nobody waits for this
    letter, so without a mail server none is written, nor after so many to one mailbox.
    """
    if sender is None or mailbox is None or transport_of(current().channels) is None:
        return
    if count_up(session, _OF_PASSWORD, counted_as(mailbox)) > _MOST_OF_PASSWORD:
        return
    # What the account is signed in to with, masked: one mailbox may be that of several.
    names = ", ".join(sorted(masked for _, masked in masked_identifiers(session, account_id)))
    write(session, sender, mailbox, PASSWORD_CHANGED, moment=sender.moment(clock.now()), names=names)


def _refuse_flood(session: Session, by: UUID, email: Email) -> None:
    count_letter(session, _TO_MAILBOX, counted_as(email), _MOST_TO_MAILBOX)
    count_letter(session, _BY_ACCOUNT, by.hex, _MOST_BY_ACCOUNT)
