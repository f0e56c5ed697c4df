"""Checking what the person typed: count first, then look, then consume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.errors import CodeMalformed, NotArmed
from pushhub.kernel.limits import WRONG_CODES, count_up
from pushhub.products.products import Caller, find_own
from pushhub.verifications.lifecycle import close
from pushhub.verifications.models import Verification, code_context
from pushhub.verifications.rules import VerificationStatus, can_be_code, status_at


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check."""

    valid: bool
    status: VerificationStatus
    attempts_left: int


def _nothing_more(session: Session) -> None:
    """What is written with an approval unless the asker has something to write."""


def check(
    caller: Caller, verification_id: UUID, code: str, *, with_approval: Callable[[Session], None] = _nothing_more
) -> Checked:
    """Whether this is the code; at most once is the answer yes.

    The attempt is spent in a committed statement of its own before the code is looked at, so that parallel
    checks never look more often than allowed. `with_approval` writes what belongs to the approval in its
    transaction; where it raises, the code stays unused. Raises `NotFound`, `CodeMalformed` and `NotArmed`, none of
    which spends an attempt.
    """
    with reading() as session:
        found = find_own(session, caller, Verification, verification_id)
    if not can_be_code(code, found.digits):
        raise CodeMalformed(digits=found.digits)
    now = clock.now()
    while (left := _spend_attempt(found.id, now)) is None:
        with reading() as session:
            missed = find_own(session, caller, Verification, verification_id)
        if not _has_become_checkable(missed, now):
            return _not_looked(missed, now)
    if current().keyring.code_matches(found.code_digest, code, code_context(found.id)):
        return _approve(caller, found.id, left, with_approval)
    return _count_wrong(caller, found, left)


def _spend_attempt(verification_id: UUID, now: datetime) -> int | None:
    """How many attempts are left after this one; None where there is none to be spent."""
    with transaction() as session:
        spent = session.execute(
            sa.update(Verification)
            .where(
                Verification.id == verification_id,
                Verification.status == VerificationStatus.PENDING,
                Verification.expires_at > now,
                Verification.armed_at.is_not(None),
                Verification.attempts_used < Verification.attempts_allowed,
            )
            .values(attempts_used=Verification.attempts_used + 1)
            .returning(Verification.attempts_used, Verification.attempts_allowed)
        ).first()
    return None if spent is None else int(spent.attempts_allowed - spent.attempts_used)


def _has_become_checkable(verification: Verification, now: datetime) -> bool:
    """Whether it was armed in the moment after no attempt could be spent."""
    return (
        status_at(verification.status, verification.expires_at, now) is VerificationStatus.PENDING
        and verification.armed_at is not None
        and verification.attempts_used < verification.attempts_allowed
    )


def _not_looked(verification: Verification, now: datetime) -> Checked:
    status = status_at(verification.status, verification.expires_at, now)
    if status is VerificationStatus.PENDING:
        if verification.armed_at is None:
            raise NotArmed
        # The last attempts are being looked at by other requests at this moment.
        return Checked(False, VerificationStatus.EXHAUSTED, 0)
    return Checked(False, status, 0)


def _approve(caller: Caller, verification_id: UUID, left: int, with_approval: Callable[[Session], None]) -> Checked:
    with transaction() as session:
        if close(session, verification_id, VerificationStatus.APPROVED):
            with_approval(session)
            return Checked(True, VerificationStatus.APPROVED, left)
        verification = find_own(session, caller, Verification, verification_id)
        return Checked(False, status_at(verification.status, verification.expires_at, clock.now()), 0)


def _count_wrong(caller: Caller, verification: Verification, left: int) -> Checked:
    subject = current().keyring.lookup_digest("number", verification.number.e164)
    with transaction() as session:
        if caller.live:
            count_up(session, WRONG_CODES, subject)
        if left == 0:
            close(session, verification.id, VerificationStatus.EXHAUSTED)
        now_is = find_own(session, caller, Verification, verification.id)
    status = status_at(now_is.status, now_is.expires_at, clock.now())
    return Checked(False, status, left if status is VerificationStatus.PENDING else 0)
