"""Offers to bind: the password and the QR code that a product shows in its cabinet."""

from __future__ import annotations

from typing import Any

from flask import Response

from pushhub.binding import offers
from pushhub.binding.offers import ShownOffer
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import errors
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.products.rules import Scope
from web_api.integrators import schemas
from web_api.integrators.caller import NO_STORE, operations, repeatable, replay_header, the_caller
from web_api.pictures import qr_png, qr_svg

face = operations("offers", __name__, "Offers to bind a device to a number")


@face.operation(
    "POST",
    "",
    body=schemas.NewOffer,
    answer=schemas.Offer,
    status=201,
    repeatable=True,
    refuses=[
        errors.NumberInvalid,
        errors.NumberNotAllowed,
        errors.AssuranceNotAllowed,
    ],
)
def create_offer(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Make an offer to bind a device to a number; your earlier offer for the number ends"""
    shown = offers.create_offer(
        the_caller(Scope.OFFERS),
        PhoneNumber.parse(body["number"]),
        assurance=body["assurance"],
        locale=body["locale"],
        request=repeatable(),
    )
    return offer_document(shown), 201, NO_STORE | replay_header(shown.replayed)


@face.operation("GET", "/<offer_id>", answer=schemas.Offer)
def show_offer(offer_id: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The offer with the password of this moment; poll it to notice that the device was bound"""
    return offer_document(_offer(offer_id)), 200, NO_STORE


@face.operation("GET", "/<offer_id>/qr.svg", answer=None, media_type="image/svg+xml")
def show_qr_svg(offer_id: str) -> Response:
    """The QR code as SVG"""
    return _picture(_offer(offer_id), "image/svg+xml")


@face.operation("GET", "/<offer_id>/qr.png", answer=None, media_type="image/png")
def show_qr_png(offer_id: str) -> Response:
    """The QR code as PNG"""
    return _picture(_offer(offer_id), "image/png")


@face.operation("DELETE", "/<offer_id>", answer=None, status=204)
def cancel_offer(offer_id: str) -> None:
    """End the offer; one that has ended stays as it is"""
    offers.cancel_offer(the_caller(Scope.OFFERS), parse_id(Prefix.OFFER, offer_id))


def _offer(offer_id: str) -> ShownOffer:
    return offers.show_offer(the_caller(Scope.OFFERS), parse_id(Prefix.OFFER, offer_id))


def _picture(shown: ShownOffer, media_type: str) -> Response:
    if shown.link is None:
        raise errors.NotFound("The offer has ended, so it has no QR code any more. Make a new one.")
    picture = qr_svg(shown.link) if media_type == "image/svg+xml" else qr_png(shown.link)
    return Response(picture, content_type=media_type, headers=NO_STORE)


def offer_document(shown: ShownOffer) -> dict[str, Any]:
    """An offer as a product sees it."""
    offer, name = shown.offer, public_id(Prefix.OFFER, shown.offer.id)
    qr = {"link": shown.link, "svg": f"/v1/offers/{name}/qr.svg", "png": f"/v1/offers/{name}/qr.png"}
    return {
        "id": name,
        "number": offer.number.e164,
        "status": shown.status,
        "reason": offer.closed_reason,
        "assurance": offer.assurance,
        "password": shown.password,
        "password_changes_at": shown.password_changes_at,
        "step_seconds": offer.step_seconds,
        "expires_at": offer.expires_at,
        "qr": qr if shown.link is not None else None,
        "binding": _binding_document(shown),
    }


def _binding_document(shown: ShownOffer) -> dict[str, Any] | None:
    binding = shown.binding
    if binding is None:
        return None
    return {
        "id": public_id(Prefix.BINDING, binding.id),
        "device": {"platform": binding.device.platform, "model": binding.device.model},
        "bound_at": binding.bound_at,
    }
