"""Making panels, looking at them and closing them: what the product's server does with its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.binding.offers import end_offer
from pushhub.context import current
from pushhub.devices.models import Offer, OfferStatus
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock, idempotency
from pushhub.kernel.db import again_on_conflict, reading, transaction
from pushhub.kernel.errors import AssuranceNotAllowed, UnknownPurpose
from pushhub.kernel.idempotency import Repeatable
from pushhub.kernel.ids import new_key
from pushhub.kernel.sealing import secret_digest
from pushhub.panels.models import Panel
from pushhub.panels.rules import KEPT, LIFE, LONG_ENOUGH, SECRET_PREFIX, PanelStatus
from pushhub.products.products import Caller, find_own
from pushhub.products.rules import Assurance


@dataclass(frozen=True, slots=True)
class ShownPanel:
    """A panel as its product sees it at this moment. The secret is there only where it was just made."""

    panel: Panel
    status: PanelStatus
    secret: str | None = field(default=None, repr=False)
    #: Whether an earlier request with the same Idempotency-Key made it.
    replayed: bool = False


@again_on_conflict
def create_panel(
    caller: Caller,
    number: PhoneNumber,
    *,
    purpose: str | None,
    assurance: Assurance = Assurance.ANONYMOUS_OFFER,
    locale: str = "ru",
    origin: str | None = None,
    offer_id: UUID | None = None,
    request: Repeatable | None = None,
) -> ShownPanel:
    """Make a panel for `number`; with `purpose` None it only binds. `offer_id` is an offer that it shows from the
    beginning.

    Raises `NumberNotAllowed`, `UnknownPurpose`, `AssuranceNotAllowed`, `IdempotencyKeyReused`.
    """
    caller.require_country(number)
    if purpose is not None and purpose not in caller.policy.purposes:
        raise UnknownPurpose(purposes=list(caller.policy.purposes))
    if assurance not in caller.policy.assurances:
        raise AssuranceNotAllowed(assurances=list(caller.policy.assurances))
    now, key = clock.now(), new_key()
    with transaction() as session:
        made = idempotency.made_before(session, caller.product_id, request)
        if made is not None:
            before = find_own(session, caller, Panel, made)
            return ShownPanel(before, _status(session, before), _secret_of(before.id), replayed=True)
        secret = _secret_of(key)
        panel = Panel(
            id=key,
            product_id=caller.product_id,
            number=number,
            live=caller.live,
            purpose=purpose,
            assurance=assurance,
            locale=locale,
            origin=origin,
            secret_digest=secret_digest(secret),
            offer_id=offer_id,
            created_at=now,
            expires_at=now + LIFE,
        )
        session.add(panel)
        session.flush()
        idempotency.remember(session, caller.product_id, request, key)
        return ShownPanel(panel, _status(session, panel), secret)


def show_panel(caller: Caller, panel_id: UUID) -> ShownPanel:
    """The caller's panel. Raises `NotFound`."""
    with reading() as session:
        panel = find_own(session, caller, Panel, panel_id)
        return ShownPanel(panel, _status(session, panel))


def close_panel(caller: Caller, panel_id: UUID) -> None:
    """End the caller's panel and its offer; one that has ended stays as it is. Raises `NotFound`.

    A code that is under way is left alone: it would only be sent anew, before its time, to whoever opens the next
    panel.
    """
    now = clock.now()
    with transaction() as session:
        find_own(session, caller, Panel, panel_id)
        closed = session.execute(
            sa.update(Panel)
            .where(Panel.id == panel_id, Panel.closed_at.is_(None), Panel.approved_at.is_(None), Panel.expires_at > now)
            .values(closed_at=now)
            .returning(Panel.offer_id)
            .execution_options(synchronize_session=False)
        ).first()
        if closed is not None and closed.offer_id is not None:
            end_offer(session, closed.offer_id, "cancelled")


def secret_showing(caller: Caller, offer: Offer, *, locale: str) -> str:
    """The secret of a panel that shows this offer and only binds: of one that is open for a while yet, or of a new one.
    So a page that is loaded again and again leaves one panel."""
    with reading() as session:
        known = session.scalar(
            sa.select(Panel.id)
            .where(
                Panel.offer_id == offer.id,
                Panel.product_id == caller.product_id,
                Panel.live == caller.live,
                Panel.purpose.is_(None),
                Panel.assurance == offer.assurance,
                Panel.locale == locale,
                Panel.origin.is_(None),
                Panel.closed_at.is_(None),
                Panel.expires_at > clock.now() + LONG_ENOUGH,
            )
            .order_by(Panel.id.desc())
            .limit(1)
        )
    if known is not None:
        return _secret_of(known)
    number, assurance = offer.number, Assurance(offer.assurance)
    made = create_panel(caller, number, purpose=None, assurance=assurance, locale=locale, offer_id=offer.id)
    return made.secret or ""


def end_signed_in(session: Session, product_id: UUID, number: PhoneNumber | None) -> None:
    """Close what was shown to somebody who was signed in with this number, in the transaction in which they are so no
    more: panels and offers that say `signed_in` take the number from its device, and must not outlive the session."""
    if number is None:
        return
    session.execute(
        sa.update(Panel)
        .where(
            Panel.product_id == product_id,
            Panel.number == number,
            Panel.assurance == Assurance.SIGNED_IN,
            Panel.closed_at.is_(None),
            Panel.expires_at > clock.now(),
        )
        .values(closed_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    pending = session.scalars(
        sa.select(Offer.id).where(
            Offer.product_id == product_id,
            Offer.number == number,
            Offer.assurance == Assurance.SIGNED_IN,
            Offer.status == OfferStatus.PENDING,
        )
    ).all()
    for offer_id in pending:
        end_offer(session, offer_id, "cancelled")


def sweep(session: Session) -> None:
    """Forget panels that nobody has a use for any more."""
    session.execute(sa.delete(Panel).where(Panel.expires_at < clock.now() - KEPT))


def _secret_of(panel_id: UUID) -> str:
    """The panel's secret: a keyed digest of its id, so that a repeated request gets the same one although the
    database holds only a digest of it."""
    return SECRET_PREFIX + current().keyring.lookup_digest("panel secret", str(panel_id))


def _status(session: Session, panel: Panel) -> PanelStatus:
    bound = panel.offer_id is not None and bool(
        session.scalar(sa.select(Offer.id).where(Offer.id == panel.offer_id, Offer.status == OfferStatus.USED))
    )
    return status_of(panel, bound=bound)


def status_of(panel: Panel, *, bound: bool) -> PanelStatus:
    """The status at this moment. What was reached (approved, or bound where no more was wanted) stays. `bound`: whether
    the offer that it shows was used."""
    if panel.approved_at is not None:
        return PanelStatus.APPROVED
    if bound and panel.purpose is None:
        return PanelStatus.BOUND
    if panel.closed_at is not None:
        return PanelStatus.CLOSED
    if panel.expires_at <= clock.now():
        return PanelStatus.EXPIRED
    return PanelStatus.BOUND if bound else PanelStatus.OPEN
