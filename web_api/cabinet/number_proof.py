"""The part that three ways have in common: a code to the number on file and, where no app has the number yet, the
guide to binding one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from flask import request
from flask_babel import gettext as _

from pushhub.accounts.flows import flows, number_proof
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.flows.number_proof import TOO_LOW, CodeVerdict, ProofSubject, Unreachable
from pushhub.accounts.models import Account
from pushhub.accounts.sign_in_identifiers import Identifier, find_account
from pushhub.binding.offers import ShownOffer
from pushhub.context import current
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.clock import now
from pushhub.kernel.errors import (
    NotFound,
    PushhubError,
    ResendLimitReached,
    ResendTooEarly,
    TooManyCodes,
    VerificationClosed,
)
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.products.rules import Assurance
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus
from web_api.cabinet.forms import Form
from web_api.cabinet.request_context import caller, language, profile, visitor
from web_api.cabinet.words import code_words

PURPOSES = {
    FlowKind.SIGN_IN: "sign_in",
    FlowKind.RECOVERY: "password_reset",
    FlowKind.REREGISTRATION: "number_change",
    FlowKind.REGISTRATION: "sign_up",
    FlowKind.CODE_SIGN_IN: "sign_in",
}
#: In these the number is that of the flow and not yet on file; what it was confirmed by stands in the flow too.
_NEW_NUMBERS = (FlowKind.REREGISTRATION, FlowKind.REGISTRATION)


@dataclass(frozen=True, slots=True)
class ProofStage:
    """Where the proof stands: a code is on its way (`verification`), or first a device has to be bound (`offer`), or
    nothing has been asked for."""

    number: str
    verification: Verification | None = None
    status: VerificationStatus | None = None
    offer: ShownOffer | None = None
    reason: str = ""
    #: Where the code can be read: `app`, `sms` or `email`.
    place: str = "app"

    @property
    def moves(self) -> bool:
        """Whether the offer takes the number from a device that has it."""
        return self.offer is not None and Assurance(self.offer.offer.assurance).may_replace

    @property
    def name(self) -> str:
        if self.reason == TOO_LOW:
            return "closed"
        return "code" if self.verification is not None else "guide" if self.offer is not None else "start"


def flow_named(flow_id: str, *kinds: FlowKind) -> Flow | None:
    """The flow in the address, if it is this browser's, of one of these kinds, and not over."""
    try:
        flow = flows.find(caller().product_id, parse_id(Prefix.FLOW, flow_id), visitor())
    except NotFound:
        return None
    return flow if flow is not None and flow.kind in kinds else None


def address_of(flow: Flow) -> str:
    """How a flow is named in addresses."""
    return public_id(Prefix.FLOW, flow.id)


def identifier_in(flow: Flow) -> Identifier:
    """The identifier of the person that a flow is about."""
    return Identifier(**flow.answers["identifier"])


def about(identifier: Identifier) -> dict[str, str]:
    """An identifier as a flow's answer."""
    return {"kind": identifier.kind, "digest": identifier.digest, "masked": identifier.masked}


def account_in(flow: Flow) -> Account | None:
    """The account that the flow is about, if there is one: that of the identifier, which all else that was given
    (`also`, and the number that was typed) has to fit."""
    account = find_account(flow.product_id, identifier_in(flow))
    typed = flow.answers.get("typed")
    if account is not None and typed is not None and account.number != PhoneNumber.trusted(typed):
        account = None
    for further in flow.answers.get("also", ()):
        found = find_account(flow.product_id, Identifier(**further))
        if found is None or account is None or found.id != account.id:
            account = None
    return account


def subject_in(flow: Flow) -> ProofSubject | None:
    """What has to be proven in this flow. None where the number on file is not the one any more that it began with:
    a code that went to the old number must not open the account of the new one."""
    if flow.kind in _NEW_NUMBERS:
        if "number" not in flow.answers:
            return None
        number = PhoneNumber.trusted(flow.answers["number"])
        assurance = Assurance(flow.answers.get("assurance", Assurance.REGISTRY))
        return ProofSubject(identifier_in(flow), number, True, PURPOSES[flow.kind], assurance)
    subject = number_proof.proof_subject(identifier_in(flow), account_in(flow), PURPOSES[flow.kind])
    if not subject.real:
        subject = _nobodys(subject, flow)
    kept = flow.answers.get("number")
    return subject if kept in (None, subject.number.e164) else None


