"""The blueprints of the cabinets and their guards. The first part of an address names the cabinet."""

from __future__ import annotations

import hmac
import logging
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from pushhub.context import current
from pushhub.http.design import secured
from pushhub.http.not_found import not_found
from pushhub.http.problems import problem_response, refusal_of
from pushhub.kernel.errors import (
    BodyTooLarge,
    Busy,
    CabinetNotReady,
    CustomersUnavailable,
    DatabaseUnavailable,
    ForgeryRefused,
    MalformedBody,
    NotFound,
    PushhubError,
    RegistryUnavailable,
)
from web_api.cabinet.request_context import cabinet_named, forgery_secret, go_to, keep_visitor, page, signed_in

log = logging.getLogger(__name__)
#: The name of the field that shows that a form is ours.
FORGERY_FIELD = "sent_by"
#: All that somebody can do whose password was given out: choose their own, or leave.
_BEFORE_OWN_PASSWORD = tuple(f"cabinet_members.{view}" for view in ("show_password", "take_new_password", "sign_out"))

#: Pages for everybody, pages for who is signed in, and what pages are made of (colours, pictures).
pages = Blueprint(
    "cabinet",
    __name__,
    url_prefix="/cabinet/<slug>",
    template_folder="templates",
)
members = Blueprint("cabinet_members", __name__, url_prefix="/cabinet/<slug>")
assets = Blueprint("cabinet_assets", __name__, url_prefix="/cabinet", static_folder="static", static_url_path="/own")


def sent_by_our_page() -> None:
    """Guard: everybody may call, but no other site in somebody's name."""
    _find_cabinet()
    if request.method != "POST":
        return
    # Our pages send no referrer, and so their forms come with the origin "null": Sec-Fetch-Site tells more, and what
    # decides is the field that no other site can know.
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    hosts = (request.host, urlsplit(current().settings.public_url).netloc)
    ours = site in ("same-origin", "none") if site else origin in (None, "null") or urlsplit(origin).netloc in hosts
    if not ours or not hmac.compare_digest(request.form.get(FORGERY_FIELD, "").encode(), forgery_secret().encode()):
        raise ForgeryRefused


def signed_in_here() -> BaseResponse | None:
    """Guard: only who is signed in; everybody else is led to the sign-in. Whoever has a password that was given out is
    led to a new one first."""
    sent_by_our_page()
    found = signed_in()
    if found is None:
        return go_to("cabinet.enter", note="session-over")
    if found.account.must_change_password and request.endpoint not in _BEFORE_OWN_PASSWORD:
        return go_to("cabinet_members.show_password")
    return None


def a_cabinet() -> None:
    """Guard: everybody may see what pages are made of."""
    if g.get("cabinet_slug") is not None:
        _find_cabinet()


def _find_cabinet() -> None:
    if g.get("cabinet") is None:
        raise NotFound


def _take_slug(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    slug = (values or {}).pop("slug", None)
    g.cabinet_slug = slug
    g.cabinet = cabinet_named(slug) if slug is not None else None


def _give_slug(_endpoint: str, values: dict[str, Any]) -> None:
    values.setdefault("slug", g.get("cabinet_slug"))


def _finish(response: Response) -> Response:
    if response.content_type.startswith(("text/html", "application/json")):
        # Pages hold a person's data and the secret of their forms; passwords and QR codes are not kept either.
        response.headers["Cache-Control"] = "no-store"
    if g.get("cabinet") is not None:
        keep_visitor(response)
    return secured(response)


def _explain(problem: PushhubError) -> Response:
    """A page instead of a problem document: here people read."""
    if g.get("cabinet") is None:
        return not_found() if isinstance(problem, NotFound) else problem_response(problem)
    if isinstance(problem, CabinetNotReady):
        log.error("cabinet has no product", extra={"cabinet": g.cabinet.profile.slug})
    title, text = _words_for(problem)
    if request.path.endswith(".json"):
        return problem_response(problem)
    again = None if isinstance(problem, NotFound) else request.full_path.rstrip("?")
    response = page("problem.html", problem.status, title=title, text=text, again=again)
    if problem.status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _words_for(problem: PushhubError) -> tuple[str, str]:
    if isinstance(problem, (ForgeryRefused, MalformedBody)):
        return _("The page is too old"), _("Nothing was lost: open it again and send the form once more.")
    unchecked = _("We could not check the data now. Try again in a few minutes.")
    if isinstance(problem, RegistryUnavailable):
        return _("The state register does not answer"), unchecked
    if isinstance(problem, CustomersUnavailable):
        return _("The system with the contracts does not answer"), unchecked
    if isinstance(problem, BodyTooLarge):
        return _("That is too long"), _("The form was longer than can be taken. Nothing was changed.")
    if isinstance(problem, NotFound):
        return _("There is no such page"), _("Perhaps it is over or the address has a slip in it.")
    if isinstance(problem, (Busy, DatabaseUnavailable, CabinetNotReady)):
        return _("The service can't answer now"), _("Nothing was changed. Try again in a few minutes.")
    return _("That did not work"), _("It is our fault, not yours. Try again; if it goes on, tell the support service.")


def _explain_http(problem: HTTPException) -> BaseResponse:
    if (problem.code or 500) < 400:
        return problem.get_response()
    return _explain(NotFound() if problem.code in (404, 405) else refusal_of(problem)())


def _explain_bug(problem: Exception) -> Response:
    log.error("unhandled error", exc_info=problem, extra={"endpoint": request.endpoint})
    return _explain(PushhubError())


for _blueprint, _guard in ((pages, sent_by_our_page), (members, signed_in_here), (assets, a_cabinet)):
    _blueprint.url_value_preprocessor(_take_slug)
    _blueprint.before_request(_guard)
    if _blueprint is not assets:
        _blueprint.url_defaults(_give_slug)
        _blueprint.after_request(_finish)
    _blueprint.register_error_handler(PushhubError, _explain)
    _blueprint.register_error_handler(HTTPException, _explain_http)
    _blueprint.register_error_handler(404, _explain_http)  # else the application's own goes first
    _blueprint.register_error_handler(Exception, _explain_bug)
