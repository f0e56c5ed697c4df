"""The mailbox of the start page: what the simulated mail server took, for everybody on this machine to read.

A newcomer has no mail account here; without this page the link of a letter would be out of reach.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, make_response
from markupsafe import Markup, escape
from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from demo.start.pages import for_everybody, page
from pushhub.context import current
from pushhub.kernel.errors import NotFound

log = logging.getLogger(__name__)
mailbox = Blueprint("mailbox", __name__)
for_everybody(mailbox)
SHOWN = 30
_ONLY_LOOKED_AT = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
_TIMEOUT = timedelta(seconds=2)
_TAKEN = 250
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as the page shows it."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: Markup = field(repr=False)
    #: RFC 3339.
    at: str = ""
    #: The same as HTML, where the mail has that, and under what name it is shown.
    html: str = field(default="", repr=False)
    name: str = ""


@mailbox.get("/start/mail")
def show_mail() -> Response:
    """The newest mails, the last one first."""
    return _not_kept(page("mail.html", mails=_arrived(), shown=SHOWN, texts={}))


@mailbox.get("/start/mail/<int:name>")
def show_mail_as_html(name: int) -> Response:
    """The HTML of one mail, as a mail reader shows it: it runs nothing, loads nothing and sends nothing."""
    html = next((mail.html for mail in _arrived() or () if mail.name == str(name)), "")
    if not html:
        raise NotFound
    response = _not_kept(html)
    response.headers["Content-Security-Policy"] = _ONLY_LOOKED_AT
    return response


def with_links(text: str) -> Markup:
    """A text in which addresses can be clicked, and which is nothing but text otherwise."""
    shown, end = Markup(), 0
    for found in _LINK.finditer(text):
        link = Markup('<a href="{0}" target="_blank" rel="noopener">{0}</a>').format(found.group())
        shown += escape(text[end : found.start()]) + link
        end = found.end()
    return shown + escape(text[end:])


def _not_kept(html: str) -> Response:
    response = make_response(html)
    response.headers["Cache-Control"] = "no-store"
    return response


def _arrived() -> list[Mail] | None:
    """None where the simulator does not answer. Raises `NotFound` where mail is not simulated."""
    settings = current().settings
    if not settings.simulated or settings.simulator_url is None:
        raise NotFound
    builder = SyncClientBuilder().no_proxy().follow_redirects(False).timeout(_TIMEOUT)
    try:
        with builder.build() as client:
            response = client.get(f"{settings.simulator_url}/arrived?provider=email&newest={SHOWN}").build().send()
            arrivals = json.loads(bytes(response.bytes()))["arrived"]
        return [_mail(arrival) for arrival in reversed(arrivals) if arrival["status"] == _TAKEN]
    except (PyreqwestError, ValueError, LookupError, TypeError) as problem:
        log.warning("the simulated mail server gave no answer", extra={"reason": type(problem).__name__})
        return None


def _mail(arrival: dict[str, Any]) -> Mail:
    read = arrival["payload"]
    return Mail(
        str(read["to"]),
        str(read["subject"]),
        with_links("\n".join(str(read["text"]).splitlines()).strip()),
        str(arrival["at"]),
        str(read.get("html", "")),
        str(arrival["seq"]),
    )
