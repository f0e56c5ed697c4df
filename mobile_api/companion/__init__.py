"""The companion app in the browser: a phone on the same `/mobile/v1` as native apps, with a key of its own.

It is an installable web app (manifest, service worker). The pages hold no secret and no state; everything a
device has is in the browser that is the device.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, abort, redirect, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from mobile_api.companion.shell import ICONS, files_of_the_shell, version_of
from mobile_api.companion.words import script_texts
from pushhub.http.contract import public
from pushhub.http.design import secured
from pushhub.translations import LANGUAGE_NAMES, chosen_language
from pushhub.translations.message_texts import LOCALES

pages = Blueprint(
    "companion", __name__, template_folder="templates", static_folder="static", static_url_path="/app/own"
)
#: The service worker keeps the app for when there is no network; no other cache may show an old one.
_NO_CACHE = {"Cache-Control": "no-cache"}
pages.before_request(public)
pages.after_request(secured)


def register(app: Flask) -> None:
    """Add the routes of this package."""
    app.register_blueprint(pages)


@pages.get("/app")
@pages.get("/app/bind/v1")
def show_app() -> Response:
    """The app; `/app/bind/v1` is where the link in a QR code leads, with its secret after the `#`."""
    return Response(_shell(chosen_language()), headers=_NO_CACHE, content_type="text/html; charset=utf-8")


@pages.get("/app/")
def show_app_at_its_address() -> BaseResponse:
    """As some type it; the service worker knows the app without the last slash."""
    return redirect(f"/app?{urlencode(request.args)}".rstrip("?"))


@pages.get("/app/<language>.webmanifest")
def show_manifest(language: str) -> Response:
    """What a phone needs to know to install the app, in one language."""
    if language not in LOCALES:
        abort(404)
    with force_locale(language):
        manifest = {
            "id": "/app",
            "name": _("Notification feed"),
            "short_name": _("Notifications"),
            "description": _("The app for codes and notifications of the services that you use."),
            "lang": language,
            "dir": "ltr",
            "start_url": "/app",
            "scope": "/app",
            "display": "standalone",
            "background_color": "#f2f5f4",
            "theme_color": "#0b6b63",
            "categories": ["utilities", "education"],
            "icons": [
                {
                    "src": url_for("companion.static", filename=f"icons/{name}"),
                    "sizes": f"{size}x{size}",
                    "type": "image/png",
                    "purpose": purpose,
                }
                for name, size, purpose in ICONS
            ],
        }
    text = json.dumps(manifest, ensure_ascii=False)
    return Response(text, headers=_NO_CACHE, content_type="application/manifest+json")


@pages.get("/app/worker.js")
def show_worker() -> Response:
    """The service worker. It names the version of everything that it keeps, so any change makes it a new one."""
    shells = {language: _shell(language) for language in LOCALES}
    files = files_of_the_shell()
    script = render_template(
        "companion_worker.js",
        version=version_of(shells, files),
        files=[url_for(f"{place}.static", filename=name) for place, name in files],
        languages=LOCALES,
    )
    headers = _NO_CACHE | {"Service-Worker-Allowed": "/app"}
    return Response(script, headers=headers, content_type="text/javascript; charset=utf-8")


def _shell(language: str) -> str:
    """The page as it is for everybody who reads this language."""
    with force_locale(language):
        return render_template("companion.html", language=language, languages=LANGUAGE_NAMES, texts=script_texts())
