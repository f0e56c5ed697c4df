"""The QR code of the offer that a page shows, for browsers without JavaScript; in others the panel draws it."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from pushhub.accounts.flows.flows import FlowKind
from pushhub.accounts.flows.number_proof import look_at_offer
from pushhub.binding import offers
from pushhub.binding.offers import ShownOffer
from pushhub.kernel.errors import NotFound
from web_api.cabinet import number_proof
from web_api.cabinet.request_context import caller, member
from web_api.cabinet.routes import members, pages
from web_api.pictures import qr_svg


@pages.get("/flows/<flow_id>/qr.svg")
def draw_offer(flow_id: str) -> Response:
    """The QR code of a flow's offer."""
    flow = number_proof.flow_named(flow_id, *FlowKind)
    subject = number_proof.subject_in(flow) if flow is not None else None
    if flow is None or subject is None or not flow.answers.get("offer"):
        raise NotFound
    return _picture(look_at_offer(caller(), subject, UUID(flow.answers["offer"])))


@members.get("/feed/qr.svg")
def draw_own_offer() -> Response:
    """The QR code for who is signed in."""
    offer_id = member().session.offer_id
    return _picture(offers.show_offer(caller(), offer_id) if offer_id is not None else None)


def _picture(shown: ShownOffer | None) -> Response:
    if shown is None or shown.link is None:
        raise NotFound
    return Response(qr_svg(shown.link), content_type="image/svg+xml", headers={"Cache-Control": "no-store"})