def _nobodys(subject: ProofSubject, flow: Flow) -> ProofSubject:
    """What stands in for an account shows the number that was typed. How else it looks follows from all that was given
    together: whoever knows a part of it can't try the rest through by how the pages differ."""
    typed, also = flow.answers.get("typed"), flow.answers.get("also", ())
    if typed is None and not also:
        return subject
    given = " ".join([subject.identifier.digest, *(each["digest"] for each in also), typed or ""])
    identifier = replace(subject.identifier, digest=current().keyring.lookup_digest("stand-in", given))
    return replace(subject, identifier=identifier, number=PhoneNumber.trusted(typed) if typed else subject.number)


def stage_of(flow: Flow, subject: ProofSubject) -> ProofStage:
    """Where the proof stands now. An offer that has ended is followed by a new one."""
    masked = subject.number.masked
    if flow.answers.get("verification"):
        verification, status = number_proof.look(caller(), subject, UUID(flow.answers["verification"]))
        return ProofStage(masked, verification, status, place=number_proof.place_of(caller(), subject, verification))
    if not flow.answers.get("reason"):
        return ProofStage(masked)
    if _demands_proof(flow) or (
        subject.assurance is Assurance.ANONYMOUS_OFFER and subject.purpose in caller().policy.proven_purposes
    ):
        # Binding by an offer that anybody can open would not help.
        return ProofStage(masked, reason=TOO_LOW)
    known = flow.answers.get("offer")
    shown = number_proof.offer(caller(), subject, UUID(known) if known else None, locale=language())
    if str(shown.offer.id) != known:
        flows.amend(flow, offer=str(shown.offer.id))
    return ProofStage(masked, offer=shown, reason=flow.answers["reason"])


def send(flow: Flow, subject: ProofSubject) -> tuple[Flow, bool]:
    """Ask for a code. False where nothing reaches the number: then the guide is shown. Raises `TooManyCodes`."""
    sent = number_proof.send(
        caller(), subject, locale=language(), address=request.remote_addr, proven=_demands_proof(flow)
    )
    if isinstance(sent, Unreachable):
        return flows.amend(flow, verification=None, reason=sent.reason, **_whose(flow, subject)), False
    return flows.amend(flow, verification=str(sent.id), **_whose(flow, subject)), True


def _whose(flow: Flow, subject: ProofSubject) -> dict[str, object]:
    """What the code is for. Where the flow names it, another window may have named somebody else meanwhile: whoever and
    the number that was asked about stand together with the code that went there."""
    number = {"number": subject.number.e164}
    return {**number, "identifier": about(subject.identifier)} if flow.kind in _NEW_NUMBERS else {**number}


def give_up(flow: Flow) -> Flow:
    """The code that was sent proves nothing any more: the page says that none can be sent."""
    return flows.amend(flow, verification=None, reason=TOO_LOW)


def _demands_proof(flow: Flow) -> bool:
    """Whether the code alone lets the person in: then it has to go to a device that was not bound by just anybody."""
    return flow.kind is FlowKind.CODE_SIGN_IN


def resend(flow: Flow, subject: ProofSubject, form: Form) -> bool:
    """Send the same code once more; what stands against it is noted in the form."""
    try:
        number_proof.resend(caller(), subject, UUID(flow.answers["verification"]))
    except (ResendTooEarly, VerificationClosed):
        return False  # the page shows the countdown, or that the code is over
    except ResendLimitReached:
        form.refuse("code", _("The code was sent as often as possible. Wait until it expires, then ask anew."))
        return False
    except TooManyCodes as refusal:
        refuse_flood(form, refusal)
        return False
    except PushhubError as refusal:
        if refusal.code != "number_unreachable":
            raise
        flows.amend(flow, verification=None, reason=str(refusal.members.get("reason", "unbound")))
        return False
    return True


def refuse_flood(form: Form, refusal: TooManyCodes) -> None:
    """Too many codes: say from when it goes on."""
    form.refuse(
        "code", _("Too many codes were sent. Try again after {when}.").format(when=clock_time(refusal.retry_at))
    )


def clock_time(moment: datetime | None) -> str:
    """`15:35` by the clock of the page, `22.11 15:35` on another day than today."""
    if moment is None:
        return ""
    zone = profile().clock.zone
    here, today = moment.astimezone(zone), now().astimezone(zone).date()
    return here.strftime("%H:%M" if here.date() == today else "%d.%m %H:%M")


def code_is_right(flow: Flow, subject: ProofSubject, form: Form) -> bool:
    """Look at the code that was typed; what is wrong with it is noted in the form."""
    checked = number_proof.check(
        caller(), subject, UUID(flow.answers["verification"]), form.text("code").replace(" ", "")
    )
    if checked.answer is CodeVerdict.RIGHT:
        return True
    form.refuse("code", code_words(checked))
    return False
