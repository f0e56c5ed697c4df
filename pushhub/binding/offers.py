"""Making, showing and cancelling offers: what a product does before a device can be bound."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from pushhub.binding.rules import password_at, qr_link, step_end, step_of
from pushhub.context import current
from pushhub.devices.models import Binding, Offer, OfferStatus
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock, idempotency
from pushhub.kernel.db import again_on_conflict, reading, transaction
from pushhub.kernel.errors import AssuranceNotAllowed
from pushhub.kernel.idempotency import Repeatable
from pushhub.kernel.ids import new_key
from pushhub.kernel.sealing import secret_digest
from pushhub.kernel.settings import Settings
from pushhub.products.products import Caller, find_own
from pushhub.products.rules import Assurance

_WITH_BINDING = joinedload(Offer.binding).joinedload(Binding.device)


@dataclass(frozen=True, slots=True)
class ShownOffer:
    """An offer as the product sees it at this moment. Password and link are there only while it is pending."""

    offer: Offer
    status: OfferStatus
    password: str | None = field(repr=False)
    password_changes_at: datetime | None
    link: str | None = field(repr=False)
    binding: Binding | None
    #: Whether an earlier request with the same Idempotency-Key made it.
    replayed: bool = False


@again_on_conflict
def create_offer(
    caller: Caller,
    number: PhoneNumber,
    *,
    assurance: Assurance = Assurance.ANONYMOUS_OFFER,
    locale: str = "ru",
    request: Repeatable | None = None,
) -> ShownOffer:
    """Make an offer for `number`; the product's earlier pending offer for it ends.

    Raises `NumberNotAllowed`, `AssuranceNotAllowed`, `IdempotencyKeyReused`.
    """
    caller.require_country(number)
    if assurance not in caller.policy.assurances:
        raise AssuranceNotAllowed(assurances=list(caller.policy.assurances))
    now = clock.now()
    with transaction() as session:
        made = idempotency.made_before(session, caller.product_id, request)
        if made is not None:
            return _shown(find_own(session, caller, Offer, made, _WITH_BINDING), replayed=True)
        _cancel_pending(session, caller, number, now)
        offer = _new_offer(caller, number, assurance, locale, now)
        session.add(offer)
        session.flush()
        record.record(session, Tag.OFFER_CREATED, offer.id, caller.product_id, live=caller.live, assurance=assurance)
        idempotency.remember(session, caller.product_id, request, offer.id)
    return _shown(offer)


def show_offer(caller: Caller, offer_id: UUID) -> ShownOffer:
    """The caller's offer with the password of this moment. Raises `NotFound`."""
    with reading() as session:
        return _shown(find_own(session, caller, Offer, offer_id, _WITH_BINDING))


def cancel_offer(caller: Caller, offer_id: UUID) -> None:
    """End the caller's offer; one that has ended already stays as it is. Raises `NotFound`."""
    with transaction() as session:
        find_own(session, caller, Offer, offer_id)
        end_offer(session, offer_id, "cancelled")


def expire_due(session: Session) -> None:
    """Take offers whose time ran out to `expired` and erase their secrets."""
    expired = session.execute(
        sa.update(Offer)
        .where(Offer.status == OfferStatus.PENDING, Offer.expires_at <= clock.now())
        .values(status=OfferStatus.EXPIRED, totp_secret=b"", qr_secret=b"")
        .returning(Offer.id, Offer.product_id, Offer.live)
    ).all()
    for offer_id, product_id, live in expired:
        record.record(session, Tag.OFFER_EXPIRED, offer_id, product_id, live=live)


def end_offer(session: Session, offer_id: UUID, reason: str) -> None:
    """Cancel a pending offer, destroy its secrets and tell its product; one that has ended already stays as it is."""
    ended = session.execute(
        sa.update(Offer)
        .where(Offer.id == offer_id, Offer.status == OfferStatus.PENDING)
        .values(status=OfferStatus.CANCELLED, closed_reason=reason, totp_secret=b"", qr_secret=b"")
        .returning(Offer.product_id, Offer.live)
    ).first()
    if ended is not None:
        record.record(session, Tag.OFFER_CANCELLED, offer_id, ended.product_id, live=ended.live, reason=reason)


def _cancel_pending(session: Session, caller: Caller, number: PhoneNumber, now: datetime) -> None:
    replaced = session.execute(
        sa.update(Offer)
        .where(
            Offer.product_id == caller.product_id,
            Offer.number == number,
            Offer.live == caller.live,
            Offer.status == OfferStatus.PENDING,
        )
        .values(
            status=sa.case((Offer.expires_at > now, OfferStatus.CANCELLED), else_=OfferStatus.EXPIRED),
            closed_reason=sa.case((Offer.expires_at > now, "replaced"), else_=None),
            totp_secret=b"",
            qr_secret=b"",
        )
        .returning(Offer.id, Offer.status)
    )
    for offer_id, status in replaced.all():
        if status == OfferStatus.EXPIRED:
            record.record(session, Tag.OFFER_EXPIRED, offer_id, caller.product_id, live=caller.live)
        else:
            record.record(
                session, Tag.OFFER_CANCELLED, offer_id, caller.product_id, live=caller.live, reason="replaced"
            )


def _new_offer(caller: Caller, number: PhoneNumber, assurance: Assurance, locale: str, now: datetime) -> Offer:
    settings, keyring, offer_id = current().settings, current().keyring, new_key()
    qr_secret = secrets.token_urlsafe(16)
    return Offer(
        id=offer_id,
        product_id=caller.product_id,
        number=number,
        live=caller.live,
        status=OfferStatus.PENDING,
        assurance=assurance,
        locale=locale,
        totp_secret=keyring.seal(pyotp.random_base32(), totp_context(offer_id)),
        qr_secret=keyring.seal(qr_secret, _qr_context(offer_id)),
        qr_digest=secret_digest(qr_secret),
        step_seconds=settings.offer_step_seconds,
        tries=0,
        created_at=now,
        expires_at=now + timedelta(seconds=settings.offer_seconds),
    )


def _shown(offer: Offer, *, replayed: bool = False) -> ShownOffer:
    now, keyring = clock.now(), current().keyring
    status = OfferStatus(offer.status)
    if status is OfferStatus.PENDING and offer.expires_at <= now:
        status = OfferStatus.EXPIRED
    if status is not OfferStatus.PENDING:
        binding = offer.binding if status is OfferStatus.USED else None
        return ShownOffer(offer, status, None, None, None, binding, replayed)
    totp_secret = keyring.unseal(offer.totp_secret, totp_context(offer.id))
    return ShownOffer(
        offer,
        status,
        password_at(totp_secret, step_of(now, offer.step_seconds)),
        step_end(now, offer.step_seconds),
        qr_link(app_link(current().settings), keyring.unseal(offer.qr_secret, _qr_context(offer.id))),
        None,
        replayed,
    )


def app_link(settings: Settings) -> str:
    """The link that opens the app; every QR code of this installation begins with it."""
    # Phones open only https links in an app, so the link is https even where a service on this very machine
    # is served by http: the app reads the link, it does not fetch it.
    return settings.app_link or f"https://{urlsplit(settings.public_url).netloc}/app/bind"


def totp_context(offer_id: UUID) -> str:
    """The context under which an offer's TOTP secret is sealed."""
    return f"offer-totp:{offer_id}"


def _qr_context(offer_id: UUID) -> str:
    return f"offer-qr:{offer_id}"
