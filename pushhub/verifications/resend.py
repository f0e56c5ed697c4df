"""Sending a code once more: the same code, with the same expiry and the same attempts."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

import sqlalchemy as sa

from pushhub.delivery.models import Delivery
from pushhub.devices.reachability import reachability_of
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.kernel import clock
from pushhub.kernel.db import advisory_lock, transaction, write_rows
from pushhub.kernel.errors import PushhubError, ResendLimitReached, ResendTooEarly, VerificationClosed
from pushhub.products.products import Caller, find_own
from pushhub.products.route import read_route
from pushhub.queueing.wake import wake_after_commit
from pushhub.verifications.ask_context import read_flood, refuse_flood
from pushhub.verifications.lifecycle import codes_to, expire_waiting
from pushhub.verifications.models import Verification
from pushhub.verifications.routing import RouteRequest, choose_channel, require_channel
from pushhub.verifications.rules import VerificationStatus, status_at


def resend(caller: Caller, verification_id: UUID) -> Verification:
    """Send the same code once more by the channel it has come to; expiry and attempts stay as they are.

    Raises `NotFound`, `VerificationClosed`, `ResendTooEarly` (with `retry_at`), `ResendLimitReached`,
    `TooManyCodes`, `NumberUnreachable`.
    """
    now = clock.now()
    with transaction() as session:
        verification = find_own(session, caller, Verification, verification_id)
        number = verification.number
        if caller.live:
            advisory_lock(session, codes_to(number))
        taken = session.scalar(
            sa.update(Verification)
            .where(
                Verification.id == verification.id,
                Verification.status == VerificationStatus.PENDING,
                Verification.expires_at > now,
                Verification.resend_at <= now,
                Verification.resends_left > 0,
            )
            .values(resend_at=now + caller.policy.resend_after, resends_left=Verification.resends_left - 1)
            .returning(Verification)
            .execution_options(populate_existing=True)
        )
        if taken is None:
            raise _why_not(verification, now)
        if caller.live:
            refuse_flood(read_flood(session, number), now)
        request = RouteRequest(taken, caller.policy)
        reach = partial(reachability_of, session, number, proven=request.proven)
        steps = read_route(tuple(taken.route))
        routed = choose_channel(session, request, steps, taken.step, reach, now, asked=True)
        channel = require_channel(routed)
        taken.step, taken.escalate_at = routed.step, routed.escalate_at
        session.flush()
        # What still waits from before is not sent as well: one request, one message.
        expire_waiting(session, "replaced", Delivery.verification_id == taken.id)
        write_rows(session, routed.rows())
        wake_after_commit(session, channel)
        record.record(session, Tag.VERIFICATION_RESENT, taken.id, caller.product_id, live=caller.live, channel=channel)
        return taken


def _why_not(verification: Verification, now: datetime) -> PushhubError:
    status = status_at(verification.status, verification.expires_at, now)
    if status is not VerificationStatus.PENDING:
        return VerificationClosed(verification_status=status)
    if verification.resends_left <= 0:
        return ResendLimitReached(expires_at=clock.rfc3339(verification.expires_at))
    return ResendTooEarly(retry_at=verification.resend_at)
