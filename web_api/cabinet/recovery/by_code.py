"""A forgotten password, by a code: what one signs in with, a code to the number on file (or first the guide to binding
an app), and a new password, beside the code or on the page after it. The other way is `by_email`."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from pushhub.accounts.flows import flows
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.flows.number_proof import ProofSubject
from pushhub.accounts.passwords.history import PasswordTooLike
from pushhub.accounts.people.password_change import change_password
from pushhub.cabinets.profile import Recovery, Way
from pushhub.kernel.errors import NotFound
from web_api.cabinet import number_proof
from web_api.cabinet.forms import Form
from web_api.cabinet.letters import sender
from web_api.cabinet.recovery.by_email import send_letter
from web_api.cabinet.request_context import go_to, page, profile
from web_api.cabinet.routes import pages
from web_api.cabinet.words import too_like


@pages.get("/recovery")
def ask_recovery() -> Response:
    """What one signs in with, and where there are two ways, which of them. Raises `NotFound` where only the sign-in
    leads to a recovery."""
    return _ask_page(_chosen(), Form())


@pages.post("/recovery")
def begin_recovery() -> Response:
    """Send the code or the letter, and on to the page that says so, whether or not there is such an account."""
    chosen, form = _chosen(), Form.sent()
    # Beside the address the login may be left out: further users have none.
    found = {kind: form.identifier(kind, required=(chosen.way, kind) != (Way.EMAIL, "login")) for kind in chosen.ask}
    number = form.served_number("number") if "number" in chosen.ask else None
    if chosen.consents:
        form.consents(profile().consents)
    if not form.good:
        return _ask_page(chosen, form, 422)
    if chosen.way is Way.EMAIL:
        return send_letter(form, chosen, found.get("login")) or _ask_page(chosen, form, 429)
    given = [each for kind, each in found.items() if each is not None and kind in profile().identifiers]
    answers = {
        "identifier": number_proof.about(given[0]),
        "also": [number_proof.about(each) for each in given[1:]],
        "typed": number.e164 if number is not None else None,
    }
    return number_proof.begin_with_code(FlowKind.RECOVERY, answers, form) or _ask_page(chosen, form, 429)


@pages.get("/recovery/<flow_id>")
def recover(flow_id: str) -> Response:
    """The guide, the page for the code, or that for the new password."""
    flow = _flow(flow_id)
    if flow is None:
        return number_proof.begin_again()
    if flow.answers.get("done"):
        return _done()
    return _recovery_page(flow, Form())


@pages.post("/recovery/<flow_id>")
def go_on_recovering(flow_id: str) -> Response:
    """Send the code, send it again, look at it, or take the new password (where the profile says so, with the code)."""
    flow = _flow(flow_id)
    subject = number_proof.subject_in(flow) if flow is not None else None
    if flow is None or subject is None:
        return number_proof.begin_again()
    if flow.answers.get("done"):
        return _done()
    form, is_sent = Form.sent(), bool(flow.answers.get("verification"))
    step = form.text("step")
    if step in ("send", "resend"):
        return number_proof.have_code_sent(flow, subject, form) or _recovery_page(flow, form, 429)
    if step == "check" and is_sent and not flow.answers.get("proven"):
        if not number_proof.code_is_right(flow, subject, form):
            return _recovery_page(flow, form, 422)
        flows.amend(flow, proven=True)
        return number_proof.to_code_page_of(flow)
    if step == "finish" and is_sent and (flow.answers.get("proven") or _together()):
        return _finish(flow, subject, form)
    return number_proof.to_code_page_of(flow)


def _finish(flow: Flow, subject: ProofSubject, form: Form) -> Response:
    """The password is looked at first: a slip in it must not cost a try of the code."""
    password = form.new_password(profile().password)
    if not form.good:
        return _recovery_page(flow, form, 422)
    if not flow.answers.get("proven"):
        if not number_proof.code_is_right(flow, subject, form):
            return _recovery_page(flow, form, 422)
        flow = flows.amend(flow, proven=True)
    account = number_proof.account_in(flow)
    if account is None:
        return number_proof.begin_again()
    try:
        change_password(account.id, password, profile().password, sender=sender())
    except PasswordTooLike as problem:
        form.refuse("password", too_like(profile().password, problem))
        return _recovery_page(flow, form, 422)
    flows.amend(flow, done=True)
    return _done()


def _flow(flow_id: str) -> Flow | None:
    """The flow, if it is one with a code and the profile has that way."""
    flow = number_proof.flow_named(flow_id, FlowKind.RECOVERY)
    by_code = flow is not None and "address" not in flow.answers and profile().recovery(Way.CODE) is not None
    return flow if by_code else None


def _done() -> Response:
    return go_to("cabinet.enter", note="password-updated")


def _together() -> bool:
    recovery = profile().recovery(Way.CODE)
    return recovery is not None and recovery.together


def _ways() -> list[Recovery]:
    """The ways that begin here, with a question."""
    return [each for each in profile().recoveries if each.ask]


def _chosen() -> Recovery:
    """The way that was chosen, or the first one."""
    ways, chosen = _ways(), request.values.get("by", "")
    if not ways:
        raise NotFound
    return next((each for each in ways if each.way == chosen), ways[0])


def _ask_page(chosen: Recovery, form: Form, status: int = 200) -> Response:
    registration = profile().registration
    labels = {entry.kind: entry.label for entry in registration.fields} if registration is not None else {}
    return page("recovery/ask.html", status, form=form, ways=_ways(), chosen=chosen, own_labels=labels, noted=True)


def _recovery_page(flow: Flow, form: Form, status: int = 200) -> Response:
    proven = bool(flow.answers.get("proven"))
    return number_proof.code_page("recovery/code.html", flow, form, status, together=_together(), proven=proven)
