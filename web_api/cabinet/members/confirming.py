"""The link in a letter that confirms an e-mail address: one's own new one, or that of an added user."""

from __future__ import annotations

from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.flows.links import LinkWorthless, Trouble
from pushhub.accounts.people import own_login_and_email
from pushhub.accounts.people.register import IdentifierTaken
from web_api.cabinet.letters import sender
from web_api.cabinet.request_context import caller, go_to, page, signed_in
from web_api.cabinet.routes import pages


@pages.get("/confirm/<secret>")
def look_at_link(secret: str) -> Response:
    """What the link confirms. To open it changes nothing: mail scanners open links too."""
    try:
        waiting = own_login_and_email.look_at_link(caller().product_id, secret)
    except LinkWorthless as problem:
        return _worthless(problem.trouble)
    return page("members/confirm.html", waiting=waiting)


@pages.post("/confirm/<secret>")
def use_link(secret: str) -> Response:
    """Confirm the address; then one can sign in with it."""
    try:
        waiting = own_login_and_email.confirm_email(caller().product_id, secret, sender())
    except LinkWorthless as problem:
        return _worthless(problem.trouble)
    except IdentifierTaken:
        words = _(
            "Somebody signs in with this address already, so it could not be confirmed. Give another address; if "
            "somebody added you as a user, ask them to."
        )
        return page("members/confirm.html", 409, problem=words)
    if signed_in() is not None:
        where = "cabinet_members.show_profile" if waiting.own else "cabinet_members.show_feed"
    else:
        where = "cabinet.enter"
    return go_to(where, note="email-confirmed" if waiting.own else "user-confirmed")


def _worthless(trouble: Trouble) -> Response:
    words = {
        Trouble.USED: _("This link was used already: the address is confirmed. Sign in with it."),
        Trouble.OVER: _(
            "This link has ended, or a newer letter was sent. Open the link of the newest letter, or ask for another."
        ),
        Trouble.UNKNOWN: _("There is no such link. Copy it from the letter whole, or ask for another letter."),
    }
    return page("members/confirm.html", 404 if trouble is Trouble.UNKNOWN else 410, problem=words[trouble])
