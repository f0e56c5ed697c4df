"""A verification that is to be written, with the code that is drawn for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pushhub.context import current
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import NewRow
from pushhub.kernel.ids import new_key
from pushhub.products.products import Caller
from pushhub.products.route import Step, written
from pushhub.products.rules import attempts_for
from pushhub.verifications.models import Verification, code_context, email_context
from pushhub.verifications.rules import VerificationStatus, new_code


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerification(NewRow):
    """The row; the columns are explained in `pushhub.verifications.models`."""

    model = Verification
    id: UUID
    product_id: UUID
    number: PhoneNumber
    purpose: str
    live: bool
    status: VerificationStatus
    digits: int
    code_digest: str
    code_sealed: bytes
    code_push: str
    locale: str
    attempts_allowed: int
    attempts_used: int
    resends_left: int
    created_at: datetime
    expires_at: datetime
    resend_at: datetime
    route: list[str]
    step: int
    escalate_at: datetime | None
    email_sealed: bytes | None
    armed_at: datetime | None
    closed_at: datetime | None


def draw_verification(
    caller: Caller,
    number: PhoneNumber,
    purpose: str,
    steps: tuple[Step, ...],
    now: datetime,
    *,
    digits: int,
    locale: str,
    email: str | None,
) -> NewVerification:
    """A verification with a new code of so many digits, for which no channel has been chosen yet."""
    policy, keyring, key = caller.policy, current().keyring, new_key()
    code = new_code(digits) if caller.live else "0" * digits
    return NewVerification(
        id=key,
        product_id=caller.product_id,
        number=number,
        purpose=purpose,
        live=caller.live,
        status=VerificationStatus.PENDING,
        digits=digits,
        code_digest=keyring.code_digest(code, code_context(key)),
        code_sealed=keyring.seal(code, code_context(key)),
        code_push=str(policy.code_push),
        locale=locale,
        attempts_allowed=attempts_for(digits),
        attempts_used=0,
        resends_left=policy.resends,
        created_at=now,
        expires_at=now + policy.code_life,
        resend_at=now + policy.resend_after,
        route=written(steps),
        step=0,
        escalate_at=None,
        email_sealed=keyring.seal(email, email_context(key)) if email is not None else None,
        armed_at=None,
        closed_at=None,
    )
