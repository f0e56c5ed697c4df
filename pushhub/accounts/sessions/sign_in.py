"""Signing in: with a password, or with a code.

What is answered never tells whether there is an account. Wrong passwords are counted for the identifier that was
typed, before the password is looked at, and the same work is done without an account as with one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.events import EventKind, note
from pushhub.accounts.models import Account
from pushhub.accounts.passwords import hashing
from pushhub.accounts.passwords.rules import TRIES_BEFORE_CODE, wait_after
from pushhub.accounts.sessions import sessions, sign_in_throttle
from pushhub.accounts.sessions.sessions import NewSession, SessionLife
from pushhub.accounts.sessions.sign_in_throttle import CodeWanted, Wait
from pushhub.accounts.sign_in_identifiers import Identifier, find_account
from pushhub.kernel import clock
from pushhub.kernel.db import lock_no_key_update, transaction


@dataclass(frozen=True, slots=True)
class Wrong:
    """The password (or the identifier) is not right. From the fifth time on one has to wait."""

    wait_until: datetime | None


def sign_in(
    product_id: UUID,
    identifier: Identifier,
    password: str,
    *,
    life: SessionLife,
    browser: str,
    remembered: bool = False,
) -> NewSession | Wrong | Wait | CodeWanted:
    """Begin a session, if this is the password.

    1. count the try (committed), unless there were too many  2. look at the password  3. forget the count, where the
    password is still the one that was looked at: a session that begins after a change is not ended by it.
    """
    counted = sign_in_throttle.count_try(product_id, identifier.digest)
    if isinstance(counted, (Wait, CodeWanted)):
        return counted
    account = find_account(product_id, identifier)
    if not hashing.matches(account.password_hash if account else None, password) or account is None:
        return _wrong(counted)
    with transaction() as session:
        if not _still_has(session, account):
            return _wrong(counted)
        sign_in_throttle.forget(session, product_id, [identifier.digest, sign_in_throttle.present_digest(account.id)])
        begun = sessions.begin(session, account.id, life, browser, remembered=remembered)
        note(session, account.id, EventKind.SIGNED_IN, browser=browser, wrong_before=counted - 1)
        return begun


def check_present(account: Account, password: str) -> Wrong | Wait | CodeWanted | None:
    """None where this is the password of the account, which is asked for before something that matters although one is
    signed in. Wrong ones are counted as in `sign_in`, so that a browser left open is no place to guess, but by
    themselves; each counts before it is looked at, so that many at once are not more."""
    digest = sign_in_throttle.present_digest(account.id)
    counted = sign_in_throttle.count_try(account.product_id, digest)
    if isinstance(counted, (Wait, CodeWanted)):
        return counted
    if not hashing.matches(account.password_hash, password):
        return _wrong(counted)
    with transaction() as session:
        sign_in_throttle.forget(session, account.product_id, [digest])
    return None


def _wrong(counted: int) -> Wrong | CodeWanted:
    wait = wait_after(counted)
    return CodeWanted() if counted >= TRIES_BEFORE_CODE else Wrong(clock.now() + wait if wait else None)


def _still_has(session: Session, account: Account) -> bool:
    """Whether the password is the one that was read before; it stays so until the transaction ends."""
    same = sa.select(Account.id).where(Account.id == account.id, Account.password_hash == account.password_hash)
    return session.scalar(lock_no_key_update(same, Account)) is not None


def sign_in_by_code(account: Account, *, life: SessionLife, browser: str) -> NewSession:
    """Begin a session for who has proven with a code that the number on file is theirs."""
    with transaction() as session:
        sign_in_throttle.forget_account(session, account.product_id, account.id)
        begun = sessions.begin(session, account.id, life, browser)
        note(session, account.id, EventKind.SIGNED_IN, browser=browser, wrong_before=0)
        return begun


def code_is_wanted(product_id: UUID, identifier: Identifier) -> bool:
    """Whether passwords for this identifier are looked at only after a code."""
    return sign_in_throttle.too_many(product_id, identifier.digest)


def forgive(product_id: UUID, identifier: Identifier) -> None:
    """A code has shown that the person is there: passwords are looked at again."""
    with transaction() as session:
        sign_in_throttle.forget(session, product_id, [identifier.digest])
