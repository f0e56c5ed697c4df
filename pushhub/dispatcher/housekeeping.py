"""What time does to rows: offers and codes expire, secrets of the past are erased, old counters forgotten.

Nothing depends on this for correctness: every rule looks at `expires_at` itself. It runs every few seconds in
each dispatcher, and running it twice at once does no harm.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from pushhub.accounts.flows import captcha, flows
from pushhub.accounts.sessions import sign_in as accounts
from pushhub.delivery.models import DispatcherBeat
from pushhub.devices import dpop
from pushhub.devices.models import Offer, OfferStatus
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.kernel import clock, idempotency, limits
from pushhub.kernel.db import transaction
from pushhub.mail import queue as letters
from pushhub.panels import panels as panels
from pushhub.verifications.lifecycle import expire_due
from pushhub.webhooks import queue as webhooks

_COUNTERS_KEPT = timedelta(days=31)
_BEATS_KEPT = timedelta(days=1)


def sweep() -> None:
    """One round."""
    expire_due()
    with transaction() as session:
        expired = session.execute(
            sa.update(Offer)
            .where(Offer.status == OfferStatus.PENDING, Offer.expires_at <= clock.now())
            .values(status=OfferStatus.EXPIRED, totp_secret=b"", qr_secret=b"")
            .returning(Offer.id, Offer.product_id, Offer.live)
        ).all()
        for offer_id, product_id, live in expired:
            record.record(session, Tag.OFFER_EXPIRED, offer_id, product_id, live=live)
        session.execute(sa.delete(DispatcherBeat).where(DispatcherBeat.seen_at < clock.now() - _BEATS_KEPT))
        dpop.sweep(session)
        idempotency.sweep(session)
        limits.sweep(session, _COUNTERS_KEPT)
        webhooks.sweep(session)
        letters.sweep(session)
        captcha.sweep(session)
        panels.sweep(session)
        flows.sweep(session)
        accounts.sweep(session)
