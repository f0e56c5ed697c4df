"""The letters that a cabinet sends: in whose name, and what pages say of them."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from pushhub.accounts.letters.sender import Sender, TooManyLetters
from pushhub.context import current
from pushhub.mail.health import mail_state
from pushhub.mail.rendering import Paper
from pushhub.mail.rules import MailState
from web_api.cabinet.forms import Form
from web_api.cabinet.request_context import caller, language, profile


def sender() -> Sender:
    """In the name of this cabinet, in the reader's language."""
    public, about = current().settings.public_url, profile()
    entrance = f"{public}{url_for('cabinet.enter')}"
    asks = any(way.ask for way in about.recoveries)  # else the way to a new password begins at the sign-in
    look = about.look
    return Sender(
        product_id=caller().product_id,
        name=about.name,
        locale=language(),
        entrance=entrance,
        recovery=f"{public}{url_for('cabinet.ask_recovery')}" if asks else entrance,
        paper=Paper(look.accent, look.accent_deep, look.dark_accent, look.dark_accent_deep),
        zone=about.clock.zone,
        city=about.clock.city.said(language()),
        link=lambda secret: f"{public}{url_for('cabinet.look_at_link', secret=secret)}",
    )


def mail_words() -> str | None:
    """What is to be said of mail beside a letter that was promised: nothing while it goes."""
    words = {
        MailState.DELAYED: _("The mail server does not answer now. The letter goes as soon as it does."),
        MailState.NOT_CONFIGURED: _(
            "Mail is not set up on this site, so the letter can't go. Tell the support service."
        ),
    }
    return words.get(mail_state())


def refuse_letters(form: Form, refusal: TooManyLetters) -> None:
    """Too many letters: say from when it goes on."""
    form.refuse_until("email", _("Too many letters were sent. Try again after {when}."), refusal.until)
