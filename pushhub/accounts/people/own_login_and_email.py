"""What people set by themselves to sign in with: a login, and an e-mail address that they have confirmed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.events import EventKind, note
from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import Link, LinkKind, LinkWorthless, Trouble
from pushhub.accounts.letters import users
from pushhub.accounts.letters.sender import Sender
from pushhub.accounts.models import Account
from pushhub.accounts.people.register import IdentifierTaken, name_account
from pushhub.accounts.profile_data import email_of, sealed_email
from pushhub.accounts.sign_in_identifiers import Identifier, account_of, by_email, by_login, masked_identifiers
from pushhub.identity.email import Email
from pushhub.identity.login import NotALogin
from pushhub.kernel.db import again_on_conflict, lock_no_key_update, reading, transaction

#: A login of digits alone could be somebody's IIN, number or account number.
_HAS_LETTER = re.compile(r"[^\W\d_]")
#: Links that confirm an address.
_CONFIRMING = (LinkKind.EMAIL, LinkKind.USER)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An address that waits for its confirmation. `own`: its owner gave it; else they were added as a user."""

    email: Email
    own: bool


def identifiers_of(account_id: UUID) -> dict[str, str]:
    """What the account is signed in to with: the masked form by kind."""
    with reading() as session:
        return dict(masked_identifiers(session, account_id))


@again_on_conflict
def set_login(account: Account, text: str) -> None:
    """Let the account be signed in to with this login in place of the one before. Raises `NotALogin` and, where another
    account has it, `IdentifierTaken`."""
    login = by_login(text)
    if not _HAS_LETTER.search(text):
        raise NotALogin
    with transaction() as session:
        _refuse_taken(session, account, login)
        name_account(session, account.product_id, account.id, login)
        note(session, account.id, EventKind.LOGIN_SET, login=login.masked)


def ask_email(account: Account, email: Email, sender: Sender) -> None:
    """Send a letter to the address; it counts when the link in it was used. Whether another account has it is told only
    there. Raises `TooManyLetters`."""
    with transaction() as session:
        users.ask_owner(session, sender, account_id=account.id, email=email)
        note(session, account.id, EventKind.EMAIL_ASKED, email=email.masked)


def look_at_link(product_id: UUID, secret: str) -> Waiting:
    """What a link would confirm; it stays as it is. Raises `LinkWorthless`."""
    return _waiting(links.look(secret, *_CONFIRMING, product_id=product_id))


@again_on_conflict
def confirm_email(product_id: UUID, secret: str, sender: Sender) -> Waiting:
    """Let the account of the link be signed in to with its address, in place of the one before, which is told.

    Raises `LinkWorthless` and, where another account has the address, `IdentifierTaken`; then the link stays.
    """
    link = links.look(secret, *_CONFIRMING, product_id=product_id)
    waiting = _waiting(link)
    with transaction() as session:
        # The account before its links, as wherever both are changed: two that wait for each other get nowhere.
        account = session.scalar(lock_no_key_update(sa.select(Account).where(Account.id == link.account_id), Account))
        if account is None:
            raise LinkWorthless(Trouble.UNKNOWN)
        links.use(session, secret, link.kind, product_id=product_id)
        email, before = waiting.email, email_of(account)
        identifier = by_email(email)
        _refuse_taken(session, account, identifier)
        name_account(session, product_id, account.id, identifier)
        session.execute(
            sa.update(Account).where(Account.id == account.id).values(email_sealed=sealed_email(account.id, email))
        )
        # Who reads the mailbox before has no way in any more.
        links.end(session, account.id, LinkKind.RECOVERY)
        note(session, account.id, EventKind.EMAIL_CONFIRMED, email=email.masked)
        if account.parent_id is not None and not waiting.own:
            note(session, account.parent_id, EventKind.USER_CONFIRMED, user=email.masked)
        if before is not None and before.address.casefold() != email.address.casefold():
            users.tell_old_mailbox(session, sender, old=before, new=email)
    return waiting


def _waiting(link: Link) -> Waiting:
    return Waiting(Email(link.data["email"]), link.kind is LinkKind.EMAIL)


def _refuse_taken(session: Session, account: Account, identifier: Identifier) -> None:
    other = account_of(session, account.product_id, identifier)
    if other is not None and other.id != account.id:
        raise IdentifierTaken(identifier.kind)
