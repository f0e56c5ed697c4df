"""The panel's module and its texts: the same for everybody, readable by every site."""

from __future__ import annotations

import json
from functools import lru_cache

from flask import Blueprint, Response, abort, request
from flask_babel import force_locale

from pushhub.http.contract import public
from pushhub.translations.message_texts import LOCALES
from web_api.panels.words import panel_texts

files = Blueprint("panel_files", __name__, static_folder="static", static_url_path="/panel/own")
files.before_request(public)


@files.get("/panel.js")
def show_module() -> Response:
    """The custom element `<pushhub-panel>`."""
    return files.send_static_file("panel.js")


@files.get("/panel/words-<language>.json")
def show_words(language: str) -> Response:
    """The panel's texts in one language."""
    if language not in LOCALES:
        abort(404)
    response = Response(_words(language), content_type="application/json")
    response.add_etag()
    response.make_conditional(request)
    return response


@lru_cache(maxsize=len(LOCALES))
def _words(language: str) -> str:
    with force_locale(language):
        return json.dumps(panel_texts(), ensure_ascii=False, separators=(",", ":"))


@files.after_request
def for_every_site(response: Response) -> Response:
    """Pages of other sites load this; browsers keep it and ask each time whether it is still the same."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "public, no-cache"
    return response
