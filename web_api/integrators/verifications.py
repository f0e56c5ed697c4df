"""Confirmation codes: ask, check, resend, cancel, look."""

from __future__ import annotations

from typing import Any

from pushhub.delivery.history import DeliveryHistory, history_of
from pushhub.delivery.models import Delivery
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock, errors
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.products.rules import Scope
from pushhub.verifications.ask import ask as ask_for_code
from pushhub.verifications.check import check as check_code
from pushhub.verifications.lifecycle import cancel as cancel_verification
from pushhub.verifications.lifecycle import find
from pushhub.verifications.models import Verification
from pushhub.verifications.resend import resend as resend_code
from pushhub.verifications.rules import VerificationStatus, status_at
from web_api.integrators import schemas
from web_api.integrators.caller import operations, repeatable, replay_header, the_caller

face = operations("verifications", __name__, "Confirmation codes")


@face.operation(
    "POST",
    "",
    body=schemas.NewVerification,
    answer=schemas.Verification,
    status=201,
    also={200: schemas.Verification},
    repeatable=True,
    refuses=[
        errors.NumberInvalid,
        errors.NumberNotAllowed,
        errors.UnknownPurpose,
        errors.ChannelNotInRoute,
        errors.NumberUnreachable,
        errors.TooManyCodes,
    ],
)
def ask(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Send a code to a number. While one is under way for the same purpose, that one is returned (200)"""
    client = body["client"] or {}
    asked = ask_for_code(
        the_caller(Scope.VERIFICATIONS),
        PhoneNumber.parse(body["number"]),
        body["purpose"],
        locale=body["locale"],
        channels=body["channels"],
        email=body["email"],
        client_address=str(client["ip"]) if client.get("ip") else None,
        request=repeatable(),
    )
    document = verification_document(asked.verification, asked.deliveries)
    return document, 201 if asked.created else 200, replay_header(asked.replayed)


@face.operation("GET", "/<verification_id>", answer=schemas.Verification)
def show(verification_id: str) -> dict[str, Any]:
    """The verification with every delivery and every try, with their times"""
    caller = the_caller(Scope.VERIFICATIONS)
    return verification_document(find(caller, parse_id(Prefix.VERIFICATION, verification_id)))


@face.operation(
    "POST",
    "/<verification_id>/check",
    body=schemas.Typed,
    answer=schemas.CheckResult,
    refuses=[errors.NotArmed, errors.CodeMalformed],
)
def check(body: dict[str, Any], verification_id: str) -> dict[str, Any]:
    """Whether this is the code. Each look costs an attempt; the right code counts once"""
    checked = check_code(the_caller(Scope.VERIFICATIONS), parse_id(Prefix.VERIFICATION, verification_id), body["code"])
    return {"valid": checked.valid, "status": checked.status, "attempts_left": checked.attempts_left}


@face.operation(
    "POST",
    "/<verification_id>/resend",
    answer=schemas.Verification,
    refuses=[
        errors.VerificationClosed,
        errors.ResendTooEarly,
        errors.ResendLimitReached,
        errors.TooManyCodes,
        errors.NumberUnreachable,
    ],
)
def resend(verification_id: str) -> dict[str, Any]:
    """Send the same code once more; its expiry and attempts stay as they are"""
    caller = the_caller(Scope.VERIFICATIONS)
    return verification_document(resend_code(caller, parse_id(Prefix.VERIFICATION, verification_id)))


@face.operation(
    "POST",
    "/<verification_id>/cancel",
    answer=schemas.Verification,
    refuses=[errors.VerificationClosed],
)
def cancel(verification_id: str) -> dict[str, Any]:
    """End the verification; its code is worthless from now on"""
    caller = the_caller(Scope.VERIFICATIONS)
    return verification_document(cancel_verification(caller, parse_id(Prefix.VERIFICATION, verification_id)))


def verification_document(verification: Verification, fresh: list[Delivery] | None = None) -> dict[str, Any]:
    """A verification as a product sees it. `fresh` are its deliveries, where they were just made."""
    deliveries = history_of(verification.id) if fresh is None else [DeliveryHistory(row, []) for row in fresh]
    status = status_at(verification.status, verification.expires_at, clock.now())
    attempts_left = verification.attempts_allowed - verification.attempts_used
    return {
        "id": public_id(Prefix.VERIFICATION, verification.id),
        "status": status,
        "live": verification.live,
        "purpose": verification.purpose,
        "number_masked": verification.number.masked,
        "digits": verification.digits,
        "route": verification.route,
        "next_channel_at": verification.escalate_at,
        "armed": verification.armed_at is not None,
        "created_at": verification.created_at,
        "expires_at": verification.expires_at,
        "resend_at": verification.resend_at,
        "resends_left": verification.resends_left,
        "attempts_left": attempts_left if status is VerificationStatus.PENDING else 0,
        "deliveries": [_delivery_document(history) for history in deliveries],
    }


def _delivery_document(history: DeliveryHistory) -> dict[str, Any]:
    delivery = history.delivery
    document = {
        "id": public_id(Prefix.DELIVERY, delivery.id),
        "channel": delivery.channel,
        "status": delivery.status,
        "at": delivery.changed_at,
        "created_at": delivery.created_at,
        "received_at": delivery.received_at,
        "seen_at": delivery.seen_at,
        "attempts": history.attempts,
    }
    return document | ({"error": delivery.error} if delivery.error else {})
