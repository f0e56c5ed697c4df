"""`/docs`: the OpenAPI document, browsable, with nothing fetched from elsewhere. `/errors`: every code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, render_template, send_from_directory

from pushhub.http.contract import public
from pushhub.kernel.errors import PushhubError

pages = Blueprint(
    "documentation", __name__, template_folder="templates", static_folder="static", static_url_path="/docs/own"
)
pages.before_request(public)
_SWAGGER_UI = Path(flask_swagger_ui.__file__).with_name("dist")
_SERVED = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
# Swagger UI sets style attributes from its script, so inline styles have to be allowed on this one page.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)


@pages.get("/docs")
def browse() -> Response:
    """The API, browsable."""
    return Response(render_template("docs.html"), headers={"Content-Security-Policy": _POLICY})


@pages.get("/docs/ui/<name>")
def swagger_ui_file(name: str) -> Response:
    """One of the files of Swagger UI that the page needs."""
    return send_from_directory(_SWAGGER_UI, name if name in _SERVED else "no-such-file", max_age=86400)


@pages.get("/errors")
def list_errors() -> Response:
    """Every stable code with its status and what to do."""
    page = render_template("errors.html", kinds=sorted(all_errors(), key=lambda kind: (kind.status, kind.code)))
    return Response(page, headers={"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'"})


def all_errors(root: type[PushhubError] = PushhubError) -> Iterator[type[PushhubError]]:
    """The whole tree of refusals."""
    yield root
    for kind in root.__subclasses__():
        yield from all_errors(kind)
