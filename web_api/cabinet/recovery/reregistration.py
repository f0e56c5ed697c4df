"""Re-registration, for whoever has lost the number on file: questions that the register answers, then a number that
stands under one's own IIN, a code to it, and a new password."""

from __future__ import annotations

from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.flows import flows
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.flows.number_proof import ProofSubject
from pushhub.accounts.passwords.history import PasswordTooLike
from pushhub.accounts.people import register
from pushhub.accounts.sign_in_identifiers import by_iin, by_number
from pushhub.cabinets.profile import Reregistration
from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.errors import NotFound
from pushhub.registry.contract import Place, RegisterAnswers, stands_under, wrong_answers
from web_api.cabinet import number_proof
from web_api.cabinet.forms import Form
from web_api.cabinet.guess_limit import counted_guess
from web_api.cabinet.letters import sender
from web_api.cabinet.request_context import cabinet, go_to, page, profile
from web_api.cabinet.routes import pages
from web_api.cabinet.words import too_like, unreachable_words


def questions() -> Reregistration:
    """The profile's questions. Raises `NotFound` for a cabinet without re-registration."""
    found = profile().reregistration
    if found is None:
        raise NotFound
    return found


@pages.get("/re-registration")
def ask_questions() -> Response:
    """Step 1."""
    return page("recovery/questions.html", about=questions(), form=Form(), confirm=False)


@pages.post("/re-registration")
def take_answers() -> Response:
    """Look at the answers: whether they can be right, then whether the person is sure, then what the register says."""
    about, form = questions(), Form.sent()
    answers = _answers(form)
    if answers is None:
        return page("recovery/questions.html", 422, about=about, form=form, confirm=False)
    if form.text("confirmed") != "yes":
        return page("recovery/questions.html", about=about, form=form, confirm=form.text("confirmed") != "no")
    with counted_guess() as guess:
        if not guess.allowed:
            form.refuse("form", _("There were too many wrong answers. Try again in an hour."))
            return page("recovery/questions.html", 429, about=about, form=form, confirm=False)
        wrong = wrong_answers(cabinet().registry, answers)
        guess.wrong = bool(wrong)
    if wrong:
        for name in wrong:
            form.refuse(name, _not_confirmed()[name])
        return page("recovery/questions.html", 422, about=about, form=form, confirm=False)
    parents = [parent.digits for parent in (answers.first_parent, answers.second_parent) if parent is not None]
    return number_proof.to_code_page_of(number_proof.begin(FlowKind.REREGISTRATION, {"parents": parents}))


@pages.get("/re-registration/<flow_id>")
def reregister(flow_id: str) -> Response:
    """Step 2."""
    flow = number_proof.flow_named(flow_id, FlowKind.REREGISTRATION)
    if flow is None:
        return number_proof.begin_again()
    if flow.answers.get("done"):
        return go_to("cabinet.enter", note="reregistered")
    return _number_page(flow, Form())


@pages.post("/re-registration/<flow_id>")
def go_on_reregistering(flow_id: str) -> Response:
    """Take IIN and number and send a code; send it again; take another number; or finish."""
    flow = number_proof.flow_named(flow_id, FlowKind.REREGISTRATION)
    if flow is None:
        return number_proof.begin_again()
    if flow.answers.get("done"):
        return go_to("cabinet.enter", note="reregistered")
    form = Form.sent()
    step = form.text("step")
    if step == "number":
        return _take_number(flow, form)
    subject = number_proof.subject_in(flow)
    if subject is None:
        return number_proof.to_code_page_of(flow)
    if step == "other":
        flows.amend(flow, verification=None, reason=None, offer=None, chosen=False)
    elif step in ("send", "resend"):
        return number_proof.have_code_sent(flow, subject, form) or _number_page(flow, form, 429)
    elif step == "finish" and flow.answers.get("verification"):
        return _finish(flow, subject, form)
    return number_proof.to_code_page_of(flow)


def _take_number(flow: Flow, form: Form) -> Response:
    iin, number = form.iin("iin"), form.served_number("number")
    if iin is not None and iin.digits not in flow.answers["parents"]:
        form.refuse("iin", _("Enter the IIN of a parent that you named in step 1."))
    if form.good and iin is not None and number is not None and not stands_under(cabinet().registry, number, iin):
        form.refuse("number", _("This number does not stand under your IIN in the Mobile Citizens Base (BMG)."))
    if not form.good or iin is None or number is None:
        return _number_page(flow, form, 422)
    flow = flows.amend(
        flow,
        identifier=number_proof.about(by_iin(iin)),
        number=number.e164,
        chosen=True,
        verification=None,
        reason=None,
        offer=None,
    )
    subject = number_proof.subject_in(flow)
    if subject is None:
        return number_proof.begin_again()
    return number_proof.have_code_sent(flow, subject, form) or _number_page(flow, form, 429)


def _finish(flow: Flow, subject: ProofSubject, form: Form) -> Response:
    password = form.new_password(profile().password)
    if not form.good:
        return _number_page(flow, form, 422)
    if flow.answers.get("proven") != flow.answers["number"]:
        if not number_proof.code_is_right(flow, subject, form):
            return _number_page(flow, form, 422)
        flow = flows.amend(flow, proven=flow.answers["number"])
    further = (by_number(subject.number),) if "number" in profile().identifiers else ()
    rule = profile().password
    try:
        register.register(
            flow.product_id, subject.identifier, subject.number, password, further=further, rule=rule, sender=sender()
        )
    except PasswordTooLike as problem:
        form.refuse("password", too_like(rule, problem))
        return _number_page(flow, form, 422)
    flows.amend(flow, done=True)
    return go_to("cabinet.enter", note="reregistered")


def _number_page(flow: Flow, form: Form, status: int = 200) -> Response:
    chosen = bool(flow.answers.get("chosen"))
    subject = number_proof.subject_in(flow) if chosen else None
    stage = number_proof.stage_of(flow, subject) if subject is not None else None
    return page(
        "recovery/number.html",
        status,
        form=form,
        flow_id=number_proof.address_of(flow),
        stage=stage,
        masked=number_proof.identifier_in(flow).masked if "identifier" in flow.answers else "",
        number=PhoneNumber.trusted(flow.answers["number"]).masked if "number" in flow.answers else "",
        proven=bool(chosen and flow.answers.get("proven") == flow.answers.get("number")),
        why=unreachable_words(stage.reason, moves=stage.moves) if stage is not None else "",
        noted=True,
    )


def _answers(form: Form) -> RegisterAnswers | None:
    iins: dict[str, Iin | None] = {}
    for entry in questions().fields:
        if entry.kind == "iin":
            iins[entry.name] = form.iin(entry.name, required=entry.required)
        elif entry.required and not form.text(entry.name):
            form.refuse(entry.name, _("Choose one of the two.") if entry.kind == "choice" else _("Fill in this field."))
    place = form.text("place")
    if place and place not in list(Place):
        form.refuse("place", _("Choose one of the two."))
    child, first = iins["child"], iins["first_parent"]
    if not form.good or child is None or first is None:
        return None
    return RegisterAnswers(child, form.text("certificate"), first, iins["second_parent"], Place(place))


def _not_confirmed() -> dict[str, str]:
    return {
        "child": _("The register knows no child with this IIN."),
        "certificate": _("This is not the number of this child's birth certificate."),
        "first_parent": _("This IIN does not stand in the child's birth certificate."),
        "second_parent": _("This IIN does not stand in the child's birth certificate."),
        "place": _("The register says otherwise. Choose the other answer."),
    }
