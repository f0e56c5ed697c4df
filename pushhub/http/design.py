"""What all pages look like: one stylesheet, one frame around them, and the few lines of script they share."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState

from pushhub.context import current
from pushhub.translations import keep_language

design = Blueprint("design", __name__, template_folder="templates", static_folder="static", static_url_path="/design")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'; "
    "manifest-src 'self'; worker-src 'self'"
)


@design.record
def _write_letters_as_letters(state: BlueprintSetupState) -> None:
    """Texts for scripts are put into pages as they are: escaped, a Cyrillic letter would weigh six bytes, not two."""
    state.app.jinja_env.policies["json.dumps_kwargs"] = {"ensure_ascii": False}


def secured(response: Response) -> Response:
    """The headers of a page for people: nothing from elsewhere, no other site around it, its language."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    if current().settings.public_url.startswith("https://"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return keep_language(response)
