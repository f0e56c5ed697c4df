"""What the page can do with a panel's secret: look, have an offer made, have the code sent, check what was typed.

Every call ends in a use case that the product itself could ask for, with the panel's number and purpose and no
others. The secret opens nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.binding import offers
from pushhub.binding.offers import ShownOffer
from pushhub.context import current
from pushhub.devices.models import OfferStatus
from pushhub.devices.reachability import Reachability, look_up_reachability
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.errors import NotFound, PanelOver, VerificationClosed
from pushhub.kernel.sealing import secret_digest
from pushhub.panels.models import Panel
from pushhub.panels.panels import status_of
from pushhub.panels.rules import SECRET_PREFIX, PanelStatus, binding_helps, way_to
from pushhub.products.models import Product
from pushhub.products.products import Caller
from pushhub.products.rules import Assurance, policy_from
from pushhub.verifications.ask import ask
from pushhub.verifications.check import check as check_code
from pushhub.verifications.lifecycle import find
from pushhub.verifications.models import Verification
from pushhub.verifications.resend import resend as resend_code
from pushhub.verifications.rules import VerificationStatus
from pushhub.verifications.rules import status_at as verification_status_at


@dataclass(frozen=True, slots=True)
class PanelSession:
    """A panel that is not over, and its product as the one who asks."""

    panel: Panel
    caller: Caller

    @property
    def number(self) -> PhoneNumber:
        return self.panel.number


@dataclass(frozen=True, slots=True)
class PanelView:
    """A panel at this moment, as far as its page may know."""

    panel: Panel
    product_name: str
    status: PanelStatus
    #: By what a code would go now (`push`, `sms`); None where nothing reaches the number or the panel only binds.
    way: str | None
    #: Why the app can't be reached; None where it can or the panel only binds.
    reason: str | None
    may_bind: bool
    offer: ShownOffer | None
    verification: Verification | None
    verification_status: VerificationStatus | None


def recognise(secret: str) -> PanelSession:
    """The panel with this secret. Raises `PanelOver` where there is none, and where it was closed or ran out."""
    if not secret.startswith(SECRET_PREFIX):
        raise PanelOver
    with reading() as session:
        row = session.execute(
            sa.select(Panel, Product)
            .join(Product, Product.id == Panel.product_id)
            .where(
                Panel.secret_digest == secret_digest(secret),
                Panel.closed_at.is_(None),
                Panel.expires_at > clock.now(),
            )
        ).first()
    if row is None:
        raise PanelOver
    panel, product = row
    # The panel stands where an API key would; it has no scope, and nothing here asks for one.
    caller = Caller(product.id, product.name, panel.id, panel.live, frozenset(), policy_from(product.policy))
    return PanelSession(panel, caller)


def look(visit: PanelSession) -> PanelView:
    """Everything that the panel shows."""
    panel, caller = visit.panel, visit.caller
    shown = _offer(visit)
    verification = find(caller, panel.verification_id) if panel.verification_id is not None else None
    bound = shown is not None and shown.status is OfferStatus.USED
    reach = _reach(visit)
    return PanelView(
        panel,
        caller.product_name,
        status_of(panel, bound=bound),
        way_to(caller.policy.steps, by_app=reach.reachable) if panel.purpose is not None else None,
        reach.reason,
        binding_helps(Assurance(panel.assurance), panel.purpose, caller.policy.proven_purposes),
        shown,
        verification,
        _shown_status(panel, verification) if verification is not None else None,
    )


def make_offer(visit: PanelSession) -> PanelSession:
    """Have an offer made, unless one is open already. Raises `VerificationClosed` once the code was right."""
    _refuse_approved(visit)
    shown, panel = _offer(visit), visit.panel
    if shown is not None and (
        shown.status is OfferStatus.PENDING or (shown.status is OfferStatus.USED and panel.purpose is None)
    ):
        return visit
    made = offers.create_offer(visit.caller, visit.number, assurance=Assurance(panel.assurance), locale=panel.locale)
    # Of two that were asked for at once the newer one has replaced the other, and keys grow with time.
    older = sa.or_(Panel.offer_id.is_(None), Panel.offer_id < made.offer.id)
    return _changed(visit, older, offer_id=made.offer.id)


def send(visit: PanelSession, *, address: str | None) -> PanelSession:
    """Have the code sent, or take the one that is under way. Raises what `pushhub.verifications.ask.ask` raises."""
    _refuse_approved(visit)
    panel = visit.panel
    if panel.purpose is None:
        raise NotFound("This panel only binds: it sends no codes.")
    asked = ask(visit.caller, visit.number, panel.purpose, locale=panel.locale, client_address=address)
    return _changed(visit, sa.true(), verification_id=asked.verification.id)


def resend(visit: PanelSession) -> PanelSession:
    """The same code once more. Raises what `pushhub.verifications.resend.resend` raises."""
    _refuse_approved(visit)
    resend_code(visit.caller, _verification_id(visit))
    return visit


def check(visit: PanelSession, code: str) -> tuple[PanelSession, bool]:
    """Whether this is the code; then the panel is approved, in the same transaction as the verification.

    Raises what `pushhub.verifications.check.check` raises, and `PanelOver` where the panel has ended meanwhile: then
    the code stays unused.
    """
    _refuse_approved(visit)
    checked = check_code(visit.caller, _verification_id(visit), code, with_approval=partial(_approve, visit.panel.id))
    return recognised_again(visit), checked.valid


def recognised_again(visit: PanelSession) -> PanelSession:
    """The panel as it is after a change. Raises `PanelOver`."""
    with reading() as session:
        panel = session.get(Panel, visit.panel.id, populate_existing=True)
    if panel is None:
        raise PanelOver
    return PanelSession(panel, visit.caller)


def link_on_this_device(link: str) -> str:
    """What a QR code holds, as a link for the phone that shows it and can't scan itself. The app in the browser is
    reached by the service's own scheme, also where that is http."""
    settings = current().settings
    return link if settings.app_link else settings.public_url + urlsplit(link)._replace(scheme="", netloc="").geturl()


