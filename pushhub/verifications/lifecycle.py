"""The ends of a verification and of its deliveries, and the moment its code becomes checkable. Every change is one
guarded statement, and the product is told of every end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import TEST_CHANNEL, DeliveryStatus
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import ReadRow, advisory_lock, reading, transaction
from pushhub.kernel.errors import VerificationClosed
from pushhub.kernel.ids import Prefix, public_id
from pushhub.products.products import Caller, find_own
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus, status_at


def find(caller: Caller, verification_id: UUID) -> Verification:
    """The caller's verification. Raises `NotFound`."""
    with reading() as session:
        return find_own(session, caller, Verification, verification_id)


def close(session: Session, verification_id: UUID, status: VerificationStatus, **told: str) -> bool:
    """Take a pending verification to its end, erase its code, stop what has not gone out, and tell its product (`told`
    beside what ended). False where it had ended before, or has run out and `status` is not `expired`."""
    now = clock.now()
    guard = [Verification.id == verification_id, Verification.status == VerificationStatus.PENDING]
    if status is not VerificationStatus.EXPIRED:
        guard.append(Verification.expires_at > now)
    closed = session.execute(
        sa.update(Verification)
        .where(*guard)
        .values(status=status, closed_at=now, code_sealed=None, email_sealed=None, escalate_at=None)
        .returning(Verification.product_id, Verification.live)
        .execution_options(synchronize_session=False)
    ).first()
    if closed is None:
        return False
    expire_waiting(session, "verification_closed", Delivery.verification_id == verification_id)
    tag = Tag(f"verification.{status}")
    record.record(session, tag, verification_id, closed.product_id, live=closed.live, **told)
    return True


def cancel(caller: Caller, verification_id: UUID) -> Verification:
    """End a verification before its time; cancelling twice changes nothing. Raises `NotFound`, `VerificationClosed`."""
    with transaction() as session:
        find_own(session, caller, Verification, verification_id)
        close(session, verification_id, VerificationStatus.CANCELLED)
        verification = find_own(session, caller, Verification, verification_id)
        status = status_at(verification.status, verification.expires_at, clock.now())
        if status is not VerificationStatus.CANCELLED:
            raise VerificationClosed(verification_status=status)
        return verification


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
    pending = session.scalars(
        sa.select(Verification.id).where(
            Verification.number == number,
            Verification.live.is_(True),
            Verification.status == VerificationStatus.PENDING,
        )
    ).all()
    for verification_id in pending:
        close(session, verification_id, VerificationStatus.CANCELLED, reason="unbound")


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
        due = session.scalars(
            sa.select(Verification.id)
            .where(
                Verification.status == VerificationStatus.PENDING,
                Verification.closed_at.is_(None),  # the condition of the index
                Verification.expires_at <= clock.now(),
            )
            .limit(limit)
        ).all()
        for verification_id in due:
            close(session, verification_id, VerificationStatus.EXPIRED)


def expire_waiting(session: Session, error: str, *which: sa.ColumnElement[bool]) -> None:
    """Take deliveries of a code that wait to be sent to `expired`, and tell their product why."""
    stopped = session.execute(
        sa.update(Delivery)
        .where(*which, Delivery.status == DeliveryStatus.QUEUED)
        .values(status=DeliveryStatus.EXPIRED, error=error, changed_at=clock.now())
        .returning(Delivery.id, Delivery.product_id, Delivery.verification_id, Delivery.channel, Delivery.error)
        .execution_options(synchronize_session=False)
    )
    tell_expired(session, stopped.all())


def tell_expired(session: Session, rows: Sequence[ReadRow]) -> None:
    """Tell products of deliveries (`id`, `product_id`, `verification_id`, `channel`, `error`) that expired."""
    told = [
        record.new_event(
            Tag.DELIVERY_EXPIRED,
            row.id,
            row.product_id,
            live=row.channel != TEST_CHANNEL,
            channel=row.channel,
            error=row.error,
            verification_id=public_id(Prefix.VERIFICATION, row.verification_id),
        )
        for row in rows
    ]
    record.record_all(session, told)
