"""Asking for a code and checking what the person typed.

product                      pushhub                              phone
  │ ask(number, purpose)        │                                    │
  │ ──────────────────────────→ │ code sealed, delivery queued       │
  │                             │ ── push (no code in it) ─────────→ │
  │                             │ ←── fetch, signed with its key ─── │  arms the code
  │ check(code)                 │                                    │
  │ ──────────────────────────→ │ 1 spend an attempt (committed)     │
  │                             │ 2 look at the code                 │
  │ ←────────────── approved ── │ 3 consume by a guarded UPDATE      │
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub import clock, events, idempotency
from pushhub.binding.offers import require_country
from pushhub.db import again_on_conflict, one_at_a_time, reading, transaction
from pushhub.delivery.models import Delivery
from pushhub.delivery.outbox import enqueue
from pushhub.delivery.reach import Reach, reach_of
from pushhub.delivery.rules import TEST_CHANNEL, DeliveryKind
from pushhub.errors import (
    NumberUnreachable,
    ResendLimitReached,
    ResendTooEarly,
    TooManyCodes,
    UnknownPurpose,
    VerificationClosed,
)
from pushhub.events import Tag
from pushhub.hub import hub
from pushhub.idempotency import Repeatable
from pushhub.ids import new_key
from pushhub.limits import CLIENT_CODES, WRONG_CODES, count_up, counted
from pushhub.phones import PhoneNumber
from pushhub.products.rules import attempts_for
from pushhub.products.service import Caller
from pushhub.verifications.lifecycle import close, find_own
from pushhub.verifications.models import Verification, code_context
from pushhub.verifications.rules import VerificationStatus, digits_for, new_code, status_at

_EXHAUSTED = VerificationStatus.EXHAUSTED


@dataclass(frozen=True, slots=True)
class Asked:
    """The live verification for what was asked, and whether this request made it."""

    verification: Verification
    created: bool
    #: Whether an earlier request with the same Idempotency-Key made it.
    replayed: bool = False


@again_on_conflict
def ask(
    caller: Caller,
    number: PhoneNumber,
    purpose: str,
    *,
    locale: str = "ru",
    client_address: str | None = None,
    request: Repeatable | None = None,
) -> Asked:
    """Send a code to `number`, or return the verification that is under way for the same purpose.

    `client_address` is the network address of the person's browser, where the product tells it.

    Raises `NumberNotAllowed`, `UnknownPurpose`, `NumberUnreachable` (with `reason`), `TooManyCodes` (with
    `retry_at`), `IdempotencyKeyReused`.
    """
    require_country(caller, number)
    if purpose not in caller.policy.purposes:
        raise UnknownPurpose(purposes=list(caller.policy.purposes))
    now = clock.now()
    with transaction() as session:
        made = idempotency.made_before(session, caller.product_id, request)
        if made is not None:
            return Asked(find_own(session, caller, made), created=True, replayed=True)
        live = _live(session, caller, number, purpose)
        if live is not None and live.expires_at > now and live.attempts_used < live.attempts_allowed:
            idempotency.remember(session, caller.product_id, request, live.id)
            return Asked(live, created=False)
        if live is not None:
            close(session, live.id, VerificationStatus.EXPIRED if live.expires_at <= now else _EXHAUSTED)
        if client_address is not None and caller.live:
            _count_client(session, client_address, now)
        reach = _reach(session, caller, number, purpose)
        _refuse_flood(session, caller, number, now)
        verification = _new_verification(session, caller, number, purpose, locale, now)
        session.add(verification)
        session.flush()
        _send(session, verification, reach)
        events.record(session, Tag.VERIFICATION_CREATED, verification.id, caller.product_id, purpose=purpose)
        idempotency.remember(session, caller.product_id, request, verification.id)
        return Asked(verification, created=True)


def find(caller: Caller, verification_id: UUID) -> Verification:
    """The caller's verification. Raises `NotFound`."""
    with reading() as session:
        return find_own(session, caller, verification_id)


def resend(caller: Caller, verification_id: UUID) -> Verification:
    """Send the same code once more; expiry and attempts stay as they are.

    Raises `NotFound`, `VerificationClosed`, `ResendTooEarly` (with `retry_at`), `ResendLimitReached`,
    `TooManyCodes`, `NumberUnreachable`.
    """
    now = clock.now()
    with transaction() as session:
        verification = find_own(session, caller, verification_id)
        number = PhoneNumber.trusted(verification.number)
        taken = session.scalar(
            sa.update(Verification)
            .where(
                Verification.id == verification.id,
                Verification.status == VerificationStatus.PENDING,
                Verification.expires_at > now,
                Verification.resend_at <= now,
                Verification.resends_left > 0,
            )
            .values(resend_at=now + caller.policy.resend_after, resends_left=Verification.resends_left - 1)
            .returning(Verification)
            .execution_options(populate_existing=True)
        )
        if taken is None:
            raise _why_no_resend(verification, now)
        _refuse_flood(session, caller, number, now)
        _send(session, taken, _reach(session, caller, number, taken.purpose))
        events.record(session, Tag.VERIFICATION_RESENT, taken.id, caller.product_id)
        return taken


