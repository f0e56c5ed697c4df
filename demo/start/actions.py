"""What the start page's script asks for. Each call is one use case of the code-delivery API with the
demonstration product as its caller; numbers travel in bodies only, addresses hold ids."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from demo.start.product import demo_product
from pushhub.binding import offers
from pushhub.context import current
from pushhub.http.bodies import json_object
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.errors import ForgeryRefused, InvalidRequest, NotFound, UnsupportedMediaType
from pushhub.kernel.ids import Prefix, parse_id
from pushhub.products.products import Caller
from pushhub.translations import chosen_language
from pushhub.verifications.ask import ask as ask_for_code
from pushhub.verifications.check import check as check_code
from pushhub.verifications.lifecycle import find
from pushhub.verifications.models import Verification
from pushhub.verifications.resend import resend as resend_code
from web_api.integrators import quota, schemas
from web_api.integrators.offers import offer_document
from web_api.integrators.verifications import verification_document
from web_api.pictures import qr_svg

actions = Blueprint("start_actions", __name__, url_prefix="/start")
_PURPOSE = "sign_in"


@actions.before_request
def from_our_origin() -> None:
    """Guard: everybody may call, but no other site in somebody's name."""
    if request.method != "POST":
        return
    if not request.is_json:
        raise UnsupportedMediaType
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        ours = site == "same-origin"
    else:
        # A browser without Sec-Fetch-Site sends Origin with a POST; what sends neither is no browser.
        hosts = (request.host, urlsplit(current().settings.public_url).netloc)
        ours = origin is None or urlsplit(origin).netloc in hosts
    if not ours:
        raise ForgeryRefused


@actions.after_request
def keep_nothing(response: Response) -> Response:
    """No cache keeps a password or a QR code."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@actions.post("/verifications")
def ask() -> tuple[dict[str, Any], int]:
    """Send a code to a number."""
    asked = ask_for_code(
        _caller_that_pays(),
        PhoneNumber.parse(_sent("number")),
        _PURPOSE,
        locale=chosen_language(),
        client_address=request.remote_addr,
    )
    return _verification(asked.verification), 201 if asked.created else 200


@actions.get("/verifications/<verification_id>")
def show(verification_id: str) -> dict[str, Any]:
    """The verification with its deliveries."""
    return _verification(find(demo_product(), parse_id(Prefix.VERIFICATION, verification_id)))


@actions.post("/verifications/<verification_id>/check")
def check(verification_id: str) -> dict[str, Any]:
    """Whether this is the code."""
    checked = check_code(_caller_that_pays(), parse_id(Prefix.VERIFICATION, verification_id), _sent("code"))
    return _dumped(
        schemas.CheckResult(),
        {"valid": checked.valid, "status": checked.status, "attempts_left": checked.attempts_left},
    )


@actions.post("/verifications/<verification_id>/resend")
def resend(verification_id: str) -> dict[str, Any]:
    """Send the same code once more."""
    return _verification(resend_code(_caller_that_pays(), parse_id(Prefix.VERIFICATION, verification_id)))


@actions.post("/offers")
def create_offer() -> tuple[dict[str, Any], int]:
    """Make an offer to bind a device. Anybody may ask, so it can't take a number from the device that has it."""
    number = PhoneNumber.parse(_sent("number"))
    return _offer(offers.create_offer(_caller_that_pays(), number, locale=chosen_language())), 201


@actions.get("/offers/<offer_id>")
def show_offer(offer_id: str) -> dict[str, Any]:
    """The offer with the password of this moment."""
    return _offer(offers.show_offer(demo_product(), parse_id(Prefix.OFFER, offer_id)))


@actions.get("/offers/<offer_id>/qr.svg")
def show_qr(offer_id: str) -> Response:
    """The offer's QR code as a picture."""
    shown = offers.show_offer(demo_product(), parse_id(Prefix.OFFER, offer_id))
    if shown.link is None:
        raise NotFound
    return Response(qr_svg(shown.link), content_type="image/svg+xml")


def _caller_that_pays() -> Caller:
    caller = demo_product()
    quota.spend(caller)
    return caller


def _sent(name: str) -> str:
    value = json_object(request.get_data()).get(name)
    if not isinstance(value, str):
        raise InvalidRequest(errors={name: ["Not a valid string."]})
    return value


def _verification(verification: Verification) -> dict[str, Any]:
    return _dumped(schemas.Verification(), verification_document(verification))


def _offer(shown: offers.ShownOffer) -> dict[str, Any]:
    document = _dumped(schemas.Offer(), offer_document(shown))
    document["number_masked"] = PhoneNumber.trusted(document.pop("number")).masked
    if document["qr"] is not None:
        document["qr"] = {"link": document["qr"]["link"], "svg": f"/start/offers/{document['id']}/qr.svg"}
    return document


def _dumped(schema: Any, document: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = schema.dump(document)
    return plain
