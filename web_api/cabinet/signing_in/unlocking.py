"""After ten wrong passwords: a code from the app opens the way to the password again. A cabinet that keeps no numbers
has a new password set by e-mail instead, whoever asks: that tells nothing of anybody's account."""

from __future__ import annotations

from werkzeug.wrappers import Response

from pushhub.accounts.flows import flows
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.sessions import sign_in
from pushhub.cabinets.profile import Way
from web_api.cabinet import number_proof
from web_api.cabinet.forms import Form
from web_api.cabinet.request_context import go_to, page, profile
from web_api.cabinet.routes import pages


@pages.get("/sign-in/<flow_id>/code")
def unlock(flow_id: str) -> Response:
    """After ten wrong passwords: a code opens the way again."""
    flow = number_proof.flow_named(flow_id, FlowKind.SIGN_IN)
    if flow is None:
        return number_proof.begin_again()
    if not sign_in.code_is_wanted(flow.product_id, number_proof.identifier_in(flow)):
        return go_to("cabinet.ask_password", flow_id=flow_id)
    return _unlock_page(flow, Form()) if _by_code() else page("signing_in/unlock-by-email.html")


@pages.post("/sign-in/<flow_id>/code")
def take_unlocking_code(flow_id: str) -> Response:
    """Send the code, send it again, or look at what was typed."""
    flow = number_proof.flow_named(flow_id, FlowKind.SIGN_IN)
    subject = number_proof.subject_in(flow) if flow is not None else None
    if flow is None or subject is None:
        return number_proof.begin_again()
    if not _by_code():
        return number_proof.to_code_page_of(flow)
    form = Form.sent()
    step = form.text("step")
    if step in ("send", "resend"):
        return number_proof.have_code_sent(flow, subject, form) or _unlock_page(flow, form, 429)
    if step == "check" and flow.answers.get("verification"):
        if number_proof.code_is_right(flow, subject, form):
            sign_in.forgive(flow.product_id, number_proof.identifier_in(flow))
            flows.amend(flow, verification=None, reason=None, offer=None)
            return go_to("cabinet.ask_password", flow_id=flow_id, note="unlocked")
        return _unlock_page(flow, form, 422)
    return number_proof.to_code_page_of(flow)


def _by_code() -> bool:
    return profile().keeps_numbers or profile().recovery(Way.EMAIL) is None


def _unlock_page(flow: Flow, form: Form, status: int = 200) -> Response:
    return number_proof.code_page("signing_in/unlock.html", flow, form, status)
