"""An address at which there is nothing: a page for people, a problem document for programs."""

from __future__ import annotations

from flask import Response, render_template, request

from pushhub.http.design import secured
from pushhub.http.problems import MEDIA_TYPE, problem_response
from pushhub.kernel.errors import NotFound
from pushhub.translations import LANGUAGE_NAMES, chosen_language

#: Where only programs have anything to look for.
_APIS = ("/v1/", "/mobile/", "/panel/")


def not_found(_problem: object = None) -> Response:
    """404, as whoever asks reads it."""
    response = _page() if _people_ask() else problem_response(NotFound())
    response.vary.add("Accept")
    return response


def _people_ask() -> bool:
    """Browsers ask for HTML by name; what takes anything (`*/*`) is a program."""
    wanted = request.accept_mimetypes
    as_json = max(wanted.quality(MEDIA_TYPE), wanted.quality("application/json"))
    return not request.path.startswith(_APIS) and wanted.quality("text/html") > as_json


def _page() -> Response:
    page = render_template("not_found.html", language=chosen_language(), languages=LANGUAGE_NAMES)
    response = Response(page, 404, {"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")
    return response if request.blueprint else secured(response)  # a blueprint does that with all of its pages
