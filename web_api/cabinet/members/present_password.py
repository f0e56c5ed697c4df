"""The present password, which is asked for before something that matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.people.own_password import check_present
from pushhub.accounts.sessions import sessions
from pushhub.accounts.sessions.sign_in_throttle import CodeWanted, Wait
from web_api.cabinet.forms import Form
from web_api.cabinet.request_context import forget_session, go_to, member

FIELD = "present"


@dataclass(frozen=True, slots=True)
class PresentPasswordRefused:
    """The password was not right, or not looked at: the status of the page, and until when to wait."""

    status: int
    wait_until: datetime | None = None


def check_present_in(form: Form) -> PresentPasswordRefused | Response | None:
    """None where it is right. What is wrong is noted in the form; after ten wrong ones the session is over."""
    person = member()
    if not form.raw(FIELD):
        form.refuse(FIELD, _("Enter your present password."))
        return PresentPasswordRefused(422)
    found = check_present(person.account, form.raw(FIELD))
    if found is None:
        return None
    if isinstance(found, CodeWanted):
        sessions.end(person.account.id, person.session.id)
        response = go_to("cabinet.enter", note="too-many-wrong")
        forget_session(response)
        return response
    if isinstance(found, Wait):
        form.refuse(FIELD, _("Too many wrong passwords. This one was not looked at."))
        return PresentPasswordRefused(429, found.until)
    form.refuse(FIELD, _("This is not your present password."))
    return PresentPasswordRefused(422, found.wait_until)
