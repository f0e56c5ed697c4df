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
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.context import hub
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import TEST_CHANNEL
from pushhub.devices.reachability import never_or_no_more, reach_of
from pushhub.events import record
from pushhub.events.models import Event, Tag
from pushhub.events.record import event_row
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock, idempotency
from pushhub.kernel.db import again_on_conflict, as_written, one_at_a_time, reading, transaction, write_rows
from pushhub.kernel.errors import (
    NumberUnreachable,
    ResendLimitReached,
    ResendTooEarly,
    TooManyCodes,
    UnknownPurpose,
    VerificationClosed,
)
from pushhub.kernel.idempotency import Repeatable
from pushhub.kernel.ids import new_key
from pushhub.kernel.limits import CLIENT_CODES, address_subject, count_up
from pushhub.products.countries import require_country
from pushhub.products.products import Caller
from pushhub.products.route import Step, chosen, read_route, written
from pushhub.products.rules import attempts_for
from pushhub.queueing.wake import wake_after_commit
from pushhub.verifications.ask_context import Situation, refuse_flood, situation_of
from pushhub.verifications.deliveries import expire_waiting
from pushhub.verifications.lifecycle import close, codes_to, find_own
from pushhub.verifications.models import Verification, code_context, email_context
from pushhub.verifications.routing import Carried, Parcel, carry, told_of_skipped
from pushhub.verifications.rules import VerificationStatus, digits_for, new_code, status_at


@dataclass(frozen=True, slots=True)
class Asked:
    """The live verification for what was asked, and whether this request made it."""

    verification: Verification
    created: bool
    #: Whether an earlier request with the same Idempotency-Key made it.
    replayed: bool = False
    #: The deliveries of one that was just made; None where they have to be read.
    deliveries: list[Delivery] | None = None


@again_on_conflict
def ask(
    caller: Caller,
    number: PhoneNumber,
    purpose: str,
    *,
    locale: str = "ru",
    channels: list[str] | None = None,
    email: str | None = None,
    client_address: str | None = None,
    request: Repeatable | None = None,
) -> Asked:
    """Send a code to `number`, or return the verification that is under way for the same purpose.

    `channels` narrows or reorders the product's route for this code. `email` is the person's mailbox, for a route
    that has e-mail. `client_address` is the network address of the person's browser, where the product tells it.

    Raises `NumberNotAllowed`, `UnknownPurpose`, `ChannelNotInRoute`, `NumberUnreachable` (with `reason`),
    `TooManyCodes` (with `retry_at`), `IdempotencyKeyReused`.
    """
    require_country(caller, number)
    if purpose not in caller.policy.purposes:
        raise UnknownPurpose(purposes=list(caller.policy.purposes))
    steps = chosen(caller.policy.steps, channels)
    address = client_address if caller.live else None
    try:
        return _ask(caller, number, purpose, steps, locale, email, address, request)
    except (NumberUnreachable, TooManyCodes):
        if address is not None:  # the refusal has rolled back the count, and refusals are what a scan is made of
            with transaction() as session:
                count_up(session, CLIENT_CODES, address_subject(hub().keyring, address))
        raise


def _ask(
    caller: Caller,
    number: PhoneNumber,
    purpose: str,
    steps: tuple[Step, ...],
    locale: str,
    email: str | None,
    client_address: str | None,
    request: Repeatable | None,
) -> Asked:
    now = clock.now()
    with transaction(codes_to(number.e164)) as session:
        made = idempotency.made_before(session, caller.product_id, request)
        if made is not None:
            return Asked(find_own(session, caller, made), created=True, replayed=True)
        situation = situation_of(session, caller, number, purpose, now)
        if situation.live_id is not None:
            if situation.live_usable:
                idempotency.remember(session, caller.product_id, request, situation.live_id)
                return Asked(find_own(session, caller, situation.live_id), created=False)
            _end_old(session, caller, situation.live_id, late=situation.live_late)
        if client_address is not None:
            _count_client(session, client_address, now)
        if caller.live:
            situation.refuse_flood(now)
        row = _new_verification(caller, number, purpose, locale, steps, situation, now)
        if email is not None:
            row["email_sealed"] = hub().keyring.seal(email, email_context(row["id"]))
        carried = carry(session, _parcel(row, caller), steps, 0, situation.reach, now, asked=True)
        _refuse_unreachable(carried)
        row |= _after(carried, now)
        _write(session, caller, row, carried)
        idempotency.remember(session, caller.product_id, request, row["id"])
        deliveries = [as_written(Delivery, delivery) for delivery in carried.deliveries]
        return Asked(as_written(Verification, row), created=True, deliveries=deliveries)


def ask_in_vain(caller: Caller, number: PhoneNumber, purpose: str) -> None:
    """Do what `ask` does until it refuses a number that nothing reaches, so that this takes as long: for whoever must
    not be told by the clock that the number stands in for nobody's. Nothing is written or sent, whosever it is."""
    require_country(caller, number)
    now = clock.now()
    with transaction(codes_to(number.e164)) as session:
        situation = situation_of(session, caller, number, purpose, now)
        _new_verification(caller, number, purpose, "ru", caller.policy.steps, situation, now)
        never_or_no_more(session, number.e164)


