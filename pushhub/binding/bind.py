"""Binding a device to a number, and letting it go.

phone                                    pushhub
  │  password or QR, device, consent       │
  │ ─────────────────────────────────────→ │ 1 spend a try of the offer (own transaction)
  │                                        │ 2 compare; wrong → one uniform answer
  │                                        │ 3 burn the password's step, apply the rules
  │                                        │ 4 consume the offer, end old bindings, bind
  │ ←───────────────────────────────────── │ 5 tell the old device
  │  binding, device id, device secret     │
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from pushhub.binding import consent
from pushhub.binding.offer_lookup import PasswordShown, Presented, QrScanned, find_offer, made_by
from pushhub.binding.rules import number_since, rebind_allowed_at
from pushhub.context import current
from pushhub.devices.devices import DeviceDescription, devices_like, digests, give_secret, written_device
from pushhub.devices.models import Binding, Device, Offer, OfferStatus
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import advisory_lock, again_on_conflict, reading, transaction
from pushhub.kernel.errors import (
    ConsentOutdated,
    DeviceUnbound,
    NotFound,
    NumberBoundElsewhere,
    OfferNotAccepted,
    PushhubError,
    RebindTooSoon,
)
from pushhub.kernel.ids import new_key
from pushhub.notifications.notices import Notice, tell_device
from pushhub.notifications.pending import follow_number, stop_for_number
from pushhub.products.rules import Assurance
from pushhub.verifications.lifecycle import cancel_codes_of, hold_codes_of

__all__ = ["Bound", "PasswordShown", "QrScanned", "bind", "unbind", "unbind_number"]


#: So long an app may ask again for the binding whose answer it has not heard.
ASKED_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bound:
    """A device that was just bound: the only time its secret is there."""

    binding: Binding
    device: Device
    rebind_allowed_at: datetime
    secret: str = field(repr=False)


def bind(
    presented: PasswordShown | QrScanned,
    device: DeviceDescription,
    *,
    key_thumbprint: str,
    consent_version: str,
    address: str,
) -> Bound:
    """Bind the device to the number of the offer that is behind what was typed or scanned.

    Raises `ConsentOutdated`, `PasswordMistyped`, `QrNotUnderstood`, `TooManyTries`, `OfferNotAccepted` (wrong,
    used and expired alike) and, for a right password or QR, `RebindTooSoon` or `NumberBoundElsewhere`; those
    two leave the offer usable. Repeated with the same key within `ASKED_AGAIN`, by an app that has heard no answer, it
    gives the binding that was made, with a new secret.
    """
    if consent_version != consent.VERSION:
        raise ConsentOutdated(consent_version=consent.VERSION)
    if (made := _made_before(presented, device, key_thumbprint)) is not None:
        return made
    try:
        result = _bind_found(find_offer(presented, address), device, key_thumbprint, consent_version)
    except OfferNotAccepted:
        # The request whose answer was lost may have been under way until this moment.
        if (made := _made_before(presented, device, key_thumbprint)) is not None:
            return made
        raise
    if isinstance(result, PushhubError):
        raise result
    return result


def _made_before(
    presented: PasswordShown | QrScanned, description: DeviceDescription, key_thumbprint: str
) -> Bound | None:
    """The binding that this very key was given for the same number or QR code a while ago. The password was used up and
    is not looked at again: nobody else has the key, and who has it gets no more than they had."""
    now = clock.now()
    with transaction() as session:
        binding = session.scalar(
            sa.select(Binding)
            .join(Device, Device.id == Binding.device_id)
            .options(joinedload(Binding.device))
            .where(
                Device.installation_digest == digests(description)[0],
                Device.key_thumbprint == key_thumbprint,
                Binding.ended_at.is_(None),
                Binding.bound_at > now - ASKED_AGAIN,
                *made_by(presented),
            )
        )
        if binding is None:
            return None
        secret = give_secret(binding.device)
        session.flush()
        return Bound(binding, binding.device, _allowed_at(session, binding.device_id, now), secret)


@again_on_conflict
def _bind_found(
    found: Presented, description: DeviceDescription, key_thumbprint: str, consent_version: str
) -> Bound | PushhubError:
    now, number = clock.now(), found.number
    with transaction() as session:
        # Whoever binds the same number or the same phone at this moment waits: the rules below compare, then write.
        for subject in (number.e164, *digests(description)):
            if subject is not None:
                advisory_lock(session, f"binding:{subject}")
        known = devices_like(session, description)
        hold_codes_of(session, [number, *_numbers_of(session, known)])
        if not _burn(session, found):
            raise OfferNotAccepted
        refusal = _refusal(session, found, known, now)
        if refusal is not None:
            # Returned, not raised: that the password was used once has to stay written.
            return refusal
        if not _consume(session, found.offer_id, now):
            raise OfferNotAccepted
        device = written_device(known, description, key_thumbprint, now)
        secret = give_secret(device)
        session.add(device)
        session.flush()
        same_device = {entry.id for entry in known} | {device.id}
        _end_bindings(session, number, same_device, now)
        binding = Binding(
            id=new_key(),
            number=number,
            device_id=device.id,
            assurance=found.assurance,
            consent_version=consent_version,
            bound_at=now,
        )
        session.add(binding)
        session.flush()
        follow_number(session, number, device)
        session.execute(sa.update(Offer).where(Offer.id == found.offer_id).values(binding_id=binding.id))
        record.record(session, Tag.OFFER_USED, found.offer_id, found.product_id)
        record.record(session, Tag.BINDING_CREATED, binding.id, found.product_id, assurance=found.assurance)
        return Bound(binding, device, _allowed_at(session, device.id, now), secret)


def _burn(session: Session, found: Presented) -> bool:
    """Give back the try that a right password spent, and see to it that this password is never right again."""
    if found.step is None:
        return True
    burnt = session.execute(
        sa.update(Offer)
        .where(
            Offer.id == found.offer_id,
            Offer.status == OfferStatus.PENDING,
            sa.or_(Offer.last_step.is_(None), Offer.last_step < found.step),
        )
        .values(last_step=found.step, tries=Offer.tries - 1)
        .returning(Offer.id)
    ).first()
    return burnt is not None


def _consume(session: Session, offer_id: UUID, now: datetime) -> bool:
    consumed = session.execute(
        sa.update(Offer)
        .where(Offer.id == offer_id, Offer.status == OfferStatus.PENDING, Offer.expires_at > now)
        .values(status=OfferStatus.USED, totp_secret=b"", qr_secret=b"")
        .returning(Offer.id)
    ).first()
    return consumed is not None


def _refusal(session: Session, found: Presented, known: Sequence[Device], now: datetime) -> PushhubError | None:
    rebind_days = current().settings.rebind_days
    for device in known:
        since = number_since(_history(session, device.id), found.number)
        if since is not None and rebind_allowed_at(since, rebind_days) > now:
            return RebindTooSoon(retry_at=rebind_allowed_at(since, rebind_days))
    holder = session.scalar(
        sa.select(Binding.device_id).where(Binding.number == found.number, Binding.ended_at.is_(None))
    )
    another_has_it = holder is not None and holder not in {device.id for device in known}
    if another_has_it and not Assurance(found.assurance).may_replace:
        return NumberBoundElsewhere()
    return None


def _numbers_of(session: Session, devices: Sequence[Device]) -> Sequence[PhoneNumber]:
    ids = [device.id for device in devices]
    if not ids:
        return []
    return session.scalars(
        sa.select(Binding.number).where(Binding.device_id.in_(ids), Binding.ended_at.is_(None))
    ).all()


def _end_bindings(session: Session, number: PhoneNumber, same_device: set[UUID], now: datetime) -> None:
    """End what the new binding takes the place of, and tell a device that loses its number."""
    ended = session.execute(
        sa.update(Binding)
        .where(
            Binding.ended_at.is_(None),
            sa.or_(Binding.number == number, Binding.device_id.in_(same_device)),
        )
        .values(
            ended_at=now,
            end_reason=sa.case((Binding.number == number, "moved"), else_="other_number"),
        )
        .returning(Binding.id, Binding.device_id, Binding.number, Binding.end_reason)
    ).all()
    for binding_id, device_id, ended_number, reason in ended:
        _record_end(session, binding_id, ended_number, reason=reason)
        if device_id not in same_device or ended_number != number:
            cancel_codes_of(session, ended_number)
        if ended_number != number:
            stop_for_number(session, ended_number)
        if device_id not in same_device:
            tell_device(session, device_id, Notice.NUMBER_MOVED, ended_number)


def _history(session: Session, device_id: UUID) -> Sequence[tuple[PhoneNumber, datetime]]:
    return session.execute(
        sa.select(Binding.number, Binding.bound_at)
        .where(Binding.device_id == device_id)
        .order_by(Binding.bound_at, Binding.id)
    ).all()


def _allowed_at(session: Session, device_id: UUID, now: datetime) -> datetime:
    # Where no number is named, this is the start of the latest number whatever it is.
    since = number_since(_history(session, device_id), None) or now
    return rebind_allowed_at(since, current().settings.rebind_days)


def rebind_date(device_id: UUID) -> datetime:
    """From when this device may be bound to a different number."""
    with reading() as session:
        return _allowed_at(session, device_id, clock.now())


def last_binding(device_id: UUID) -> Binding | None:
    """The device's latest binding, ended or not."""
    with reading() as session:
        return session.scalar(
            sa.select(Binding)
            .where(Binding.device_id == device_id)
            .order_by(Binding.bound_at.desc(), Binding.id.desc())
            .limit(1)
        )


