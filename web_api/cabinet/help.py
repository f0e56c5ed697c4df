"""Help, the texts that people agree to, the way to the app, and what pages are made of."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from pushhub.context import current
from pushhub.kernel.errors import NotFound
from web_api.cabinet.request_context import page, profile
from web_api.cabinet.routes import assets, pages
from web_api.pictures import qr_svg

_TOPICS = ("code", "mobile-base", "password", "app")
_KEPT = "public, max-age=3600"


@pages.get("/help")
def show_help() -> Response:
    """«Расскажите больше о вашей ситуации»: the situations, each with its solution."""
    return page("help.html", topic=None)


@pages.get("/help/<topic>")
def show_topic(topic: str) -> Response:
    """One situation. `code`: what to do if the notification did not come or the number is not known."""
    if topic not in _TOPICS:
        raise NotFound
    return page("no-code.html" if topic == "code" else "help.html", topic=topic, back=_way_back())


@pages.get("/documents/<consent_id>")
def show_document(consent_id: str) -> Response:
    """The text of a consent."""
    for consent in profile().consents:
        if consent.id == consent_id and consent.document is not None:
            return page("document.html", consent=consent)
    raise NotFound


@pages.get("/app")
def get_app() -> BaseResponse:
    """To the store of this phone; without one, to the app in the browser."""
    app, settings = profile().app, current().settings
    agent = request.headers.get("User-Agent", "")
    if "Android" in agent:
        link = app.android or settings.android_store_link
    elif "iPhone" in agent or "iPad" in agent:
        link = app.ios or settings.ios_store_link
    else:
        link = None
    return redirect(link or "/app", 302)


@pages.get("/app.svg")
def draw_app() -> Response:
    """The QR code of the way to the app."""
    way = f"{current().settings.public_url}{url_for('cabinet.get_app')}"
    return _kept(Response(qr_svg(way), content_type="image/svg+xml"))


@pages.get("/<path:rest>")
def show_nothing(rest: str) -> Response:
    """No page of ours."""
    raise NotFound


@assets.get("/<slug>/look.css")
def show_look() -> Response:
    """The colours of the profile, as the variables of the design."""
    look = profile().look
    light = f"--accent:{look.accent};--accent-deep:{look.accent_deep};"
    dark = f"--accent:{look.dark_accent};--accent-deep:{look.dark_accent_deep};"
    light += "--tint:color-mix(in srgb,var(--accent) 11%,var(--paper));"
    css = f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    return _kept(Response(css, content_type="text/css"))


@assets.get("/<slug>/logo.svg")
def show_logo() -> Response:
    """The logo of the profile."""
    response = _kept(Response(profile().look.logo, content_type="image/svg+xml"))
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = _KEPT
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _way_back() -> str | None:
    """The page that led here, if it is one of this cabinet: an address of its own, never one of another host."""
    back = request.args.get("from", "")
    prefix = f"/cabinet/{profile().slug}/"
    return back if back.startswith(prefix) and "//" not in back and "\\" not in back else None