def _end_old(session: Session, caller: Caller, verification_id: UUID, *, late: bool) -> None:
    """The one before can't be used any more, and no sweep has been by yet."""
    if close(session, verification_id, VerificationStatus.EXPIRED if late else VerificationStatus.EXHAUSTED):
        tag = Tag.VERIFICATION_EXPIRED if late else Tag.VERIFICATION_EXHAUSTED
        record.record(session, tag, verification_id, caller.product_id, live=caller.live)


def find(caller: Caller, verification_id: UUID) -> Verification:
    """The caller's verification. Raises `NotFound`."""
    with reading() as session:
        return find_own(session, caller, verification_id)


def resend(caller: Caller, verification_id: UUID) -> Verification:
    """Send the same code once more by the channel it has come to; expiry and attempts stay as they are.

    Raises `NotFound`, `VerificationClosed`, `ResendTooEarly` (with `retry_at`), `ResendLimitReached`,
    `TooManyCodes`, `NumberUnreachable`.
    """
    now = clock.now()
    with transaction() as session:
        verification = find_own(session, caller, verification_id)
        number = PhoneNumber.trusted(verification.number)
        if caller.live:
            one_at_a_time(session, codes_to(number.e164))
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
        if caller.live:
            refuse_flood(session, number, now)
        parcel = _parcel(
            {name: getattr(taken, name) for name in ("id", "number", "purpose", "expires_at", "email_sealed")}, caller
        )
        reach = partial(reach_of, session, number.e164, proven=taken.purpose in caller.policy.proven_purposes)
        carried = carry(session, parcel, read_route(tuple(taken.route)), taken.step, reach, now, asked=True)
        _refuse_unreachable(carried)
        taken.step, taken.escalate_at = carried.step, carried.escalate_at
        session.flush()
        # What still waits from before is not sent as well: one request, one message.
        expire_waiting(session, "replaced", Delivery.verification_id == taken.id)
        write_rows(session, [*((Delivery, row) for row in carried.deliveries), *told_of_skipped(carried)])
        wake_after_commit(session, carried.deliveries[-1]["channel"])
        record.record(
            session, Tag.VERIFICATION_RESENT, taken.id, caller.product_id, live=caller.live, channel=carried.channel
        )
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
            record.record(session, Tag.VERIFICATION_CANCELLED, verification_id, caller.product_id, live=caller.live)
        verification = find_own(session, caller, verification_id)
        status = status_at(verification.status, verification.expires_at, clock.now())
        if status is not VerificationStatus.CANCELLED:
            raise VerificationClosed(verification_status=status)
        return verification


def _refuse_unreachable(carried: Carried) -> None:
    if carried.channel is None:
        raise NumberUnreachable(reason=carried.reason)


def _count_client(session: Session, client_address: str, now: datetime) -> None:
    """Raises `TooManyCodes` where one browser's address has asked for too many codes this hour."""
    if (
        count_up(session, CLIENT_CODES, address_subject(hub().keyring, client_address))
        > hub().settings.codes_per_client_per_hour
    ):
        raise TooManyCodes(
            "Too many codes were asked for from the network address in `client.ip`. Wait until `retry_at`.",
            retry_at=CLIENT_CODES.end(now),
        )


def _new_verification(
    caller: Caller,
    number: PhoneNumber,
    purpose: str,
    locale: str,
    steps: tuple[Step, ...],
    situation: Situation,
    now: datetime,
) -> dict[str, Any]:
    policy, keyring, key = caller.policy, hub().keyring, new_key()
    digits = digits_for(policy.code_digits, situation.wrong_today, situation.wrong_in_30_days)
    code = new_code(digits) if caller.live else "0" * digits
    return {
        "id": key,
        "product_id": caller.product_id,
        "number": number.e164,
        "purpose": purpose,
        "live": caller.live,
        "status": str(VerificationStatus.PENDING),
        "digits": digits,
        "code_digest": keyring.code_digest(code, code_context(key)),
        "code_sealed": keyring.seal(code, code_context(key)),
        "code_push": str(policy.code_push),
        "locale": locale,
        "attempts_allowed": attempts_for(digits),
        "attempts_used": 0,
        "resends_left": policy.resends,
        "created_at": now,
        "expires_at": now + policy.code_life,
        "resend_at": now + policy.resend_after,
        "route": written(steps),
        "email_sealed": None,
        "closed_at": None,
    }


def _parcel(row: dict[str, Any], caller: Caller) -> Parcel:
    return Parcel(
        row["id"],
        caller.product_id,
        row["number"],
        caller.live,
        row["expires_at"],
        row["email_sealed"] is not None,
        caller.policy.paid_per_day,
        row["purpose"] in caller.policy.proven_purposes,
    )


def _after(carried: Carried, now: datetime) -> dict[str, Any]:
    """What a new verification takes over of how its code was sent. In a test it is checkable at once: no device
    will fetch it."""
    armed_at = now if carried.channel == TEST_CHANNEL else None
    return {"step": carried.step, "escalate_at": carried.escalate_at, "armed_at": armed_at}


def _write(session: Session, caller: Caller, row: dict[str, Any], carried: Carried) -> None:
    created = event_row(
        Tag.VERIFICATION_CREATED, row["id"], caller.product_id, live=caller.live, purpose=row["purpose"]
    )
    rows: list[tuple[Any, dict[str, Any]]] = [(Verification, row)]
    rows += [(Delivery, delivery) for delivery in carried.deliveries]
    write_rows(session, [*rows, (Event, created), *told_of_skipped(carried)])
    wake_after_commit(session, carried.deliveries[-1]["channel"])