def _why_no_resend(verification: Verification, now: datetime) -> Exception:
    status = status_at(verification.status, verification.expires_at, now)
    if status is not VerificationStatus.PENDING:
        return VerificationClosed(verification_status=status)
    if verification.resends_left <= 0:
        return ResendLimitReached(expires_at=clock.rfc3339(verification.expires_at))
    return ResendTooEarly(retry_at=verification.resend_at)


def cancel(caller: Caller, verification_id: UUID) -> Verification:
    """End a verification; cancelling twice changes nothing. Raises `NotFound`, `VerificationClosed`."""
    with transaction() as session:
        if close(session, find_own(session, caller, verification_id).id, VerificationStatus.CANCELLED):
            events.record(session, Tag.VERIFICATION_CANCELLED, verification_id, caller.product_id)
        verification = find_own(session, caller, verification_id)
        status = status_at(verification.status, verification.expires_at, clock.now())
        if status is not VerificationStatus.CANCELLED:
            raise VerificationClosed(verification_status=status)
        return verification


def _live(session: Session, caller: Caller, number: PhoneNumber, purpose: str) -> Verification | None:
    return session.scalar(
        sa.select(Verification).where(
            Verification.product_id == caller.product_id,
            Verification.number == number.e164,
            Verification.purpose == purpose,
            Verification.live == caller.live,
            Verification.status == VerificationStatus.PENDING,
        )
    )


def _reach(session: Session, caller: Caller, number: PhoneNumber, purpose: str) -> Reach | None:
    """How the number is reached; None for a test key, which reaches nobody and needs no device."""
    if not caller.live:
        return None
    reach = reach_of(session, number, proven=purpose in caller.policy.proven_purposes)
    if not reach.reachable:
        raise NumberUnreachable(reason=reach.reason)
    return reach


def _refuse_flood(session: Session, caller: Caller, number: PhoneNumber, now: datetime) -> None:
    """Raises `TooManyCodes` where this number was sent as many codes as one person should get."""
    if not caller.live:
        return
    one_at_a_time(session, f"codes:{number.e164}")
    settings = hub().settings
    sent = session.scalars(
        sa.select(Delivery.created_at)
        .where(
            Delivery.number == number.e164,
            Delivery.kind == DeliveryKind.CODE,
            Delivery.channel != TEST_CHANNEL,
            Delivery.created_at > now - timedelta(days=1),
        )
        .order_by(Delivery.created_at.desc())
        .limit(settings.codes_per_day)
    ).all()
    for allowed, window in (
        (settings.codes_per_10_minutes, timedelta(minutes=10)),
        (settings.codes_per_day, timedelta(days=1)),
    ):
        if len(sent) >= allowed and sent[allowed - 1] > now - window:
            raise TooManyCodes(retry_at=sent[allowed - 1] + window)


def _count_client(session: Session, client_address: str, now: datetime) -> None:
    """Raises `TooManyCodes` where one browser's address has asked for too many codes this hour."""
    subject = hub().keyring.lookup_digest("address", client_address)
    if count_up(session, CLIENT_CODES, subject) > hub().settings.codes_per_client_per_hour:
        raise TooManyCodes(
            "Too many codes were asked for from the network address in `client.ip`. Wait until `retry_at`.",
            retry_at=CLIENT_CODES.end(now),
        )


def _new_verification(
    session: Session, caller: Caller, number: PhoneNumber, purpose: str, locale: str, now: datetime
) -> Verification:
    policy, keyring, key = caller.policy, hub().keyring, new_key()
    subject = keyring.lookup_digest("number", number.e164)
    wrong_today, wrong_in_30_days = counted(session, WRONG_CODES, subject, timedelta(days=1), timedelta(days=30))
    digits = digits_for(policy.code_digits, wrong_today, wrong_in_30_days)
    code = new_code(digits) if caller.live else "0" * digits
    return Verification(
        id=key,
        product_id=caller.product_id,
        number=number.e164,
        purpose=purpose,
        live=caller.live,
        status=VerificationStatus.PENDING,
        digits=digits,
        code_digest=keyring.code_digest(code, code_context(key)),
        code_sealed=keyring.seal(code, code_context(key)),
        code_push=policy.code_push,
        locale=locale,
        attempts_allowed=attempts_for(digits),
        attempts_used=0,
        resends_left=policy.resends,
        created_at=now,
        expires_at=now + policy.code_life,
        resend_at=now + policy.resend_after,
        armed_at=None if caller.live else now,
    )


def _send(session: Session, verification: Verification, reach: Reach | None) -> None:
    enqueue(
        session,
        kind=DeliveryKind.CODE,
        device=reach.device if reach is not None else None,
        expires_at=verification.expires_at,
        product_id=verification.product_id,
        verification_id=verification.id,
        number=verification.number,
    )
