"""The companion app in the browser: a phone on the same `/mobile/v1` as native apps, with a key of its own.

The pages hold no secret and no state; everything a device has is in the browser that is the device.
"""

from __future__ import annotations

from flask import Blueprint, Flask, render_template

from mobile_api.companion.words import script_texts
from pushhub.http.contract import public
from pushhub.http.design import secured
from pushhub.translations import LANGUAGE_NAMES, chosen_language

pages = Blueprint(
    "companion", __name__, template_folder="templates", static_folder="static", static_url_path="/app/own"
)
pages.before_request(public)
pages.after_request(secured)


def register(app: Flask) -> None:
    """Add the routes of this package."""
    app.register_blueprint(pages)


@pages.get("/app")
@pages.get("/app/bind/v1")
def show_app() -> str:
    """The app; `/app/bind/v1` is where the link in a QR code leads, with its secret after the `#`."""
    return render_template("companion.html", language=chosen_language(), languages=LANGUAGE_NAMES, texts=script_texts())
