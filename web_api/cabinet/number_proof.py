"""The part that several ways have in common: a flow of this browser, a code to the number on file, the page that takes
it and, where no app has the number yet, the guide to binding one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.flows import flows, number_proof
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.flows.number_proof import TOO_LOW, CodeVerdict, ProofSubject, Unreachable
from pushhub.accounts.models import Account
from pushhub.accounts.sign_in_identifiers import Identifier, find_account
from pushhub.binding.offers import ShownOffer
from pushhub.context import current
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.errors import (
    NotFound,
    NumberUnreachable,
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
from web_api.cabinet.request_context import caller, go_to, language, page, visitor
from web_api.cabinet.words import code_words, unreachable_words

_PURPOSES = {
    FlowKind.SIGN_IN: "sign_in",
    FlowKind.RECOVERY: "password_reset",
    FlowKind.REREGISTRATION: "number_change",
    FlowKind.REGISTRATION: "sign_up",
    FlowKind.CODE_SIGN_IN: "sign_in",
}
#: The pages that take a code.
_PAGES = {
    FlowKind.SIGN_IN: "cabinet.unlock",
    FlowKind.RECOVERY: "cabinet.recover",
    FlowKind.REREGISTRATION: "cabinet.reregister",
    FlowKind.REGISTRATION: "cabinet.register",
    FlowKind.CODE_SIGN_IN: "cabinet.sign_in_by_code",
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


def begin(kind: FlowKind, answers: Mapping[str, Any]) -> Flow:
    """Begin a flow of this browser."""
    return flows.begin(caller().product_id, kind, visitor(), answers)


def begin_with_code(kind: FlowKind, answers: Mapping[str, Any], form: Form, *, field: str = "code") -> Response | None:
    """Begin a flow, have its code sent, and on to the page that takes it. None where something stands against it, which
    is noted at this field of the form."""
    flow = begin(kind, answers)
    subject = subject_in(flow)
    return have_code_sent(flow, subject, form, field=field) if subject is not None else begin_again()


def begin_again() -> Response:
    """To the first page, saying that nothing was changed."""
    return go_to("cabinet.enter", note="begin-again")


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


def to_code_page_of(flow: Flow, note: str | None = None) -> Response:
    """To the page of a flow that takes its code."""
    return go_to(_PAGES[flow.kind], flow_id=address_of(flow), note=note)


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
        return ProofSubject(identifier_in(flow), number, True, _PURPOSES[flow.kind], assurance)
    subject = number_proof.proof_subject(identifier_in(flow), account_in(flow), _PURPOSES[flow.kind])
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


def have_code_sent(flow: Flow, subject: ProofSubject, form: Form, *, field: str = "code") -> Response | None:
    """Have a code sent, or sent again where the form says so, then on to the flow's page, which shows what came of it.
    None where something stands against it, which is noted at this field of the form."""
    try:
        if form.text("step") == "resend" and flow.answers.get("verification"):
            note = "sent-again" if _resend(flow, subject, form, field) else None
        else:
            note = "not-bound" if not _send(flow, subject) and flow.answers.get("reason") else None
    except TooManyCodes as refusal:
        form.refuse_until(field, _("Too many codes were sent. Try again after {when}."), refusal.retry_at)
        return None
    return to_code_page_of(flow, note) if form.good else None


def code_page(template: str, flow: Flow, form: Form, status: int = 200, **further: Any) -> Response:
    """The page of a flow that takes its code, or guides to binding an app first. To the beginning where the number on
    file has changed since."""
    subject = subject_in(flow)
    if subject is None:
        return begin_again()
    stage = stage_of(flow, subject)
    why = unreachable_words(stage.reason, moves=stage.moves)
    return page(template, status, form=form, flow_id=address_of(flow), stage=stage, why=why, noted=True, **further)


def _send(flow: Flow, subject: ProofSubject) -> bool:
    """Ask for a code. False where nothing reaches the number: then the guide is shown. Raises `TooManyCodes`."""
    sent = number_proof.send(
        caller(), subject, locale=language(), address=request.remote_addr, proven=_demands_proof(flow)
    )
    if isinstance(sent, Unreachable):
        flows.amend(flow, verification=None, reason=sent.reason, **_whose(flow, subject))
        return False
    flows.amend(flow, verification=str(sent.id), **_whose(flow, subject))
    return True


def _whose(flow: Flow, subject: ProofSubject) -> dict[str, object]:
    """What the code is for. Where the flow names it, another window may have named somebody else meanwhile: whoever and
    the number that was asked about stand together with the code that went there."""
    named = {"identifier": about(subject.identifier)} if flow.kind in _NEW_NUMBERS else {}
    return {"number": subject.number.e164, **named}


def give_up(flow: Flow) -> None:
    """The code that was sent proves nothing any more: the page says that none can be sent."""
    flows.amend(flow, verification=None, reason=TOO_LOW)


def _demands_proof(flow: Flow) -> bool:
    """Whether the code alone lets the person in: then it has to go to a device that was not bound by just anybody."""
    return flow.kind is FlowKind.CODE_SIGN_IN


def _resend(flow: Flow, subject: ProofSubject, form: Form, field: str) -> bool:
    """Send the same code once more. False where that can't be, which the page shows or the form has noted.

    Raises `TooManyCodes`.
    """
    try:
        number_proof.resend(caller(), subject, UUID(flow.answers["verification"]))
    except (ResendTooEarly, VerificationClosed):
        return False  # the page shows the countdown, or that the code is over
    except ResendLimitReached:
        form.refuse(field, _("The code was sent as often as possible. Wait until it expires, then ask anew."))
        return False
    except NumberUnreachable as refusal:
        flows.amend(flow, verification=None, reason=str(refusal.members.get("reason", "unbound")))
        return False
    return True


def code_is_right(flow: Flow, subject: ProofSubject, form: Form) -> bool:
    """Look at the code that was typed; what is wrong with it is noted in the form."""
    checked = number_proof.check(
        caller(), subject, UUID(flow.answers["verification"]), form.text("code").replace(" ", "")
    )
    if checked.answer is CodeVerdict.RIGHT:
        return True
    form.refuse("code", code_words(checked))
    return False
