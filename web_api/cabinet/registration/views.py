"""Registration, as the profile has it: its fields, who confirms the person, a code to the number, and a password that
one chooses or is given.

    fields ──→ confirmed ─┬─ code ──→ what the register knows, password ──→ sign-in
                          ├─────────→ password ───────────────────────────→ sign-in
                          └─────────→ account made, login and password shown once and mailed

Whether somebody has an account already is told only when nothing is left to be proven.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.flows import flows
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.passwords.rules import readable_password
from pushhub.accounts.people.register import IdentifierTaken
from pushhub.accounts.sign_in_identifiers import by_number
from pushhub.cabinets import registration_mapping
from pushhub.cabinets.profile import Registration
from pushhub.cabinets.registration_mapping import RegistrationAnswers
from pushhub.kernel.errors import NotFound
from pushhub.kernel.ids import Prefix, new_key, parse_id, public_id
from pushhub.kernel.limits import REGISTRATIONS
from pushhub.mail.health import mail_state
from pushhub.products.rules import Assurance
from web_api.cabinet import number_proof
from web_api.cabinet.captcha import refuse_without_attempt, refuse_without_captcha
from web_api.cabinet.forms import Form
from web_api.cabinet.guess_limit import counted
from web_api.cabinet.registration.form import confirm, given_words, person_words, read_fields
from web_api.cabinet.registration.making import answers_in, as_data, finish, make_at_once, taken_kinds
from web_api.cabinet.request_context import caller, go_to, page, profile, signed_in, visitor
from web_api.cabinet.routes import pages

#: Registrations without a code from one address in an hour: a code is limited by itself.
_AN_HOUR = 20


def registration() -> Registration:
    """How the profile registers people. Raises `NotFound` for a cabinet without registration."""
    found = profile().registration
    if found is None:
        raise NotFound
    return found


@pages.get("/registration")
def ask_registration() -> Response:
    """The fields; with what was typed before, where somebody comes back to correct it."""
    about, before = registration(), number_proof.flow_named(request.args.get("again", ""), FlowKind.REGISTRATION)
    if signed_in() is not None:
        return go_to("cabinet_members.show_feed")
    if about.generated:
        mail_state()  # a dispatcher looks at the mail server while the form is filled in
    typed = dict(before.answers["fields"]) if before is not None and not before.answers.get("done") else {}
    return _fields_page(Form(typed))


@pages.post("/registration")
def take_registration() -> Response:
    """Look at the answers, have them confirmed, and send the code, or go on to the password, or make the account."""
    about, form = registration(), Form.sent()
    fields = read_fields(form, about)
    if about.consents:
        form.consents(profile().consents)
    if about.captcha and not form.good:
        refuse_without_attempt(form)
    if not form.good:
        return _fields_page(form, 422)
    at_once = about.generated and not about.code
    if at_once and (key := _attempt(form)) is not None and _is_made(key, fields):
        return _to(key)
    if about.captcha:
        refuse_without_captcha(form)
    if form.good and not about.code:
        _refuse_flood(form)
    answers = confirm(form, about, fields) if form.good else None
    if answers is None:
        return _fields_page(form, 429 if "form" in form.problems else 422)
    if at_once:
        return _make_at_once(form, answers)
    if not about.code or answers.number is None:
        return number_proof.to_code_page_of(number_proof.begin(FlowKind.REGISTRATION, as_data(answers)))
    # Who knows an IIN and a number has proven nothing yet, so an offer of it takes no number from another device.
    proven_by_code = as_data(answers) | {
        "identifier": number_proof.about(by_number(answers.number)),
        "number": answers.number.e164,
        "assurance": str(Assurance.ANONYMOUS_OFFER),
    }
    return number_proof.begin_with_code(FlowKind.REGISTRATION, proven_by_code, form) or _fields_page(form, 429)


@pages.get("/registration/<flow_id>")
def register(flow_id: str) -> Response:
    """The guide or the code; then what the register knows, and the password; at last what was made."""
    registration()
    flow = number_proof.flow_named(flow_id, FlowKind.REGISTRATION)
    if flow is None:
        return number_proof.begin_again()
    if flow.answers.get("done"):
        return _done_page(flow)
    return _page_of(flow, Form())


@pages.post("/registration/<flow_id>")
def go_on_registering(flow_id: str) -> Response:
    """Send the code, send it again, look at what was typed, or take the password and make the account."""
    about, flow = registration(), number_proof.flow_named(flow_id, FlowKind.REGISTRATION)
    if flow is None:
        return number_proof.begin_again()
    form = Form.sent()
    step = form.text("step")
    if flow.answers.get("done"):
        return number_proof.to_code_page_of(flow)
    if _is_proven(about, flow):
        return _finish(flow, form) if step == "finish" and not about.generated else number_proof.to_code_page_of(flow)
    subject = number_proof.subject_in(flow)
    if subject is None:
        return number_proof.begin_again()
    if step in ("send", "resend"):
        return number_proof.have_code_sent(flow, subject, form) or _page_of(flow, form, 429)
    if step == "check" and flow.answers.get("verification"):
        if not number_proof.code_is_right(flow, subject, form):
            return _page_of(flow, form, 422)
        flow = flows.amend(flow, proven=subject.number.e164)
        if about.generated:
            return _make(flow, readable_password(profile().password))
    return number_proof.to_code_page_of(flow)


@pages.get("/registration/<flow_id>/letter.json")
def watch_welcome(flow_id: str) -> dict[str, Any]:
    """Whether mail goes at this moment, for the page that promised a letter; nothing of this one letter."""
    flow = number_proof.flow_named(flow_id, FlowKind.REGISTRATION)
    if flow is None or not flow.answers.get("done"):
        raise NotFound
    return {"mail": str(mail_state())}


def _finish(flow: Flow, form: Form) -> Response:
    password = form.new_password(profile().password)
    return _make(flow, password) if form.good else _page_of(flow, form, 422)


def _make(flow: Flow, password: str) -> Response:
    """Make the account of a flow. Of two that want the same one gets it, and the other is told."""
    try:
        finish(flow, password)
    except IdentifierTaken as refusal:
        again = number_proof.flow_named(number_proof.address_of(flow), FlowKind.REGISTRATION)
        if again is None or not again.answers.get("done"):
            return _taken_page(refusal.kinds)
        # A double click: the other of the two has made it.
    return number_proof.to_code_page_of(flow)


def _make_at_once(form: Form, answers: RegistrationAnswers) -> Response:
    """Make the account with a password that is given out; the flow is only the page that shows it."""
    key = _attempt(form) or new_key()
    if flows.find(caller().product_id, key, visitor()) is not None:
        key = new_key()  # the same page, sent with other answers
    try:
        make_at_once(answers, readable_password(profile().password), key)
    except IdentifierTaken as refusal:
        if not _is_made(key, answers.fields):
            return _taken_page(refusal.kinds)
    return _to(key)


def _attempt(form: Form) -> UUID | None:
    """The key of the flow that this form makes, if all goes well: the page was given it."""
    try:
        return parse_id(Prefix.FLOW, form.text("attempt"))
    except NotFound:
        return None


def _is_made(key: UUID, fields: object) -> bool:
    """Whether this very form has made its account already: somebody clicked twice, or the answer was lost."""
    flow = flows.find(caller().product_id, key, visitor())
    return flow is not None and flow.answers.get("fields") == fields


def _refuse_flood(form: Form) -> None:
    if counted(REGISTRATIONS) > _AN_HOUR:
        form.refuse("form", _("There were too many registrations from your network. Try again in an hour."))


def _is_proven(about: Registration, flow: Flow) -> bool:
    return not about.code or flow.answers.get("proven") == flow.answers.get("number")


def _to(key: UUID) -> Response:
    return go_to("cabinet.register", flow_id=public_id(Prefix.FLOW, key))


def _fields_page(form: Form, status: int = 200) -> Response:
    about = registration()
    attempt = _attempt(form) or new_key()
    return page(
        "registration/fields.html",
        status,
        about=about,
        form=form,
        attempt=public_id(Prefix.FLOW, attempt) if about.generated and not about.code else None,
        noted=True,
    )


def _page_of(flow: Flow, form: Form, status: int = 200) -> Response:
    about = registration()
    if not _is_proven(about, flow):
        given = given_words(about, flow.answers["fields"])
        return number_proof.code_page("registration/code.html", flow, form, status, about=about, given=given)
    taken = taken_kinds(flow)
    if taken:
        return _taken_page(taken)
    return page(
        "registration/password.html",
        status,
        about=about,
        form=form,
        flow_id=number_proof.address_of(flow),
        person=person_words(flow.answers["confirmed"]),
        noted=True,
    )


def _taken_page(kinds: tuple[str, ...]) -> Response:
    return page("registration/taken.html", 409, about=registration(), kinds=kinds)


def _done_page(flow: Flow) -> Response:
    """Where the password was chosen, on to the sign-in; one that was given out is shown once."""
    login, password = flow.answers.get("login"), flow.answers.get("password")
    if login is None:
        waits = answers_in(flow).email is not None and registration_mapping.is_confirmed_first(profile())
        return go_to("cabinet.enter", note="registered-confirm" if waits else "registered")
    if password is not None and request.method == "GET":
        flows.amend(flow, password=None)
    return page(
        "registration/done.html",
        flow_id=number_proof.address_of(flow),
        login=login,
        password=password,
        greeting=flow.answers["fields"].get("name", ""),
        email=answers_in(flow).email,
        mail=str(mail_state()),
    )
