"""A new password for an account."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.events import EventKind, note, tell_phone
from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind
from pushhub.accounts.letters.sender import Sender
from pushhub.accounts.letters.users import own_mailbox, tell_of_password
from pushhub.accounts.models import Account, AccountSession
from pushhub.accounts.passwords import hashing, history
from pushhub.accounts.passwords.history import NewPassword, PasswordTooLike
from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.accounts.sessions import sign_in_throttle
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import lock_no_key_update, reading, transaction
from pushhub.kernel.errors import NotFound
from pushhub.notifications.notices import Notice
from pushhub.panels import panels

#: The same new password once more within this time is a double click.
_DOUBLE_CLICK = timedelta(seconds=30)


class StillTheGiven(PasswordTooLike):
    """The password is the one that somebody else has given, and that has to be changed."""


def change_password(
    account_id: UUID,
    password: str,
    rule: PasswordRule,
    *,
    but: UUID | None = None,
    sender: Sender | None = None,
) -> None:
    """Give the account the password that its owner chose: every session ends `but` this one, and the phone is told; so
    is the mailbox, where there is a `sender` of letters.

    Raises `NotFound`, `StillTheGiven`, and `PasswordTooLike` as the rule demands.
    """
    if was_just_set(account_id, password):
        return
    try:
        new = _chosen(account_id, password, rule)
    except PasswordTooLike:
        if was_just_set(account_id, password):
            return
        raise
    with transaction() as session:
        set_password(session, new, but=but, sender=sender)


def change_password_by_link(
    product_id: UUID, secret: str, password: str, rule: PasswordRule, *, sender: Sender | None = None
) -> None:
    """The same for whoever has the link of a letter, which is used up by it and by nothing else.

    Raises `LinkWorthless`, `StillTheGiven` and `PasswordTooLike`.
    """
    link = links.look(secret, LinkKind.RECOVERY, product_id=product_id)
    try:
        new = _chosen(link.account_id, password, rule)
    except PasswordTooLike:
        links.look(secret, LinkKind.RECOVERY, product_id=product_id)  # perhaps it was used for this very password
        raise
    with transaction() as session:
        # The account before its links, as wherever both are changed.
        session.scalar(lock_no_key_update(sa.select(Account.id).where(Account.id == link.account_id), Account))
        links.use(session, secret, LinkKind.RECOVERY, product_id=product_id)
        set_password(session, new, sender=sender)


def _chosen(account_id: UUID, password: str, rule: PasswordRule) -> NewPassword:
    """The password that its owner chose, prepared. Whoever has to change one that somebody else gave doesn't do it by
    giving the same one again."""
    new = history.prepared(account_id, password, rule)
    if _has(account_id, password, Account.must_change_password.is_(True)):
        raise StillTheGiven
    history.refuse_like(new, password)
    return new


def was_just_set(account_id: UUID, password: str) -> bool:
    """Whether this is the password that its owner set a moment ago: then the form was sent twice."""
    return _has(
        account_id,
        password,
        Account.password_changed_at > clock.now() - _DOUBLE_CLICK,
        Account.must_change_password.is_(False),
        Account.created_at < Account.password_changed_at,
    )


def _has(account_id: UUID, password: str, *conditions: sa.ColumnElement[bool]) -> bool:
    """Whether the account is as the conditions say and has this password."""
    with reading() as session:
        present = session.scalar(sa.select(Account.password_hash).where(Account.id == account_id, *conditions))
    return present is not None and hashing.matches(present, password)


def set_password(
    session: Session,
    new: NewPassword,
    *,
    but: UUID | None = None,
    must_change: bool = False,
    sender: Sender | None = None,
) -> None:
    """Store a password that was prepared, with all that follows, in the caller's transaction.

    It `must_change` at the next sign-in where somebody else than the owner chose it. Such a password is not compared
    with the ones before (`accounts.passwords.history`): the answer would tell that other person of them. Raises
    `NotFound`.
    """
    account_id = new.account_id
    changed = session.scalar(
        sa.update(Account)
        .where(Account.id == account_id)
        .values(password_hash=new.hash, password_changed_at=clock.now(), must_change_password=must_change)
        .returning(Account)
    )
    if changed is None:
        raise NotFound
    end_what_was_before(session, new, changed.product_id, changed.number, but=but)
    how = {"by_another": must_change, "kept_session": but is not None}
    note(session, account_id, EventKind.PASSWORD_CHANGED, **{name: True for name, is_so in how.items() if is_so})
    tell_phone(session, changed.product_id, changed.number, Notice.PASSWORD_CHANGED)
    tell_of_password(session, sender, account_id, own_mailbox(session, changed))


def end_what_was_before(
    session: Session, new: NewPassword, product_id: UUID, number: PhoneNumber | None, *, but: UUID | None = None
) -> None:
    """What follows from every new password, in the caller's transaction: it is remembered; links, sessions (`but` one)
    and what was shown to bind a device to this `number` end; wrong passwords are forgotten."""
    account_id = new.account_id
    history.remember(session, new)
    links.end(session, account_id, *links.ENDED_BY_PASSWORD)
    which = [AccountSession.account_id == account_id] + ([AccountSession.id != but] if but is not None else [])
    session.execute(sa.delete(AccountSession).where(*which))
    panels.end_signed_in(session, product_id, number)
    sign_in_throttle.forget_account(session, product_id, account_id)
