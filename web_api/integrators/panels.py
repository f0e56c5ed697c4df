"""Panels: the product's server has one made for a page, and asks how it ended."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from pushhub.context import current
from pushhub.http.fields import Time, one_of
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import errors
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.panels import panels
from pushhub.panels.panels import ShownPanel
from pushhub.panels.rules import PanelStatus, origin_in
from pushhub.products.products import Caller
from pushhub.products.rules import Assurance, Scope
from pushhub.translations.message_texts import LOCALES
from web_api.integrators.caller import NO_STORE, operations, repeatable, replay_header, the_caller
from web_api.integrators.schemas import assurance_field, number_field

face = operations("panels", __name__, "Panels: QR code, password and code entry in the product's own pages")


def _is_an_origin(text: str) -> None:
    if origin_in(text) is None:
        raise ValidationError("Not an origin such as https://cabinet.example.kz (http:// is for this machine only).")


class NewPanel(Schema):
    number = number_field()
    purpose = fields.String(
        validate=validate.Length(min=1, max=40),
        load_default=None,
        allow_none=True,
        metadata={"description": "What the code is for. Left out: the panel only binds."},
    )
    locale = fields.String(validate=one_of(LOCALES), load_default="ru")
    assurance = assurance_field("How you know that whoever sees the panel owns the number, as with an offer.")
    origin = fields.String(
        validate=[validate.Length(min=1, max=255), _is_an_origin],
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The only origin whose pages may use the panel. Left out: any.",
            "example": "https://cabinet.example.kz",
        },
    )


class Panel(Schema):
    id = fields.String(required=True)
    status = fields.String(required=True, validate=one_of(PanelStatus))
    live = fields.Boolean(required=True, metadata={"description": "False with a test key: it reaches nobody."})
    number_masked = fields.String(required=True)
    purpose = fields.String(required=True, allow_none=True)
    assurance = fields.String(required=True, validate=one_of(Assurance))
    locale = fields.String(required=True, validate=one_of(LOCALES))
    origin = fields.String(required=True, allow_none=True)
    offer = fields.String(required=True, allow_none=True, metadata={"description": "The id of its offer."})
    verification = fields.String(required=True, allow_none=True, metadata={"description": "The id of its code's."})
    approved_at = Time(
        required=True, allow_none=True, metadata={"description": "When the right code was typed into this very panel."}
    )
    created_at = Time(required=True)
    expires_at = Time(required=True)


class MadePanel(Panel):
    secret = fields.String(
        required=True, metadata={"description": "`phs_…`, for the page. Shown now, and to a repeat of this request."}
    )
    script = fields.String(required=True, metadata={"description": "The module that the page loads."})


@face.operation(
    "POST",
    "",
    body=NewPanel,
    answer=MadePanel,
    status=201,
    repeatable=True,
    refuses=[
        errors.NumberInvalid,
        errors.NumberNotAllowed,
        errors.UnknownPurpose,
        errors.AssuranceNotAllowed,
        errors.NotFound,
    ],
)
def create_panel(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Have a panel made for one number; its secret goes into your page"""
    shown = panels.create_panel(
        _caller(body["purpose"]),
        PhoneNumber.parse(body["number"]),
        purpose=body["purpose"],
        assurance=body["assurance"],
        locale=body["locale"],
        origin=origin_in(body["origin"]) if body["origin"] is not None else None,
        request=repeatable(),
    )
    script = f"{current().settings.public_url}/panel.js"
    document = panel_document(shown) | {"secret": shown.secret, "script": script}
    return document, 201, NO_STORE | replay_header(shown.replayed)


@face.operation("GET", "/<panel_id>", answer=Panel)
def show_panel(panel_id: str) -> dict[str, Any]:
    """How the panel is doing; ask here before you believe a page that says it was approved"""
    return panel_document(panels.show_panel(_caller(None), parse_id(Prefix.PANEL, panel_id)))


@face.operation("DELETE", "/<panel_id>", answer=None, status=204)
def close_panel(panel_id: str) -> None:
    """End the panel and its offer; one that has ended stays as it is"""
    panels.close_panel(_caller(None), parse_id(Prefix.PANEL, panel_id))


def _caller(purpose: str | None) -> Caller:
    """A panel makes offers and, with a purpose, sends codes: its maker must be allowed to do both."""
    if purpose is not None:
        the_caller(Scope.VERIFICATIONS)
    return the_caller(Scope.OFFERS)


def panel_document(shown: ShownPanel) -> dict[str, Any]:
    """A panel as its product sees it."""
    panel = shown.panel
    return {
        "id": public_id(Prefix.PANEL, panel.id),
        "status": shown.status,
        "live": panel.live,
        "number_masked": panel.number.masked,
        "purpose": panel.purpose,
        "assurance": panel.assurance,
        "locale": panel.locale,
        "origin": panel.origin,
        "offer": public_id(Prefix.OFFER, panel.offer_id) if panel.offer_id is not None else None,
        "verification": (
            public_id(Prefix.VERIFICATION, panel.verification_id) if panel.verification_id is not None else None
        ),
        "approved_at": panel.approved_at,
        "created_at": panel.created_at,
        "expires_at": panel.expires_at,
    }