def _approve(panel_id: UUID, session: Session) -> None:
    now = clock.now()
    approved = session.execute(
        sa.update(Panel)
        .where(Panel.id == panel_id, Panel.approved_at.is_(None), Panel.closed_at.is_(None), Panel.expires_at > now)
        .values(approved_at=now)
        .returning(Panel.id)
        .execution_options(synchronize_session=False)
    ).first()
    if approved is None:
        raise PanelOver


def _changed(visit: PanelSession, guard: sa.ColumnElement[bool], **values: UUID) -> PanelSession:
    """Write what the panel shows from now on. Raises `PanelOver` where it has ended meanwhile."""
    with transaction() as session:
        session.execute(
            sa.update(Panel)
            .where(Panel.id == visit.panel.id, Panel.closed_at.is_(None), guard)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        panel = session.get(Panel, visit.panel.id, populate_existing=True)
    if panel is None or panel.closed_at is not None:
        raise PanelOver
    return PanelSession(panel, visit.caller)


def _refuse_approved(visit: PanelSession) -> None:
    if visit.panel.approved_at is not None:
        raise VerificationClosed(verification_status=VerificationStatus.APPROVED)


def _verification_id(visit: PanelSession) -> UUID:
    if visit.panel.verification_id is None:
        raise NotFound("No code has been sent yet.")
    return visit.panel.verification_id


def _offer(visit: PanelSession) -> ShownOffer | None:
    if visit.panel.offer_id is None:
        return None
    return offers.show_offer(visit.caller, visit.panel.offer_id)


def _reach(visit: PanelSession) -> Reachability:
    """How the app on the panel's number is reached. A panel that only binds, and one of a test key, is told nothing
    about anybody."""
    if visit.panel.purpose is None or not visit.panel.live:
        return Reachability(None)
    return look_up_reachability(visit.number, proven=visit.panel.purpose in visit.caller.policy.proven_purposes)


def _shown_status(panel: Panel, verification: Verification) -> VerificationStatus:
    """How the code is doing here. One that was right in another page of the same product is no proof of this one."""
    status = verification_status_at(verification.status, verification.expires_at, clock.now())
    if status is VerificationStatus.APPROVED and panel.approved_at is None:
        return VerificationStatus.CANCELLED
    return status
