"""Proving that one has the number on file: a code from the app or, first, binding a device to the number.

The cabinet asks the same use cases as any product. Where nobody has the identifier that was typed, a number that is
nobody's stands in, so that the pages look the same: its offers bind nobody, its codes go nowhere and are never right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from pushhub.accounts.models import Account
from pushhub.accounts.sign_in_identifiers import Identifier
from pushhub.binding import offers
from pushhub.binding.offers import ShownOffer
from pushhub.channels.channel_table import READABLE, Receiver, receiver_of
from pushhub.context import current
from pushhub.delivery.history import latest_channel_of
from pushhub.devices.models import OfferStatus
from pushhub.devices.reachability import look_up_reachability
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.errors import CodeMalformed, NotArmed, NotFound, NumberUnreachable, TooManyCodes
from pushhub.kernel.limits import Window, address_subject, count_up, counted, room_from
from pushhub.products.products import Caller
from pushhub.products.route import PUSH, way_without_app
from pushhub.products.rules import Assurance
from pushhub.verifications.ask import ask, decoy_ask
from pushhub.verifications.check import check as check_code
from pushhub.verifications.lifecycle import find
from pushhub.verifications.models import Verification
from pushhub.verifications.resend import resend as resend_code
from pushhub.verifications.rules import VerificationStatus, can_be_code, status_at

#: Codes for one identifier and for one browser's address. They are a little tighter than those of a number, so
#: that the limit that is met first is the same with an account as without one.
_CODES_ASKED = Window("cabinet_codes", timedelta(minutes=10))
_CODES_BY_ADDRESS = Window("cabinet_client", timedelta(hours=1))
#: The number is bound, but not by its owner for certain (one of `devices.reachability.REASONS`).
TOO_LOW = "assurance_too_low"
_PREFIXES = ("701", "702", "705", "707", "747", "771", "775", "777", "778")


@dataclass(frozen=True, slots=True)
class ProofSubject:
    """Who has to prove what. `real` is False where the number is nobody's."""

    identifier: Identifier
    number: PhoneNumber
    real: bool
    purpose: str
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No code can be sent; `reason` is one of `devices.reachability.REASONS`."""

    reason: str


class CodeVerdict(StrEnum):
    """The verdict on a typed code."""

    RIGHT = "right"
    WRONG = "wrong"
    #: The code has not been opened on the phone yet.
    NOT_OPENED = "not_opened"
    #: Not so many digits.
    MALFORMED = "malformed"
    #: Wrong too often, out of time, or used.
    OVER = "over"


@dataclass(frozen=True, slots=True)
class CheckedProof:
    answer: CodeVerdict
    attempts_left: int = 0
    digits: int = 4
    status: VerificationStatus = VerificationStatus.PENDING


def proof_subject(identifier: Identifier, account: Account | None, purpose: str) -> ProofSubject:
    """The subject of whoever typed this identifier, with or without an account."""
    on_file = account.number if account is not None else None
    number = on_file if on_file is not None else _stand_in_number(identifier)
    return ProofSubject(identifier, number, on_file is not None, purpose, Assurance.ANONYMOUS_OFFER)


def send(
    caller: Caller, subject: ProofSubject, *, locale: str, address: str | None, proven: bool = False
) -> Verification | Unreachable:
    """Send a code to the subject's number, or return the one that is under way. With `proven` none is sent to a device
    that anybody could have bound.

    Raises `TooManyCodes` with `retry_at`.
    """
    digest, from_address = _refuse_flood(subject, address)
    if proven and at_an_unproven_device(subject):
        return Unreachable(TOO_LOW)
    if not subject.real and not stand_in_looks_bound(subject) and way_without_app(caller.policy.steps) is None:
        decoy_ask(caller, subject.number, subject.purpose)
        return Unreachable(_apparent_reason(subject))
    try:
        asked = ask(_speaker(caller, subject), subject.number, subject.purpose, locale=locale)
    except NumberUnreachable as refusal:
        return Unreachable(str(refusal.members.get("reason", "never_bound")))
    if asked.created:
        with transaction() as session:
            count_up(session, _CODES_ASKED, digest)
            if from_address is not None:
                count_up(session, _CODES_BY_ADDRESS, from_address)
    return asked.verification


def at_an_unproven_device(subject: ProofSubject) -> bool:
    """Whether the number is bound by an offer that anybody could have opened, and so a code tells nothing of who typed
    it. A number that leaves its device takes its codes along (`verifications.lifecycle.cancel_codes_of`), so where this
    is not so, no such device has seen the code that is under way."""
    return look_up_reachability(subject.number, proven=True).reason == TOO_LOW and subject.real


def look(caller: Caller, subject: ProofSubject, verification_id: UUID) -> tuple[Verification, VerificationStatus]:
    """The verification and its status at this moment. Raises `NotFound`."""
    found = find(_speaker(caller, subject), verification_id)
    return found, status_at(found.status, found.expires_at, clock.now())


def place_of(caller: Caller, subject: ProofSubject, verification: Verification) -> str:
    """Where the code can be read by now: `app`, `sms` or `email`."""
    channel = latest_channel_of(verification.id)  # read for a stand-in, too: its page takes as long
    if subject.real:
        return channel if channel in READABLE else "app"
    return _apparent_place(caller, subject, clock.now() - verification.created_at)


def resend(caller: Caller, subject: ProofSubject, verification_id: UUID) -> Verification:
    """The same code once more. Raises what `pushhub.verifications.resend.resend` raises."""
    return resend_code(_speaker(caller, subject), verification_id)


def check(caller: Caller, subject: ProofSubject, verification_id: UUID, code: str) -> CheckedProof:
    """What the typed code is; right at most once. Raises `NotFound`."""
    if not subject.real:
        return _check_nothing(caller, subject, verification_id, code)
    try:
        found = check_code(caller, verification_id, code)
    except CodeMalformed as refusal:
        return CheckedProof(CodeVerdict.MALFORMED, digits=int(refusal.members["digits"]))
    except NotArmed:
        return CheckedProof(CodeVerdict.NOT_OPENED)
    if found.valid:
        return CheckedProof(CodeVerdict.RIGHT, status=found.status)
    if found.status is VerificationStatus.PENDING:
        return CheckedProof(CodeVerdict.WRONG, attempts_left=found.attempts_left)
    return CheckedProof(CodeVerdict.OVER, status=found.status)


def offer(
    caller: Caller, subject: ProofSubject, offer_id: UUID | None, *, locale: str, again_if_used: bool = False
) -> ShownOffer:
    """The offer that is shown already, or a new one where there is none or it has ended. One that was used goes on
    being shown, unless it is to be followed by another."""
    speaker = _speaker(caller, subject)
    good = (OfferStatus.PENDING,) if again_if_used else (OfferStatus.PENDING, OfferStatus.USED)
    if offer_id is not None:
        shown = look_at_offer(caller, subject, offer_id)
        if shown is not None and shown.status in good and shown.offer.number == subject.number:
            return shown
    return offers.create_offer(speaker, subject.number, assurance=subject.assurance, locale=locale)


def look_at_offer(caller: Caller, subject: ProofSubject, offer_id: UUID) -> ShownOffer | None:
    """The offer at this moment, if there is one with this id."""
    try:
        return offers.show_offer(_speaker(caller, subject), offer_id)
    except NotFound:
        return None


def _speaker(caller: Caller, subject: ProofSubject) -> Caller:
    """For a number that is nobody's the product speaks as with a test key, which reaches nobody."""
    return caller if subject.real else replace(caller, live=False)


