"""Asking for a code. The whole way of one, with what `check.py` and the phone do:

product                      pushhub                              phone
  │ ask(number, purpose)        │                                    │
  │ ──────────────────────────→ │ code sealed, delivery queued       │
  │                             │ ── push (no code in it) ─────────→ │
  │                             │ ←── fetch, signed with its key ─── │  arms the code
  │ check(code)                 │                                    │
  │ ──────────────────────────→ │ 1 spend an attempt (committed)     │
  │                             │ 2 look at the code                 │
  │ ←────────────── approved ── │ 3 consume by a guarded UPDATE      │
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from pushhub.context import current
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import TEST_CHANNEL
from pushhub.devices.reachability import without_device
from pushhub.events.models import Tag
from pushhub.events.record import new_event
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock, idempotency
from pushhub.kernel.db import again_on_conflict, as_written, transaction, write_rows
from pushhub.kernel.errors import (
    NumberUnreachable,
    TooManyCodes,
    UnknownPurpose,
)
from pushhub.kernel.idempotency import Repeatable
from pushhub.kernel.ids import new_key
from pushhub.kernel.limits import CLIENT_CODES, address_subject, count_up
from pushhub.products.products import Caller, find_own
from pushhub.products.route import Step, chosen, written
from pushhub.products.rules import attempts_for
from pushhub.queueing.wake import wake_after_commit
from pushhub.verifications.ask_context import read_context, refuse_flood
from pushhub.verifications.lifecycle import close, codes_to
from pushhub.verifications.models import NewVerification, Verification, code_context, email_context
from pushhub.verifications.routing import RouteRequest, choose_channel, require_channel
from pushhub.verifications.rules import VerificationStatus, new_code


@dataclass(frozen=True, slots=True)
class Asked:
    """The pending verification for what was asked, and whether this request made it."""

    verification: Verification
    created: bool
    #: Whether an earlier request with the same Idempotency-Key made it.
    replayed: bool = False
    #: The deliveries of one that was just made; None where they have to be read.
    deliveries: list[Delivery] | None = None


@again_on_conflict
def ask(
    caller: Caller,
    number: PhoneNumber,
    purpose: str,
    *,
    locale: str = "ru",
    channels: list[str] | None = None,
    email: str | None = None,
    client_address: str | None = None,
    request: Repeatable | None = None,
) -> Asked:
    """Send a code to `number`, or return the verification that is under way for the same purpose.

    `channels` narrows or reorders the product's route for this code. `email` is the person's mailbox, for a route
    that has e-mail. `client_address` is the network address of the person's browser, where the product tells it.

    Raises `NumberNotAllowed`, `UnknownPurpose`, `ChannelNotInRoute`, `NumberUnreachable` (with `reason`),
    `TooManyCodes` (with `retry_at`), `IdempotencyKeyReused`.
    """
    caller.require_country(number)
    if purpose not in caller.policy.purposes:
        raise UnknownPurpose(purposes=list(caller.policy.purposes))
    steps = chosen(caller.policy.steps, channels)
    address = client_address if caller.live else None
    try:
        return _ask(caller, number, purpose, steps, locale, email, address, request)
    except (NumberUnreachable, TooManyCodes):
        if address is not None:  # the refusal has rolled back the count, and refusals are what a scan is made of
            with transaction() as session:
                count_up(session, CLIENT_CODES, address_subject(current().keyring, address))
        raise


def _ask(
    caller: Caller,
    number: PhoneNumber,
    purpose: str,
    steps: tuple[Step, ...],
    locale: str,
    email: str | None,
    client_address: str | None,
    repeatable: Repeatable | None,
) -> Asked:
    now = clock.now()
    with transaction(codes_to(number)) as session:
        before = idempotency.made_before(session, caller.product_id, repeatable)
        if before is not None:
            return Asked(find_own(session, caller, Verification, before), created=True, replayed=True)
        context = read_context(session, caller, number, purpose, now)
        if context.pending_id is not None:
            if context.pending_usable:
                idempotency.remember(session, caller.product_id, repeatable, context.pending_id)
                return Asked(find_own(session, caller, Verification, context.pending_id), created=False)
            # It can't be used any more, and no sweep has been by yet.
            end = VerificationStatus.EXPIRED if context.pending_late else VerificationStatus.EXHAUSTED
            close(session, context.pending_id, end)
        if client_address is not None:
            _count_client(session, client_address, now)
        if caller.live:
            refuse_flood(context.row, now)
        digits = context.digits(caller.policy)
        drawn = _draw(caller, number, purpose, steps, now, digits=digits, locale=locale, email=email)
        request = RouteRequest(drawn, caller.policy)
        routed = choose_channel(session, request, steps, 0, context.reach, now, asked=True)
        channel = require_channel(routed)
        # In a test it is checkable at once: no device will fetch it.
        armed_at = now if channel == TEST_CHANNEL else None
        made = replace(drawn, step=routed.step, escalate_at=routed.escalate_at, armed_at=armed_at)
        created = new_event(Tag.VERIFICATION_CREATED, made.id, caller.product_id, live=caller.live, purpose=purpose)
        write_rows(session, [made, *routed.deliveries, created, *routed.passed_over])
        wake_after_commit(session, channel)
        idempotency.remember(session, caller.product_id, repeatable, made.id)
        deliveries = [as_written(Delivery, delivery) for delivery in routed.deliveries]
        return Asked(as_written(Verification, made), created=True, deliveries=deliveries)


def decoy_ask(caller: Caller, number: PhoneNumber, purpose: str) -> None:
    """Do what `ask` does until it refuses a number that nothing reaches, so that this takes as long: for whoever must
    not be told by the clock that the number stands in for nobody's. Nothing is written or sent, whosever it is."""
    caller.require_country(number)
    now = clock.now()
    with transaction(codes_to(number)) as session:
        context = read_context(session, caller, number, purpose, now)
        digits = context.digits(caller.policy)
        _draw(caller, number, purpose, caller.policy.steps, now, digits=digits, locale="ru", email=None)
        without_device(session, number)


def _count_client(session: Session, client_address: str, now: datetime) -> None:
    """Raises `TooManyCodes` where one browser's address has asked for too many codes this hour."""
    if (
        count_up(session, CLIENT_CODES, address_subject(current().keyring, client_address))
        > current().settings.codes_per_client_per_hour
    ):
        raise TooManyCodes(
            "Too many codes were asked for from the network address in `client.ip`. Wait until `retry_at`.",
            retry_at=CLIENT_CODES.end(now),
        )


def _draw(
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
