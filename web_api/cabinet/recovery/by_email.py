"""A forgotten password, by e-mail: a letter with a link, and the page for the new password that it leads to."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.flows import links
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.flows.links import LinkKind, LinkWorthless, Trouble
from pushhub.accounts.letters.recovery import RecoveryLetter, send_link
from pushhub.accounts.letters.sender import TooManyLetters
from pushhub.accounts.passwords.history import PasswordTooLike
from pushhub.accounts.people.password_change import change_password_by_link, was_just_set
from pushhub.accounts.sign_in_identifiers import Identifier, by_email
from pushhub.cabinets.profile import Recovery, Way
from pushhub.context import current
from pushhub.identity.email import Email
from pushhub.kernel.errors import NotFound
from pushhub.mail.health import mail_state
from web_api.cabinet import number_proof
from web_api.cabinet.forms import Form
from web_api.cabinet.letters import sender
from web_api.cabinet.request_context import caller, go_to, page, profile
from web_api.cabinet.routes import pages
from web_api.cabinet.words import too_like


def send_letter(form: Form, about: Recovery, login: Identifier | None) -> Response | None:
    """Have the letter sent to the address in the form, if it is that of this login where one was given, and on to the
    page that says so. None where too many were asked for, which is noted in the form."""
    email = form.email("email")
    if email is None or not _write(form, about, email, login):
        return None
    answers = {"identifier": number_proof.about(by_email(email)), "address": email.address}
    if login is not None:
        answers["login"] = number_proof.about(login)
    flow = number_proof.begin(FlowKind.RECOVERY, answers)
    return go_to("cabinet.show_letter", flow_id=number_proof.address_of(flow))


@pages.get("/recovery/<flow_id>/letter")
def show_letter(flow_id: str) -> Response:
    """A letter is on its way, if somebody has the address."""
    flow = _flow(flow_id)
    return _letter_page(flow, Form()) if flow is not None else number_proof.begin_again()


@pages.post("/recovery/<flow_id>/letter")
def send_letter_again(flow_id: str) -> Response:
    """Send the letter once more, with another link."""
    flow, form = _flow(flow_id), Form.sent()
    if flow is None:
        return number_proof.begin_again()
    if not _write(form, _recovery(), Email(flow.answers["address"]), _login_in(flow)):
        return _letter_page(flow, form, 429)
    return go_to("cabinet.show_letter", flow_id=flow_id, note="letter-sent-again")


@pages.get("/recovery/<flow_id>/letter.json")
def watch_letter(flow_id: str) -> dict[str, Any]:
    """Whether mail goes at this moment, for the page that waits; nothing of this one letter."""
    if _flow(flow_id) is None:
        raise NotFound
    return {"mail": str(mail_state())}


@pages.get("/link/<secret>")
def open_link(secret: str) -> Response:
    """The page for the new password. It does not use the link up: scanners of mail open links too."""
    try:
        links.look(secret, LinkKind.RECOVERY, product_id=caller().product_id)
    except LinkWorthless as problem:
        return _worthless_page(problem.trouble)
    return _password_page(secret, Form())


@pages.post("/link/<secret>")
def take_password_by_link(secret: str) -> Response:
    """Set the new password; with that the link is used up."""
    form, rule = Form.sent(), profile().password
    try:
        links.look(secret, LinkKind.RECOVERY, product_id=caller().product_id)
        password = form.new_password(rule)
        if not form.good:
            return _password_page(secret, form, 422)
        change_password_by_link(caller().product_id, secret, password, rule, sender=sender())
    except PasswordTooLike as problem:
        form.refuse("password", too_like(rule, problem))
        return _password_page(secret, form, 422)
    except LinkWorthless as problem:
        # A double click: the first of the two has set this very password.
        if problem.account_id is None or not was_just_set(problem.account_id, form.raw("password")):
            return _worthless_page(problem.trouble)
    return go_to("cabinet.enter", note="password-updated")


def _flow(flow_id: str) -> Flow | None:
    flow = number_proof.flow_named(flow_id, FlowKind.RECOVERY)
    return flow if flow is not None and "address" in flow.answers else None


def _login_in(flow: Flow) -> Identifier | None:
    return Identifier(**flow.answers["login"]) if "login" in flow.answers else None


def _recovery() -> Recovery:
    found = profile().recovery(Way.EMAIL)
    if found is None:
        raise NotFound
    return found


def _write(form: Form, about: Recovery, email: Email, login: Identifier | None) -> bool:
    """Write the letter; False where too many were asked for, which is noted in the form."""
    letter = RecoveryLetter(
        sender=sender(),
        minutes=about.link_minutes,
        link=lambda secret: f"{current().settings.public_url}{url_for('cabinet.open_link', secret=secret)}",
    )
    try:
        send_link(letter, email, login, address=request.remote_addr)
    except TooManyLetters as refusal:
        form.refuse_until("email", _("Too many letters were asked for. Try again after {when}."), refusal.until)
        return False
    mail_state()  # has the mail server looked at, so that the next page knows
    return True


def _letter_page(flow: Flow, form: Form, status: int = 200) -> Response:
    return page(
        "recovery/letter.html",
        status,
        form=form,
        flow_id=number_proof.address_of(flow),
        masked=number_proof.identifier_in(flow).masked,
        with_login="login" in flow.answers,
        minutes=_recovery().link_minutes,
        mail=mail_state(),
        noted=True,
    )


def _password_page(secret: str, form: Form, status: int = 200) -> Response:
    return page("recovery/link-password.html", status, form=form, secret=secret)


def _worthless_page(trouble: Trouble) -> Response:
    return page("recovery/link-over.html", 404 if trouble is Trouble.UNKNOWN else 410, trouble=trouble)
