"""Ending a verification before its time, by the product."""

from __future__ import annotations

from uuid import UUID

from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.kernel import clock
from pushhub.kernel.db import transaction
from pushhub.kernel.errors import (
    VerificationClosed,
)
from pushhub.products.products import Caller
from pushhub.verifications.lifecycle import close, find_own
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus, status_at


def cancel(caller: Caller, verification_id: UUID) -> Verification:
    """End a verification; cancelling twice changes nothing. Raises `NotFound`, `VerificationClosed`."""
    with transaction() as session:
        if close(session, find_own(session, caller, verification_id).id, VerificationStatus.CANCELLED):
            record.record(session, Tag.VERIFICATION_CANCELLED, verification_id, caller.product_id, live=caller.live)
        verification = find_own(session, caller, verification_id)
        status = status_at(verification.status, verification.expires_at, clock.now())
        if status is not VerificationStatus.CANCELLED:
            raise VerificationClosed(verification_status=status)
        return verification
