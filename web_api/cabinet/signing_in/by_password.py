"""Signing in with a password. By the profile this takes two steps (who one is and the consents, then the password), or
one page with both. After ten wrong passwords a code is asked for first (`unlocking`)."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.sessions.sessions import NewSession
from pushhub.accounts.sessions.sign_in import Wrong, code_is_wanted
from pushhub.accounts.sessions.sign_in import sign_in as sign_in_person
from pushhub.accounts.sessions.sign_in_throttle import CodeWanted, Wait
from pushhub.accounts.sign_in_identifiers import Identifier
from pushhub.cabinets.profile import Layout
from pushhub.kernel.clock import now
from pushhub.kernel.limits import WRONG_PASSWORDS
from web_api.cabinet import number_proof
from web_api.cabinet.forms import Form
from web_api.cabinet.guess_limit import counted_guess
from web_api.cabinet.request_context import caller, go_to, keep_session, page, profile, signed_in, this_browser
from web_api.cabinet.routes import pages
from web_api.cabinet.signing_in.identifier_form import chosen_kind, identifiers_in, the_known

#: Wrong passwords from one address in an hour, after which none is looked at: a whole office may share an address.
_WRONG_AN_HOUR = 100


@pages.get("/")
def enter() -> Response:
    """The first page; who is signed in goes on to the feed."""
    if signed_in() is not None:
        return go_to("cabinet_members.show_feed")
    return _first_page(Form())


@pages.post("/")
def name_yourself() -> Response:
    """Take who one is, with the consents and, where both are on one page, the password. Whether there is an account is
    looked at only with the password."""
    form, sign_in = Form.sent(), profile().sign_in
    found = identifiers_in(form)
    if sign_in.consents:
        form.consents(profile().consents)
    if sign_in.layout is not Layout.TWO_STEPS:
        return _enter_at_once(form, found)
    if not found or not form.good:
        return _first_page(form, 422)
    flow = _begin(found[0])
    return go_to("cabinet.ask_password", flow_id=number_proof.address_of(flow))


@pages.get("/sign-in/<flow_id>")
def ask_password(flow_id: str) -> Response:
    """Step 2."""
    if signed_in() is not None:
        return go_to("cabinet_members.show_feed")
    flow = number_proof.flow_named(flow_id, FlowKind.SIGN_IN)
    if flow is None:
        return number_proof.begin_again()
    if code_is_wanted(flow.product_id, number_proof.identifier_in(flow)):
        return number_proof.to_code_page_of(flow)
    if profile().sign_in.layout is not Layout.TWO_STEPS:
        return go_to("cabinet.enter", note=request.args.get("note"))
    return _password_page(flow, Form())


@pages.post("/sign-in/<flow_id>")
def take_password(flow_id: str) -> Response:
    """Sign in."""
    flow = number_proof.flow_named(flow_id, FlowKind.SIGN_IN)
    if flow is None:
        # A double click: the first of the two has signed in, and the flow was used up by it.
        return go_to("cabinet_members.show_feed") if signed_in() is not None else number_proof.begin_again()
    form = Form.sent()
    found = _try_password(form, number_proof.identifier_in(flow))
    if isinstance(found, CodeWanted):
        return number_proof.to_code_page_of(flow)
    if isinstance(found, NewSession):
        return _welcome(found, form)
    return _password_page(flow, form, *_refused(form, found))


@pages.get("/sign-in/<flow_id>/forgotten")
def turn_back(flow_id: str) -> Response:
    """Where the browser loads again, or comes back to, an answer of `forget_password`: the page it was on."""
    return go_to("cabinet.ask_password", flow_id=flow_id)


@pages.post("/sign-in/<flow_id>/forgotten")
def forget_password(flow_id: str) -> Response:
    """From the password to its recovery: a code is sent at once."""
    flow = number_proof.flow_named(flow_id, FlowKind.SIGN_IN)
    if flow is None:
        return number_proof.begin_again()
    form, answers = Form(), {"identifier": dict(flow.answers["identifier"])}
    sent = number_proof.begin_with_code(FlowKind.RECOVERY, answers, form, field="password")
    return sent or _password_page(flow, form, 429)


def _enter_at_once(form: Form, candidates: tuple[Identifier, ...]) -> Response:
    if not form.raw("password"):
        form.refuse("password", _("Enter the password."))
    if not candidates or not form.good:
        return _first_page(form, 422)
    identifier = the_known(candidates)
    found = _try_password(form, identifier)
    if isinstance(found, CodeWanted):
        return number_proof.to_code_page_of(_begin(identifier))
    if isinstance(found, NewSession):
        return _welcome(found, form)
    return _first_page(form, *_refused(form, found))


def _begin(identifier: Identifier) -> Flow:
    return number_proof.begin(FlowKind.SIGN_IN, {"identifier": number_proof.about(identifier)})


def _try_password(form: Form, identifier: Identifier) -> NewSession | Wrong | Wait | CodeWanted | None:
    """None where no password was given. From a network address with very many wrong ones none is looked at."""
    if not form.raw("password"):
        return None
    with counted_guess(WRONG_PASSWORDS, _WRONG_AN_HOUR) as guess:
        if not guess.allowed:
            return Wait(WRONG_PASSWORDS.end(now()))
        found = sign_in_person(
            caller().product_id,
            identifier,
            form.raw("password"),
            life=profile().sessions,
            browser=this_browser(),
            remembered=bool(form.text("remember")),
        )
        guess.wrong = isinstance(found, Wrong | CodeWanted)
        return found


def _refused(form: Form, found: Wrong | Wait | None) -> tuple[int, object]:
    """Note in the form why nobody was signed in: the status of the page, and until when to wait."""
    if found is None:
        form.refuse("password", _("Enter the password."))
        return 422, None
    if isinstance(found, Wait):
        form.refuse("password", _("Too many wrong passwords. This one was not looked at."))
        return 429, found.until
    if profile().identifiers == ("iin",):
        form.refuse("password", _("The IIN or the password is not right."))
    else:
        form.refuse("password", _("What you sign in with or the password is not right."))
    return 422, found.wait_until


def _welcome(begun: NewSession, form: Form) -> Response:
    response = go_to("cabinet_members.show_feed")
    keep_session(response, begun.secret, remembered=bool(form.text("remember")))
    return response


def _first_page(form: Form, status: int = 200, wait_until: object = None) -> Response:
    in_two_steps = profile().sign_in.layout is Layout.TWO_STEPS
    return page(
        "signing_in/enter.html" if in_two_steps else "signing_in/sign-in.html",
        status,
        form=form,
        chosen=chosen_kind(),
        wait_until=wait_until,
        noted=True,
    )


def _password_page(flow: Flow, form: Form, status: int = 200, wait_until: object = None) -> Response:
    return page(
        "signing_in/password.html",
        status,
        form=form,
        flow_id=number_proof.address_of(flow),
        masked=number_proof.identifier_in(flow).masked,
        wait_until=wait_until,
        noted=True,
    )
