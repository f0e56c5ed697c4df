"""Housekeeping: offers and codes expire, secrets of the past are erased, old counters forgotten.

Nothing depends on this for correctness: every rule looks at `expires_at` itself. It runs every few seconds in
each dispatcher, and running it twice at once does no harm.
"""

from __future__ import annotations

from datetime import timedelta

from pushhub.accounts import events
from pushhub.accounts.flows import captcha, flows, links
from pushhub.accounts.sessions import sessions, sign_in_throttle
from pushhub.binding import offers
from pushhub.devices import dpop
from pushhub.dispatcher import presence
from pushhub.kernel import idempotency, limits
from pushhub.kernel.db import transaction
from pushhub.mail import queue as mail
from pushhub.panels import panels
from pushhub.verifications import lifecycle
from pushhub.webhooks import queue as webhooks

_COUNTERS_KEPT = timedelta(days=31)
#: What each room forgets.
_SWEEPS = (
    presence.sweep,
    dpop.sweep,
    idempotency.sweep,
    webhooks.sweep,
    mail.sweep,
    captcha.sweep,
    panels.sweep,
    flows.sweep,
    sign_in_throttle.sweep,
    sessions.sweep,
    links.sweep,
    events.sweep,
)


def sweep() -> None:
    """One round."""
    lifecycle.expire_due()
    with transaction() as session:
        offers.expire_due(session)
        limits.sweep(session, _COUNTERS_KEPT)
        for forget in _SWEEPS:
            forget(session)
