"""Wrong passwords, counted for what was typed, whether or not there is an account behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.models import AccountIdentifier, SignInFailure
from pushhub.accounts.passwords.rules import FAILURES_KEPT, TRIES_BEFORE_CODE, wait_after
from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.db import insert, reading, transaction


@dataclass(frozen=True, slots=True)
class Wait:
    """The answer that one has to wait, for there were too many wrong passwords just before. Nothing was looked at."""

    until: datetime


@dataclass(frozen=True, slots=True)
class CodeWanted:
    """The answer that a code from the app is wanted, after ten wrong passwords. Nothing was looked at."""


def count_try(product_id: UUID, digest: str) -> int | Wait | CodeWanted:
    """Count one wrong password in advance: tries at the same time are all counted."""
    now = clock.now()
    long_ago = SignInFailure.last_at < now - FAILURES_KEPT
    with transaction() as session:
        statement = insert(SignInFailure).values(
            product_id=product_id, digest=digest, failures=1, last_at=now, wait_until=now
        )
        failures = session.execute(
            statement.on_conflict_do_update(
                index_elements=["product_id", "digest"],
                set_={"failures": sa.case((long_ago, 1), else_=SignInFailure.failures + 1), "last_at": now},
                where=sa.or_(
                    long_ago,
                    sa.and_(SignInFailure.wait_until <= now, SignInFailure.failures < TRIES_BEFORE_CODE),
                ),
            ).returning(SignInFailure.failures)
        ).scalar_one_or_none()
        if failures is None:
            row = session.get_one(SignInFailure, (product_id, digest))
            return CodeWanted() if _too_many(row, now) else Wait(row.wait_until)
        session.execute(
            sa.update(SignInFailure)
            .where(SignInFailure.product_id == product_id, SignInFailure.digest == digest)
            .values(wait_until=now + wait_after(failures))
            .execution_options(synchronize_session=False)
        )
        return int(failures)


def too_many(product_id: UUID, digest: str) -> bool:
    """Whether passwords are looked at only after a code."""
    with reading() as session:
        row = session.get(SignInFailure, (product_id, digest))
        return row is not None and _too_many(row, clock.now())


def forget(session: Session, product_id: UUID, digests: Iterable[str]) -> None:
    """Count from nothing again, in the caller's transaction."""
    session.execute(
        sa.delete(SignInFailure).where(SignInFailure.product_id == product_id, SignInFailure.digest.in_(list(digests)))
    )


def forget_account(session: Session, product_id: UUID, account_id: UUID) -> None:
    """The same for everything that this account is signed in to with, and for its present password."""
    named = session.scalars(sa.select(AccountIdentifier.digest).where(AccountIdentifier.account_id == account_id))
    forget(session, product_id, [*named, present_digest(account_id)])


def present_digest(account_id: UUID) -> str:
    """What wrong present passwords of an account are counted for. Nobody can type it at the sign-in, so a stranger's
    wrong passwords there don't throw out who is signed in."""
    return current().keyring.lookup_digest("present password", str(account_id))


def sweep(session: Session) -> None:
    """Forget wrong passwords of long ago."""
    session.execute(sa.delete(SignInFailure).where(SignInFailure.last_at < clock.now() - FAILURES_KEPT))


def _too_many(row: SignInFailure, now: datetime) -> bool:
    return row.failures >= TRIES_BEFORE_CODE and row.last_at > now - FAILURES_KEPT
