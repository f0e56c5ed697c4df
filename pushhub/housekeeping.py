"""What time does to rows: offers and codes expire, secrets of the past are erased, old counters forgotten.

Nothing depends on this for correctness: every rule looks at `expires_at` itself. It runs every few seconds in
each dispatcher, and running it twice at once does no harm.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from pushhub import clock, events, idempotency, limits
from pushhub.binding import proofs
from pushhub.binding.models import Offer
from pushhub.binding.rules import OfferStatus
from pushhub.db import transaction
from pushhub.delivery.models import DispatcherBeat
from pushhub.events import Tag
from pushhub.verifications.lifecycle import expire_due

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
            .returning(Offer.id, Offer.product_id)
        ).all()
        for offer_id, product_id in expired:
            events.record(session, Tag.OFFER_EXPIRED, offer_id, product_id)
        session.execute(sa.delete(DispatcherBeat).where(DispatcherBeat.seen_at < clock.now() - _BEATS_KEPT))
        proofs.sweep(session)
        idempotency.sweep(session)
        limits.sweep(session, _COUNTERS_KEPT)
