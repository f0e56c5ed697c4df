"""Who is calling from a page: the panel's secret in the header `Authorization`, and from which origin."""

from __future__ import annotations

from typing import cast

from flask import Response, g, request

from pushhub.context import current
from pushhub.kernel.errors import OriginRefused, PanelOver
from pushhub.panels.panel_session import PanelSession, recognise
from pushhub.panels.rules import origin_in
from web_api.integrators import quota

_PREFLIGHT_SECONDS = 7200


def valid_panel_secret() -> None:
    """Guard: refuse whoever shows no secret of a panel that is not over, or shows it in a page of another origin.

    A browser asks first, without the secret, whether it may ask (the preflight): everybody may.
    """
    if request.method == "OPTIONS":
        return
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise PanelOver
    visit = recognise(secret.strip())
    if visit.panel.origin is not None and _origin_of_page() != visit.panel.origin:
        raise OriginRefused
    quota.spend_of("panel", current().quotas.panel_requests, str(visit.panel.id))
    g.panel_visit = visit


def _origin_of_page() -> str | None:
    """The origin of the page that asks. In a GET to their own origin browsers leave `Origin` out and say only that it
    is the same (Fetch standard, 3.1; Fetch Metadata): that is ours."""
    named = request.headers.get("Origin")
    if named is None and request.headers.get("Sec-Fetch-Site") == "same-origin":
        return origin_in(current().settings.public_url)
    return named


def visit() -> PanelSession:
    """The panel of this request."""
    return cast(PanelSession, g.panel_visit)


def open_to_pages(response: Response) -> Response:
    """Let the page's script read the answer (Fetch standard, CORS). No cookie is ever read or set here; a refusal
    tells nothing, so every page may read it."""
    known: PanelSession | None = g.get("panel_visit")
    response.headers["Access-Control-Allow-Origin"] = (known.panel.origin if known is not None else None) or "*"
    response.headers["Access-Control-Expose-Headers"] = "Date, Retry-After"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.vary.add("Origin")
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
    return response
