"""Codes whose channel had its time, or failed, go on to the next one of their route."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import CIRCUIT_OPEN, DeliveryStatus
from pushhub.devices.reachability import reachability_of
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.kernel import clock
from pushhub.kernel.db import reading, skip_locked, transaction, write_rows
from pushhub.kernel.errors import ConfigurationError
from pushhub.products.models import Product
from pushhub.products.route import read_route
from pushhub.products.rules import Policy, policy_from
from pushhub.queueing.wake import wake_after_commit
from pushhub.verifications.models import Verification
from pushhub.verifications.routing import RouteRequest, choose_channel
from pushhub.verifications.rules import VerificationStatus

log = logging.getLogger(__name__)

_MOST = 200
_TRY_AGAIN = timedelta(seconds=10)


def escalate_due() -> int:
    """Send what is due by its next channel; any number of dispatchers may do this at once. Returns how many
    codes were looked at."""
    now = clock.now()
    found = sa.select(Verification.id).where(Verification.escalate_at.is_not(None), Verification.escalate_at <= now)
    due = skip_locked(found.order_by(Verification.escalate_at).limit(_MOST)).cte("due")
    with reading() as session:  # most of the time nothing is due, and that costs no write
        if session.scalar(found.limit(1)) is None:
            return 0
    with transaction() as session:
        looked_at = session.scalars(
            sa.update(Verification)
            .where(Verification.id == due.c.id, Verification.escalate_at <= now)
            .values(escalate_at=None)
            .returning(Verification)
            .execution_options(synchronize_session=False)
        ).all()
        if not looked_at:  # another dispatcher was faster
            return 0
        products = {verification.product_id for verification in looked_at}
        kept = session.execute(sa.select(Product.id, Product.policy).where(Product.id.in_(products)))
        policies = dict(kept.all())
        # By product, so that two dispatchers take the counters of paid messages in the same order.
        for verification in sorted(looked_at, key=lambda each: each.product_id):
            if verification.status == VerificationStatus.PENDING and verification.expires_at > now:
                _one(session, verification, policies[verification.product_id])
    return len(looked_at)


def _one(session: Session, verification: Verification, policy: Mapping[str, object]) -> None:
    """One code; what is wrong with it (a stored route or policy that can't be read any more) holds up no other."""
    try:
        with session.begin_nested():
            _go_on(session, verification, policy_from(policy))
    except (ConfigurationError, ValueError, LookupError) as problem:
        log.error(
            "a code can't go on", extra={"verification_id": str(verification.id), "cause": type(problem).__name__}
        )


def _stay(session: Session, verification: Verification, reason: str | None, now: datetime) -> None:
    """Leave the code where it is, for no other place can have it. What was given up only because there seemed to be a
    better way is tried again."""
    down = sa.or_(
        Delivery.error == CIRCUIT_OPEN,  # which left no attempt
        sa.exists().where(Attempt.delivery_id == Delivery.id, Attempt.outcome == "channel_down"),
    )
    session.execute(
        sa.update(Delivery)
        .where(Delivery.verification_id == verification.id, Delivery.status == DeliveryStatus.FAILED, down)
        .values(status=DeliveryStatus.QUEUED, claimable_at=now + _TRY_AGAIN, changed_at=now)
        .execution_options(synchronize_session=False)
    )
    record.record(
        session, Tag.VERIFICATION_UNDELIVERABLE, verification.id, verification.product_id, reason=reason or "no_channel"
    )


def _go_on(session: Session, verification: Verification, policy: Policy) -> None:
    now = clock.now()
    steps = read_route(tuple(verification.route))
    left = steps[verification.step].channel
    request = RouteRequest(verification, policy)
    reach = partial(reachability_of, session, verification.number, proven=request.proven)
    routed = choose_channel(session, request, steps, verification.step + 1, reach, now, asked=False)
    write_rows(session, routed.rows())
    if routed.channel is None:
        _stay(session, verification, routed.reason, now)
        return
    verification.step, verification.escalate_at = routed.step, routed.escalate_at
    session.flush()
    record.record(
        session,
        Tag.VERIFICATION_ESCALATED,
        verification.id,
        verification.product_id,
        channel=routed.channel,
        after=left,
    )
    wake_after_commit(session, routed.channel)
