"""A letter with a link for whoever has forgotten the password.

Whether anybody has the address is told by nothing: the limits are counted for what was typed, and without an account
the same rows are written and taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind
from pushhub.accounts.letters.sender import LetterWording, Sender, count_letter, write
from pushhub.accounts.letters.users import own_mailbox
from pushhub.accounts.models import Account
from pushhub.accounts.profile_data import email_of
from pushhub.accounts.sign_in_identifiers import Identifier, account_of, by_email
from pushhub.context import current
from pushhub.identity.email import Email
from pushhub.kernel import clock
from pushhub.kernel.db import transaction
from pushhub.kernel.limits import Window, address_subject
from pushhub.translations.message_texts import RECOVERY_LETTER, RECOVERY_LETTER_TITLE, SET_NEW_PASSWORD

RECOVERY = LetterWording("recovery_link", RECOVERY_LETTER_TITLE, (RECOVERY_LETTER,), SET_NEW_PASSWORD)
#: Letters to one address, so that nobody is flooded in our name, and letters for one browser's address.
_TO_ADDRESS = Window("recovery_letters", timedelta(hours=1))
_FOR_CLIENT = Window("recovery_client", timedelta(hours=1))
MOST_TO_ADDRESS = 5


@dataclass(frozen=True, slots=True)
class RecoveryLetter:
    """What the letter says: in whose name, how long its link works, and where it leads."""

    sender: Sender
    minutes: int
    link: Callable[[str], str] = field(repr=False)


def send_link(letter: RecoveryLetter, email: Email, login: Identifier | None = None, *, address: str | None) -> None:
    """Write the letter, if somebody signs in with this address, or if it is on file for the login that was given: only
    one of several accounts with one address is signed in to with it. Raises `TooManyLetters` with the same for
    every address. `address` is that of the browser."""
    identifier = by_email(email)
    with transaction() as session:
        count_letter(session, _TO_ADDRESS, identifier.digest, MOST_TO_ADDRESS)
        if address is not None:
            most = current().settings.codes_per_client_per_hour
            count_letter(session, _FOR_CLIENT, address_subject(current().keyring, address), most)
    with transaction() as session:
        account = account_of(session, letter.sender.product_id, login or identifier)
        if login is not None and not (account is not None and _is_on_file(session, account, email)):
            account = None
        with session.begin_nested() as rehearsal:
            _write(session, letter, account, email)
            if account is None:
                rehearsal.rollback()


def _write(session: Session, letter: RecoveryLetter, account: Account | None, typed: Email) -> None:
    # To the address that is on file: what was typed may be another mailbox that only looks like it.
    to = (email_of(account) if account is not None else None) or typed
    secret = (
        links.make_link(session, account.id, LinkKind.RECOVERY, letter.minutes)
        if account is not None
        else links.rehearse_link(session, letter.sender.product_id, LinkKind.RECOVERY, letter.minutes)
    )
    lasts = timedelta(minutes=letter.minutes)
    write(
        session,
        letter.sender,
        to,
        RECOVERY,
        lasts=lasts,
        link=letter.link(secret),
        minutes=str(letter.minutes),
        until=letter.sender.hour(clock.now() + lasts),
    )


def _is_on_file(session: Session, account: Account, typed: Email) -> bool:
    email = own_mailbox(session, account)
    return email is not None and email.address.casefold() == typed.address.casefold()
