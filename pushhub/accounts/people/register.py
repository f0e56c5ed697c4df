"""Accounts that are made, and accounts that get another owner's number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.events import EventKind, note, tell_phone
from pushhub.accounts.letters.sender import Sender
from pushhub.accounts.letters.users import own_mailbox, tell_of_password
from pushhub.accounts.models import Account, AccountIdentifier
from pushhub.accounts.passwords import history
from pushhub.accounts.passwords.history import NewPassword
from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.accounts.people.password_change import end_what_was_before
from pushhub.accounts.profile_data import profile_data_of, sealed_email, sealed_profile_data
from pushhub.accounts.sign_in_identifiers import Identifier, account_of, find_account, is_row_of
from pushhub.identity.email import Email
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import again_on_conflict, transaction
from pushhub.kernel.ids import new_key
from pushhub.notifications.notices import Notice


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made. `profile_data` is kept sealed; `parent_id` is who makes it, if not the person itself."""

    identifiers: tuple[Identifier, ...]
    number: PhoneNumber | None = None
    email: Email | None = None
    profile_data: Mapping[str, str] = field(default_factory=dict, repr=False)
    parent_id: UUID | None = None
    may_add_users: bool = False
    must_change_password: bool = False


class IdentifierTaken(Exception):
    """Somebody else signs in with one of these already; `kinds` says of which kind."""

    def __init__(self, *kinds: str) -> None:
        super().__init__(*kinds)
        self.kinds = kinds


@again_on_conflict
def create(
    product_id: UUID,
    new: NewAccount,
    password: str,
    rule: PasswordRule | None = None,
    *,
    also: Callable[[Session, UUID], None] | None = None,
) -> UUID:
    """Make the account. Of two at once that want the same identifier one gets it. Raises `IdentifierTaken`.

    Args:
        rule: the product's; as many passwords as it says are remembered, this one first.
        also: what else is written in the same transaction, for the account's key.
    """
    prepared = history.prepared(new_key(), password, rule)
    with transaction() as session:
        account_id = create_in(session, product_id, new, prepared)
        if also is not None:
            also(session, account_id)
        return account_id


def create_in(session: Session, product_id: UUID, new: NewAccount, password: NewPassword) -> UUID:
    """The same in the caller's transaction, for a use case that is tried `again_on_conflict`. The account gets the
    key that its password was prepared for: `history.prepared(new_key(), password, rule)`."""
    # Of an account that is made at the same moment this sees all identifiers or none.
    named = (is_row_of(product_id, each) for each in new.identifiers)
    taken = set(session.scalars(sa.select(AccountIdentifier.kind).where(sa.or_(sa.false(), *named))))
    if taken:
        raise IdentifierTaken(*(each.kind for each in new.identifiers if each.kind in taken))
    return _make(session, product_id, new, password)


def _make(session: Session, product_id: UUID, new: NewAccount, password: NewPassword) -> UUID:
    """A unique index refuses what another account has: then the use case is tried anew, and sees that account."""
    now, account_id = clock.now(), password.account_id
    session.add(
        Account(
            id=account_id,
            product_id=product_id,
            number=new.number,
            number_since=now if new.number is not None else None,
            email_sealed=sealed_email(account_id, new.email),
            particulars_sealed=sealed_profile_data(account_id, new.profile_data),
            parent_id=new.parent_id,
            may_add_users=new.may_add_users,
            must_change_password=new.must_change_password,
            password_hash=password.hash,
            password_changed_at=now,
            created_at=now,
        )
    )
    session.flush()
    history.remember(session, password)
    for identifier in new.identifiers:
        name_account(session, product_id, account_id, identifier)
    note(session, account_id, EventKind.REGISTERED, number=new.number.masked if new.number is not None else "")
    tell_phone(session, product_id, new.number, Notice.ACCOUNT_REREGISTERED)
    return account_id


def name_account(session: Session, product_id: UUID, account_id: UUID, identifier: Identifier) -> None:
    """Let the account be signed in to with this, in place of what it has of the kind, in the caller's transaction.
    A unique index refuses what another account has."""
    session.execute(
        sa.delete(AccountIdentifier).where(
            AccountIdentifier.account_id == account_id, AccountIdentifier.kind == identifier.kind
        )
    )
    session.execute(
        sa.insert(AccountIdentifier).values(product_id=product_id, account_id=account_id, **asdict(identifier))
    )


@again_on_conflict
def register(
    product_id: UUID,
    identifier: Identifier,
    number: PhoneNumber | None,
    password: str,
    *,
    further: tuple[Identifier, ...] = (),
    email: Email | None = None,
    profile_data: Mapping[str, str] | None = None,
    rule: PasswordRule | None = None,
    sender: Sender | None = None,
) -> UUID:
    """Make the account of this identifier, or give the one there is this number, e-mail address and password.

    Its sessions end; the phone of the number before is told that the account has left it, and where there is a
    `sender` of letters the mailbox on file that the password is another. With the `further`
    identifiers the account is signed in to as well: whoever had one of them before does so no longer. Raises
    `PasswordTooLike` where there is a rule that demands it.
    """
    known, now = find_account(product_id, identifier), clock.now()
    prepared = history.prepared(known.id if known is not None else new_key(), password, rule)
    if known is not None:
        history.refuse_like(prepared, password)
    with transaction() as session:
        for each in further:
            session.execute(sa.delete(AccountIdentifier).where(is_row_of(product_id, each)))
        account = account_of(session, product_id, identifier)
        if account is None:
            new = NewAccount((identifier, *further), number, email, profile_data or {})
            return _make(session, product_id, new, prepared)
        if account.id != prepared.account_id:  # made this very moment, for the same person
            prepared = replace(prepared, account_id=account.id, marks=())
        before = account.number
        mailbox = own_mailbox(session, account)
        number = number or before
        session.execute(
            sa.update(Account)
            .where(Account.id == account.id)
            .values(
                number=number,
                number_since=account.number_since if before == number else now,
                email_sealed=sealed_email(account.id, email) or account.email_sealed,
                particulars_sealed=sealed_profile_data(account.id, profile_data_of(account) | dict(profile_data or {})),
                password_hash=prepared.hash,
                password_changed_at=now,
                must_change_password=False,
            )
        )
        for each in further:
            name_account(session, product_id, account.id, each)
        end_what_was_before(session, prepared, product_id, before)
        masked = before.masked if before is not None else ""
        masked_now = number.masked if number is not None else ""
        note(session, account.id, EventKind.REREGISTERED, number=masked_now, before=masked)
        if before != number:
            tell_phone(session, product_id, before, Notice.ACCOUNT_LEFT)
        tell_phone(session, product_id, number, Notice.ACCOUNT_REREGISTERED)
        tell_of_password(session, sender, account.id, mailbox)
        return account.id
