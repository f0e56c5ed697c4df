"""A website that is no part of pushhub. It has an API key, and shows `<pushhub-panel>` to whoever signs in.

What the browser says is never believed: when the panel says "approved", this server asks pushhub itself.
"""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

LANGUAGES = ("kk", "ru", "en")


def _asking(service: str, key: str) -> Callable[..., dict[str, Any]]:
    """Calls of pushhub's API from this server. Raises `urllib.error.URLError`, for a refusal `HTTPError`."""

    def ask(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(service + path, data, headers, method=method)  # noqa: S310 - our own setting
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
            document: dict[str, Any] = json.load(answer)
            return document

    return ask


def create_app(service: str, key: str) -> Flask:
    """The website. `service` is the address of pushhub, `key` a live API key of this product."""
    app = Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    app.config.update(SESSION_COOKIE_SAMESITE="Lax")

    ask_pushhub = _asking(service, key)

    @app.errorhandler(urllib.error.URLError)
    def out_of_order(_: urllib.error.URLError) -> tuple[str, int]:
        problem = "Signing in does not work at this moment. Try again in a minute."
        return render_template("page.html", language=g.language, problem=problem), 503

    @app.before_request
    def begin() -> None:
        g.nonce = secrets.token_urlsafe(16)
        chosen, theirs = request.values.get("lang"), request.accept_languages.best_match(LANGUAGES, "en")
        g.language = chosen if chosen in LANGUAGES else theirs

    @app.get("/")
    def home() -> str:
        return render_template("page.html", language=g.language, number=session.get("number"))

    @app.post("/sign-in")
    def sign_in() -> str | tuple[str, int]:
        wanted = {
            "number": request.form.get("number", ""),
            "purpose": "sign_in",
            "locale": g.language,
            "origin": request.host_url.rstrip("/"),
        }
        try:
            panel = ask_pushhub("POST", "/v1/panels", wanted)
        except urllib.error.HTTPError as refusal:
            with refusal:
                problem = json.load(refusal)
            return render_template("page.html", language=g.language, problem=problem["detail"]), 422
        session["panel"] = panel["id"]
        return render_template("page.html", language=g.language, panel=panel)

    @app.post("/signed-in")
    def signed_in() -> BaseResponse | tuple[str, int]:
        panel = ask_pushhub("GET", f"/v1/panels/{session.pop('panel')}") if "panel" in session else None
        if panel is None or panel["status"] != "approved" or panel["purpose"] != "sign_in":
            return render_template("page.html", language=g.language, problem="Nobody has confirmed a number here."), 403
        session["number"] = panel["number_masked"]
        return redirect(url_for("home", lang=g.language), 303)

    @app.post("/sign-out")
    def sign_out() -> BaseResponse:
        session.clear()
        return redirect(url_for("home", lang=g.language), 303)

    @app.after_request
    def strict(response: Response) -> Response:
        parts = urlsplit(service)
        pushhub = f"{parts.scheme}://{parts.netloc}"
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src {pushhub} 'nonce-{g.nonce}'; connect-src {pushhub}; style-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    return app
