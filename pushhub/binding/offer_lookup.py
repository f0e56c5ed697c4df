"""Which offer is behind a typed password or a scanned QR code: count first, then look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from pushhub.binding.offers import app_link, end_offer, totp_context
from pushhub.binding.rules import TRIES_PER_OFFER, check_digits_fit, matching_step, normal_password, secret_in, step_of
from pushhub.context import current
from pushhub.devices.models import Binding, Offer, OfferStatus
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import ReadRow, reading, transaction
from pushhub.kernel.errors import OfferNotAccepted, PasswordMistyped, QrNotUnderstood, TooManyTries
from pushhub.kernel.limits import BIND_FAILURES, address_subject, count_up, take_back
from pushhub.kernel.sealing import secret_digest


@dataclass(frozen=True, slots=True)
class PasswordShown:
    """The number and the 12 digits that somebody typed."""

    number: PhoneNumber
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class QrScanned:
    """What the camera read: the whole link. `number` is there where the person typed one before: then the QR
    code must be for that very number, since a device can't have another one for 30 days."""

    link: str = field(repr=False)
    number: PhoneNumber | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """The pending offer that was found, and the time step whose password was typed (None for a QR code)."""

    offer_id: UUID
    product_id: UUID
    number: PhoneNumber = field(repr=False)
    assurance: str
    step: int | None


def find_offer(presented: PasswordShown | QrScanned, address: str) -> Presented:
    """The offer that was meant.

    Raises `PasswordMistyped` or `QrNotUnderstood` (nothing is counted: it can't be one of ours),
    `TooManyTries` for an address with too many wrong ones this hour, and `OfferNotAccepted`.
    """
    subject = address_subject(current().keyring, address)
    if isinstance(presented, PasswordShown):
        password = normal_password(presented.password)
        if not check_digits_fit(password):
            raise PasswordMistyped
        _count_guess(subject)
        found = _by_password(presented.number, password)
    else:
        secret = secret_in(presented.link, app_link(current().settings))
        if secret is None:
            raise QrNotUnderstood
        _count_guess(subject)
        found = _by_qr(secret, presented.number)
    if found is None:
        raise OfferNotAccepted
    with transaction() as session:
        take_back(session, BIND_FAILURES, subject)
    return found


def made_by(presented: PasswordShown | QrScanned) -> list[sa.ColumnElement[bool]]:
    """What holds of a binding that was made by what is presented, as far as an offer that was used tells it."""
    conditions = [Binding.number == presented.number] if presented.number is not None else []
    if isinstance(presented, QrScanned):
        secret = secret_in(presented.link, app_link(current().settings)) or ""
        conditions.append(Binding.id.in_(sa.select(Offer.binding_id).where(Offer.qr_digest == secret_digest(secret))))
    return conditions


def _count_guess(subject: str) -> None:
    """Count first: a guess is taken back when it turns out right, so guesses at once are all counted."""
    with transaction() as session:
        guesses = count_up(session, BIND_FAILURES, subject)
    if guesses > current().settings.bind_failures_per_hour:
        raise TooManyTries(retry_at=BIND_FAILURES.end(clock.now()))


def _by_password(number: PhoneNumber, password: str) -> Presented | None:
    now = clock.now()
    with transaction() as session:
        offers: Sequence[ReadRow] = session.execute(
            sa.update(Offer)
            .where(
                Offer.number == number,
                Offer.status == OfferStatus.PENDING,
                Offer.live.is_(True),
                Offer.expires_at > now,
                Offer.tries < TRIES_PER_OFFER,
            )
            .values(tries=Offer.tries + 1)
            .returning(
                Offer.id,
                Offer.product_id,
                Offer.assurance,
                Offer.totp_secret,
                Offer.step_seconds,
                Offer.last_step,
                Offer.tries,
            )
        ).all()
    for offer in offers:
        totp_secret = current().keyring.unseal(offer.totp_secret, totp_context(offer.id))
        step = matching_step(totp_secret, password, step_of(now, offer.step_seconds), offer.last_step)
        if step is not None:
            _give_tries_back([other.id for other in offers if other.id != offer.id])
            return Presented(offer.id, offer.product_id, number, offer.assurance, step)
    for offer in offers:
        if offer.tries >= TRIES_PER_OFFER:
            with transaction() as session:
                end_offer(session, offer.id, "too_many_tries")
    return None


def _give_tries_back(offer_ids: Sequence[UUID]) -> None:
    """A password that is right for one product's offer was no guess at the others'."""
    if offer_ids:
        with transaction() as session:
            session.execute(sa.update(Offer).where(Offer.id.in_(offer_ids)).values(tries=Offer.tries - 1))


def _by_qr(secret: str, number: PhoneNumber | None) -> Presented | None:
    with reading() as session:
        offer = session.execute(
            sa.select(Offer.id, Offer.product_id, Offer.number, Offer.assurance).where(
                Offer.qr_digest == secret_digest(secret),
                Offer.status == OfferStatus.PENDING,
                Offer.live.is_(True),
                Offer.expires_at > clock.now(),
            )
        ).first()
    if offer is None or (number is not None and number != offer.number):
        return None
    return Presented(offer.id, offer.product_id, offer.number, offer.assurance, None)
