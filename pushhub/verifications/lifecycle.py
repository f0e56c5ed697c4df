"""The ends of a verification, and the moment its code becomes checkable. Every change is one guarded
statement."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import DeliveryStatus
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import advisory_lock, reading, transaction
from pushhub.kernel.errors import NotFound
from pushhub.products.products import Caller
from pushhub.verifications.deliveries import expire_waiting
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus


def find_own(session: Session, caller: Caller, verification_id: UUID) -> Verification:
    """The caller's verification, read anew. Raises `NotFound`: another product's does not exist for it."""
    verification = session.scalar(
        sa.select(Verification)
        .where(
            Verification.id == verification_id,
            Verification.product_id == caller.product_id,
            Verification.live == caller.live,
        )
        .execution_options(populate_existing=True)
    )
    if verification is None:
        raise NotFound
    return verification


def find(caller: Caller, verification_id: UUID) -> Verification:
    """The caller's verification. Raises `NotFound`."""
    with reading() as session:
        return find_own(session, caller, verification_id)


def close(session: Session, verification_id: UUID, status: VerificationStatus) -> bool:
    """Take a pending verification to its end, erase its code and stop what has not gone out. False where it
    had ended before, or has run out and `status` is not `expired`."""
    now = clock.now()
    guard = [Verification.id == verification_id, Verification.status == VerificationStatus.PENDING]
    if status is not VerificationStatus.EXPIRED:
        guard.append(Verification.expires_at > now)
    closed = session.execute(
        sa.update(Verification)
        .where(*guard)
        .values(status=status, closed_at=now, code_sealed=None, email_sealed=None, escalate_at=None)
        .returning(Verification.id)
        .execution_options(synchronize_session=False)
    ).first()
    if closed is None:
        return False
    expire_waiting(session, "verification_closed", Delivery.verification_id == verification_id)
    return True


def codes_to(number: PhoneNumber) -> str:
    """What those wait for who ask for codes to one number, so that what the first has counted holds, and whoever moves
    the number to another device."""
    return f"codes:{number.e164}"


def hold_codes_of(session: Session, numbers: Iterable[PhoneNumber]) -> None:
    """Wait for the codes that are being asked for to numbers which may leave their devices, and let the next ones wait.

    To be done before any row is written: who asks for a code holds it already when it comes to the device's row."""
    for number in sorted(set(numbers), key=lambda each: each.e164):
        advisory_lock(session, codes_to(number))


def cancel_codes_of(session: Session, number: PhoneNumber) -> None:
    """End what is under way for a number that leaves its device: the codes that the old device has seen are
    worthless from now on, and what was not sent stays unsent. The caller has done `hold_codes_of`: a code that is being
    asked for at this moment would be sent to the old device."""
    pending = session.execute(
        sa.select(Verification.id, Verification.product_id).where(
            Verification.number == number,
            Verification.live.is_(True),
            Verification.status == VerificationStatus.PENDING,
        )
    ).all()
    for verification_id, product_id in pending:
        if close(session, verification_id, VerificationStatus.CANCELLED):
            record.record(session, Tag.VERIFICATION_CANCELLED, verification_id, product_id, reason="unbound")


def stop_elsewhere(session: Session, verification_id: UUID, device_id: UUID) -> None:
    """The device has the code: it goes no further, and what has not gone out by another way does not go out.

    What goes to the device itself stays as it is. Such a message was asked for by sending the code again, and the
    word of the device, which may be late, is about an earlier one."""
    session.execute(
        sa.update(Verification)
        .where(Verification.id == verification_id, Verification.escalate_at.is_not(None))
        .values(escalate_at=None)
    )
    elsewhere = (Delivery.verification_id == verification_id, Delivery.device_id.is_distinct_from(device_id))
    expire_waiting(session, "received_elsewhere", *elsewhere)
    # What a dispatcher holds at this moment may still go out, but is not tried again.
    session.execute(
        sa.update(Delivery)
        .where(*elsewhere, Delivery.status == DeliveryStatus.SENDING)
        .values(expires_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def arm(session: Session, verification_id: UUID) -> None:
    """The code is where a person can read it (on the bound device, or in an SMS or mail that went out): from now on
    a check looks at it."""
    armed = session.execute(
        sa.update(Verification)
        .where(
            Verification.id == verification_id,
            Verification.status == VerificationStatus.PENDING,
            Verification.armed_at.is_(None),
        )
        .values(armed_at=clock.now())
        .returning(Verification.product_id)
    ).first()
    if armed is not None:
        record.record(session, Tag.VERIFICATION_ARMED, verification_id, armed.product_id)


def expire_due(limit: int = 500) -> None:
    """Take verifications whose time ran out to `expired` and erase their codes."""
    with transaction() as session:
        due = session.execute(
            sa.select(Verification.id, Verification.product_id, Verification.live)
            .where(
                Verification.status == VerificationStatus.PENDING,
                Verification.closed_at.is_(None),  # the condition of the index
                Verification.expires_at <= clock.now(),
            )
            .limit(limit)
        ).all()
        for verification_id, product_id, live in due:
            if close(session, verification_id, VerificationStatus.EXPIRED):
                record.record(session, Tag.VERIFICATION_EXPIRED, verification_id, product_id, live=live)
