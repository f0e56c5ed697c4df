"""Browsers that are signed in. A session lives in the database and can be ended there; the cookie is only its key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.events import EventKind, note
from pushhub.accounts.models import Account, AccountSession
from pushhub.kernel import clock
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.sealing import secret_digest
from pushhub.panels import panels

#: So often a session's last use is written down.
_NOTICED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SessionLife:
    """How long a session lasts without use, and at most; and how long where the browser was told to remember it."""

    idle: timedelta
    absolute: timedelta
    remembered: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just begun: the only time its secret is there."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person who is signed in, and the session."""

    account: Account
    session: AccountSession


def begin(
    session: Session, account_id: UUID, life: SessionLife, browser: str, *, remembered: bool = False
) -> NewSession:
    """Begin a session in the caller's transaction. A remembered one lasts without use too."""
    now, secret = clock.now(), secrets.token_urlsafe(32)
    remembered = remembered and bool(life.remembered)
    idle, absolute = (life.remembered, life.remembered) if remembered else (life.idle, life.absolute)
    session.add(
        AccountSession(
            account_id=account_id,
            digest=secret_digest(secret),
            browser=browser[:60],
            created_at=now,
            remembered=remembered,
            seen_at=now,
            idle_at=now + idle,
            expires_at=now + absolute,
        )
    )
    session.flush()
    return NewSession(secret)


def who_is(product_id: UUID, secret: str, life: SessionLife) -> SignedIn | None:
    """Whose session this is, if it lives; its idle time begins anew, but for a remembered one, which has none."""
    now = clock.now()
    with reading() as session:
        row = session.execute(
            sa.select(Account, AccountSession)
            .join(Account, Account.id == AccountSession.account_id)
            .where(AccountSession.digest == secret_digest(secret), Account.product_id == product_id, *_alive(now))
        ).first()
    if row is None:
        return None
    account, found = row
    if now - found.seen_at >= _NOTICED:
        with transaction() as session:
            session.execute(
                sa.update(AccountSession)
                .where(AccountSession.id == found.id)
                .values(seen_at=now, idle_at=found.idle_at if found.remembered else now + life.idle)
            )
    return SignedIn(account, found)


def _alive(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return AccountSession.idle_at > now, AccountSession.expires_at > now


def all_of(account_id: UUID) -> Sequence[AccountSession]:
    """The living sessions of an account, the latest first."""
    with reading() as session:
        return session.scalars(
            sa.select(AccountSession)
            .where(AccountSession.account_id == account_id, *_alive(clock.now()))
            .order_by(AccountSession.seen_at.desc())
        ).all()


def end(account_id: UUID, session_id: UUID) -> None:
    """End one session of this account, and what was shown in it to bind a device; one that has ended stays ended."""
    with transaction() as session:
        ended = session.execute(
            sa.delete(AccountSession)
            .where(AccountSession.id == session_id, AccountSession.account_id == account_id)
            .returning(AccountSession.browser)
        ).first()
        if ended is not None:
            _end_offers(session, account_id)
            note(session, account_id, EventKind.SIGNED_OUT, browser=ended.browser)


def end_others(account_id: UUID, but: UUID) -> None:
    """End all sessions of this account but one, which shows a new offer when it is asked for."""
    with transaction() as session:
        ended = session.execute(
            sa.delete(AccountSession)
            .where(AccountSession.account_id == account_id, AccountSession.id != but)
            .returning(AccountSession.id)
        ).all()
        if ended:
            _end_offers(session, account_id)
            note(session, account_id, EventKind.SESSIONS_ENDED, count=len(ended))


def _end_offers(session: Session, account_id: UUID) -> None:
    account = session.execute(sa.select(Account.product_id, Account.number).where(Account.id == account_id)).one()
    panels.end_signed_in(session, account.product_id, account.number)


def show_offer_in(session_id: UUID, offer_id: UUID) -> None:
    """Remember which offer this session shows."""
    with transaction() as session:
        session.execute(sa.update(AccountSession).where(AccountSession.id == session_id).values(offer_id=offer_id))


def sweep(session: Session) -> None:
    """Forget sessions that are over."""
    now = clock.now()
    session.execute(
        sa.delete(AccountSession).where(sa.or_(AccountSession.idle_at <= now, AccountSession.expires_at <= now))
    )