def unbind(device_id: UUID) -> None:
    """The person lets the number go. Raises `DeviceUnbound` where there is none."""
    with transaction() as session:
        if not _end(session, Binding.device_id == device_id, "unbound"):
            raise DeviceUnbound


def unbind_number(number: PhoneNumber, *, reason: str) -> Binding:
    """An operator takes the number from its device; the device is told. Raises `NotFound`."""
    with transaction() as session:
        binding = _end(session, Binding.number == number, "operator", note=reason)
        if binding is None:
            raise NotFound("No device is bound to this number.")
        tell_device(session, binding.device_id, Notice.UNBOUND_BY_OPERATOR, number)
        return binding


def _end(session: Session, which: sa.ColumnElement[bool], reason: str, *, note: str | None = None) -> Binding | None:
    found = session.execute(sa.select(Binding.id, Binding.number).where(which, Binding.ended_at.is_(None))).first()
    if found is None:
        return None
    hold_codes_of(session, [found.number])
    binding = session.scalar(
        sa.update(Binding)
        .where(Binding.id == found.id, Binding.ended_at.is_(None))
        .values(ended_at=clock.now(), end_reason=reason)
        .returning(Binding)
    )
    if binding is not None:
        cancel_codes_of(session, binding.number)
        stop_for_number(session, binding.number)
        _record_end(session, binding.id, binding.number, reason=reason, note=note)
    return binding


def _record_end(
    session: Session, binding_id: UUID, number: PhoneNumber, *, reason: str | None, note: str | None = None
) -> None:
    """The product whose offer made the binding is told that it has ended, whoever ended it. `note` is kept for the
    operators."""
    product_id = session.scalar(
        sa.select(Offer.product_id).where(
            Offer.number == number, Offer.status == OfferStatus.USED, Offer.binding_id == binding_id
        )
    )
    if note is None:
        record.record(session, Tag.BINDING_ENDED, binding_id, product_id, reason=reason)
    else:
        record.record(session, Tag.BINDING_ENDED, binding_id, product_id, reason=reason, note=note)