def _check_nothing(caller: Caller, subject: ProofSubject, verification_id: UUID, code: str) -> CheckedProof:
    """What a check says while nobody opens the code on a phone: here nobody ever does. Where the code would have gone
    on to a channel in which it can be read, what is typed is looked at and wrong."""
    found, status = look(caller, subject, verification_id)
    if not can_be_code(code, found.digits):
        return CheckedProof(CodeVerdict.MALFORMED, digits=found.digits)
    if place_of(caller, subject, found) in READABLE and status is VerificationStatus.PENDING:
        looked = check_code(_speaker(caller, subject), verification_id, code)
        if looked.status is VerificationStatus.PENDING:
            return CheckedProof(CodeVerdict.WRONG, attempts_left=looked.attempts_left)
        return CheckedProof(CodeVerdict.OVER, status=VerificationStatus.EXHAUSTED)
    if status is VerificationStatus.PENDING:
        return CheckedProof(CodeVerdict.NOT_OPENED)
    return CheckedProof(CodeVerdict.OVER, status=status)


def _refuse_flood(subject: ProofSubject, address: str | None) -> tuple[str, str | None]:
    settings, now = current().settings, clock.now()
    from_address = address_subject(current().keyring, address) if address is not None else None
    with reading() as session:
        codes_a_day = max(1, settings.codes_per_day - 1)
        again_at = room_from(session, _CODES_ASKED, subject.identifier.digest, timedelta(days=1), codes_a_day)
        (lately,) = counted(session, _CODES_ASKED, subject.identifier.digest, _CODES_ASKED.length)
        (by_address,) = (
            counted(session, _CODES_BY_ADDRESS, from_address, _CODES_BY_ADDRESS.length) if from_address else (0,)
        )
    if lately >= max(1, settings.codes_per_10_minutes - 1):
        raise TooManyCodes(retry_at=_CODES_ASKED.end(now))
    if again_at is not None:
        raise TooManyCodes(retry_at=again_at)
    if by_address >= settings.codes_per_client_per_hour:
        raise TooManyCodes(retry_at=_CODES_BY_ADDRESS.end(now))
    return subject.identifier.digest, from_address


def _stand_in_number(identifier: Identifier) -> PhoneNumber:
    """A number for an identifier without an account: always the same, and like anybody's."""
    chance = int(current().keyring.lookup_digest("stand-in number", identifier.digest)[:15], 16)
    prefix = _PREFIXES[chance % len(_PREFIXES)]
    return PhoneNumber.trusted(f"+7{prefix}{chance // len(_PREFIXES) % 10_000_000:07d}")


def _apparent_place(caller: Caller, subject: ProofSubject, age: timedelta) -> str:
    """Where the code of a stand-in looks to be after so long, by the product's route."""
    without_app = way_without_app(caller.policy.steps)
    for step in caller.policy.steps:
        if receiver_of(step.channel) is Receiver.MAILBOX or (
            step.channel == PUSH and not stand_in_looks_bound(subject)
        ):
            continue
        if step.patience is None or age < step.patience or without_app is None:
            return step.channel if step.channel in READABLE else "app"
        age -= step.patience
    return without_app or "app"


def _apparent_reason(subject: ProofSubject) -> str:
    """Why a stand-in looks as if nothing reached it: mostly, as with real numbers, because no app was ever bound."""
    chance = int(current().keyring.lookup_digest("stand-in reason", subject.identifier.digest)[0], 16)
    return {0: "unbound", 1: "push_target_dead", 2: "notifications_off"}.get(chance, "never_bound")


def stand_in_looks_bound(subject: ProofSubject) -> bool:
    """Whether the stand-in looks as if a device were bound to it."""
    return int(current().keyring.lookup_digest("stand-in device", subject.identifier.digest)[0], 16) % 2 == 0
