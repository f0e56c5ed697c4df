"""Signing in without the password: a code to the number on file stands for it, where the profile allows it.

The code is all that is asked for. So no device can be bound on the way (whoever knows an identifier would let
themselves in), and none that anybody could have bound gets the code: the owner binds the phone once in the feed.
"""

from __future__ import annotations

from werkzeug.wrappers import Response

from pushhub.accounts.flows import flows
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.flows.number_proof import ProofSubject, at_an_unproven_device
from pushhub.accounts.sessions import sign_in
from pushhub.kernel.errors import NotFound
from web_api.cabinet import number_proof
from web_api.cabinet.forms import Form
from web_api.cabinet.request_context import go_to, keep_session, page, profile, signed_in, this_browser
from web_api.cabinet.routes import pages
from web_api.cabinet.signing_in.identifier_form import chosen_kind, identifiers_in, the_known


@pages.get("/code-sign-in")
def ask_for_code() -> Response:
    """Who one is. Raises `NotFound` where the profile has no such way."""
    _refuse_unless_allowed()
    if signed_in() is not None:
        return go_to("cabinet_members.show_feed")
    return _name_page(Form())


@pages.post("/code-sign-in")
def send_first_code() -> Response:
    """Send the code, and on to the page that takes it."""
    _refuse_unless_allowed()
    form = Form.sent()
    candidates = identifiers_in(form)
    if profile().sign_in.consents:
        form.consents(profile().consents)
    if not candidates or not form.good:
        return _name_page(form, 422)
    answers = {"identifier": number_proof.about(the_known(candidates))}
    return number_proof.begin_with_code(FlowKind.CODE_SIGN_IN, answers, form) or _name_page(form, 429)


@pages.get("/code-sign-in/<flow_id>")
def sign_in_by_code(flow_id: str) -> Response:
    """The page that takes the code, or says that none can be sent."""
    if signed_in() is not None:
        return go_to("cabinet_members.show_feed")
    flow = number_proof.flow_named(flow_id, FlowKind.CODE_SIGN_IN)
    if flow is None or flow.answers.get("done"):
        return number_proof.begin_again()
    return _code_page(flow, Form())


@pages.post("/code-sign-in/<flow_id>")
def take_code(flow_id: str) -> Response:
    """Send the code, send it again, or look at what was typed and sign in."""
    flow = number_proof.flow_named(flow_id, FlowKind.CODE_SIGN_IN)
    subject = number_proof.subject_in(flow) if flow is not None else None
    if flow is None or subject is None or flow.answers.get("done"):
        return go_to("cabinet_members.show_feed") if signed_in() is not None else number_proof.begin_again()
    form = Form.sent()
    step = form.text("step")
    if step in ("send", "resend"):
        return number_proof.have_code_sent(flow, subject, form) or _code_page(flow, form, 429)
    if step == "check" and flow.answers.get("verification"):
        return _enter(flow, subject, form)
    return number_proof.to_code_page_of(flow)


def _enter(flow: Flow, subject: ProofSubject, form: Form) -> Response:
    if at_an_unproven_device(subject):  # bound since the code was asked for, and then sent it again
        number_proof.give_up(flow)
        return number_proof.to_code_page_of(flow)
    if not number_proof.code_is_right(flow, subject, form):
        return _code_page(flow, form, 422)
    account = number_proof.account_in(flow)
    if account is None:
        return number_proof.begin_again()
    begun = sign_in.sign_in_by_code(account, life=profile().sessions, browser=this_browser())
    flows.amend(flow, done=True)
    response = go_to("cabinet_members.show_feed")
    keep_session(response, begun.secret)
    return response


def _refuse_unless_allowed() -> None:
    if not profile().sign_in.by_code:
        raise NotFound


def _name_page(form: Form, status: int = 200) -> Response:
    return page("signing_in/sign-in.html", status, form=form, chosen=chosen_kind(), by_code=True)


def _code_page(flow: Flow, form: Form, status: int = 200) -> Response:
    return number_proof.code_page("signing_in/code.html", flow, form, status)
