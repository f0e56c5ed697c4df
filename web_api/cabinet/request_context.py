"""What a request to a cabinet is about: which cabinet, which product it asks for, whose browser, who is signed in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Response, current_app, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from pushhub.accounts.sessions import sessions
from pushhub.accounts.sessions.sessions import SignedIn
from pushhub.binding.offers import ShownOffer
from pushhub.cabinets.product import caller_of
from pushhub.cabinets.profile import Profile
from pushhub.context import current
from pushhub.customers.contract import Customers
from pushhub.kernel.clock import now
from pushhub.panels import panels
from pushhub.products.products import Caller
from pushhub.registry.contract import Registry
from pushhub.translations import LANGUAGE_NAMES, chosen_language
from web_api.cabinet.words import checklist, note_words, script_texts

EXTENSION = "pushhub.cabinets"
#: What in a browser's own description tells it from the others, the more special ones first.
_BROWSERS = {
    "YaBrowser/": "Yandex",
    "SamsungBrowser/": "Samsung Internet",
    "HuaweiBrowser/": "Huawei",
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


@dataclass(frozen=True, slots=True)
class Cabinet:
    """One cabinet that is served."""

    profile: Profile
    registry: Registry
    customers: Customers | None


def cabinet_named(slug: str) -> Cabinet | None:
    """The cabinet at this place in the address."""
    cabinets: dict[str, Cabinet] = current_app.extensions[EXTENSION]
    return cabinets.get(slug)


def cabinet() -> Cabinet:
    """The cabinet of this request."""
    return cast(Cabinet, g.cabinet)


def profile() -> Profile:
    """The profile of this request's cabinet."""
    return cabinet().profile


def caller() -> Caller:
    """The product of this request's cabinet, as the one who asks. Raises `CabinetNotReady`."""
    if "cabinet_caller" not in g:
        g.cabinet_caller = caller_of(profile())
    return cast(Caller, g.cabinet_caller)


def language() -> str:
    """The reader's language."""
    return chosen_language()


def served_safely() -> bool:
    """Whether people reach us by https, so that cookies can demand it."""
    return current().settings.public_url.startswith("https://")


def cookie_name(what: str) -> str:
    """`__Host-indigo-session`: with this prefix no other host of the domain can set it (RFC 6265bis, 4.1.3.2)."""
    return f"{'__Host-' if served_safely() else ''}{profile().slug}-{what}"


def visitor() -> str:
    """The secret of this browser, to which its flows belong; made when it is first needed."""
    if "cabinet_visitor" not in g:
        kept = request.cookies.get(cookie_name("visitor"), "")
        g.cabinet_visitor = kept if len(kept) == 43 else secrets.token_urlsafe(32)
    return cast(str, g.cabinet_visitor)


def this_browser() -> str:
    """`Chrome, Windows`: the browser of this request."""
    agent = request.headers.get("User-Agent", "")
    found = [next((name for mark, name in known.items() if mark in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in found if name) or "?"


def forgery_secret() -> str:
    """What the forms of this browser carry, so that no other site can send one in its name."""
    return current().keyring.lookup_digest("cabinet form", f"{profile().slug} {visitor()}")


def signed_in() -> SignedIn | None:
    """The person who is signed in with this browser."""
    if "cabinet_member" not in g:
        secret = request.cookies.get(cookie_name("session"), "")
        g.cabinet_member = sessions.who_is(caller().product_id, secret, profile().sessions) if secret else None
    return cast("SignedIn | None", g.cabinet_member)


def member() -> SignedIn:
    """Who is signed in, behind a guard that made sure that somebody is."""
    found = signed_in()
    if found is None:
        raise RuntimeError("this page has no guard")
    return found


def keep_session(response: BaseResponse, secret: str, *, remembered: bool = False) -> None:
    """Give the browser its session. It lasts as long as the browser's window, or for the days of the profile where it
    is to be remembered; the service ends it by its own clock."""
    life = profile().sessions.remembered if remembered else None
    _keep(response, "session", secret, life)


def forget_session(response: BaseResponse) -> None:
    """Take the session out of the browser."""
    response.delete_cookie(cookie_name("session"), secure=served_safely(), httponly=True, samesite="Lax", path="/")


def keep_visitor(response: Response) -> Response:
    """Give the browser its secret, where a page of this request needed one."""
    if "cabinet_visitor" in g and request.cookies.get(cookie_name("visitor")) != g.cabinet_visitor:
        _keep(response, "visitor", g.cabinet_visitor)
    return response


def _keep(response: BaseResponse, what: str, secret: str, life: timedelta | None = None) -> None:
    response.set_cookie(
        cookie_name(what), secret, max_age=life or None, secure=served_safely(), httponly=True, samesite="Lax", path="/"
    )


def _link_for(shown: ShownOffer) -> str:
    """What the QR code holds, for a phone that shows this very page and can't scan itself. The app in the browser is on
    this host, by whatever scheme the page came."""
    link = shown.link or ""
    return link if current().settings.app_link else urlsplit(link)._replace(scheme="", netloc="").geturl()


def _panel_secret(shown: ShownOffer) -> str:
    """The secret of a panel that shows this offer."""
    # For a number that is nobody's the offer was made as with a test key, and so the panel is.
    return panels.secret_showing(replace(caller(), live=shown.offer.live), shown.offer, locale=language())


def go_to(endpoint: str, *, flow_id: str | None = None, note: str | None = None) -> BaseResponse:
    """To another page, which is got and not sent to (303)."""
    return redirect(url_for(endpoint, flow_id=flow_id, note=note), 303)


def page(template: str, status: int = 200, /, *, noted: bool = False, **values: Any) -> Response:
    """A page of this cabinet. `noted`: it says at its top what the page that led to it has done."""
    about = profile()
    return make_response(
        render_template(
            f"cabinet/{template}",
            language=language(),
            languages=LANGUAGE_NAMES,
            profile=about,
            locale=language(),
            server_time=now().astimezone(about.clock.zone),
            forgery_secret=forgery_secret(),
            texts=script_texts(),
            link_for=_link_for,
            panel_secret=_panel_secret,
            checklist=checklist,
            note=note_words(request.args.get("note")) if noted else None,
            # Where we could not answer, sending the same once more is what helps.
            answers_form=request.method == "POST" and status < 500,
            **values,
        ),
        status,
    )
