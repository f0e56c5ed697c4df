"""What a panel is told. Never a full number, never whose device it is, never a code."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from pushhub.binding.offers import ShownOffer
from pushhub.devices.models import OfferStatus
from pushhub.devices.reachability import REASONS
from pushhub.http.fields import Time, one_of
from pushhub.kernel.ids import Prefix, public_id
from pushhub.panels import panel_session
from pushhub.panels.rules import PanelStatus
from pushhub.products.route import PLACES, read_route
from pushhub.translations.message_texts import LOCALES
from pushhub.verifications.models import Verification as VerificationRow
from pushhub.verifications.rules import VerificationStatus
from web_api.pictures import qr_modules


class Modules(Schema):
    """A QR code without its quiet zone of four modules."""

    size = fields.Integer(required=True, metadata={"description": "Modules in a row, and rows."})
    rows = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Each row as hexadecimal digits: four modules a digit from the left, 1 is dark."},
    )


class PanelOffer(Schema):
    id = fields.String(required=True)
    status = fields.String(required=True, validate=one_of(OfferStatus))
    reason = fields.String(required=True, allow_none=True)
    password = fields.String(required=True, allow_none=True)
    password_changes_at = Time(required=True, allow_none=True)
    step_seconds = fields.Integer(required=True)
    expires_at = Time(required=True)
    link = fields.String(
        required=True, allow_none=True, metadata={"description": "Opens the app on the device that shows the panel."}
    )
    qr = fields.Nested(Modules, required=True, allow_none=True)


class PanelVerification(Schema):
    id = fields.String(required=True)
    status = fields.String(
        required=True,
        validate=one_of(VerificationStatus),
        metadata={"description": "`approved` only where the code was typed into this panel."},
    )
    way = fields.String(required=True, validate=one_of(PLACES), metadata={"description": "By what it went last."})
    digits = fields.Integer(required=True)
    armed = fields.Boolean(required=True, metadata={"description": "Whether the person can have read the code."})
    created_at = Time(required=True)
    expires_at = Time(required=True)
    resend_at = Time(required=True)
    resends_left = fields.Integer(required=True)
    attempts_left = fields.Integer(required=True)


class Sight(Schema):
    id = fields.String(required=True)
    status = fields.String(required=True, validate=one_of(PanelStatus))
    product = fields.String(required=True, metadata={"description": "The product's name."})
    number_masked = fields.String(required=True)
    purpose = fields.String(required=True, allow_none=True)
    locale = fields.String(required=True, validate=one_of(LOCALES))
    way = fields.String(
        required=True,
        allow_none=True,
        validate=one_of(PLACES),
        metadata={"description": "By what a code would go now; null where nothing reaches the number."},
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        validate=one_of(REASONS),
        metadata={"description": "Why the app on the number can't be reached; null where it can."},
    )
    may_bind = fields.Boolean(
        required=True, metadata={"description": "False where the purpose demands more than this panel can prove."}
    )
    expires_at = Time(required=True)
    offer = fields.Nested(PanelOffer, required=True, allow_none=True)
    verification = fields.Nested(PanelVerification, required=True, allow_none=True)


class CheckedSight(Sight):
    valid = fields.Boolean(required=True, metadata={"description": "Whether this was the code."})


def sight_document(sight: panel_session.PanelView) -> dict[str, Any]:
    """Everything that the panel shows."""
    panel = sight.panel
    return {
        "id": public_id(Prefix.PANEL, panel.id),
        "status": sight.status,
        "product": sight.product_name,
        "number_masked": panel.number.masked,
        "purpose": panel.purpose,
        "locale": panel.locale,
        "way": sight.way,
        "reason": sight.reason,
        "may_bind": sight.may_bind,
        "expires_at": panel.expires_at,
        "offer": _offer_document(sight.offer) if sight.offer is not None else None,
        "verification": (
            _verification_document(sight.verification, sight.verification_status)
            if sight.verification is not None and sight.verification_status is not None
            else None
        ),
    }


def _offer_document(shown: ShownOffer) -> dict[str, Any]:
    return {
        "id": public_id(Prefix.OFFER, shown.offer.id),
        "status": shown.status,
        "reason": shown.offer.closed_reason,
        "password": shown.password,
        "password_changes_at": shown.password_changes_at,
        "step_seconds": shown.offer.step_seconds,
        "expires_at": shown.offer.expires_at,
        "link": panel_session.link_on_this_device(shown.link) if shown.link is not None else None,
        "qr": qr_modules(shown.link) if shown.link is not None else None,
    }


def _verification_document(verification: VerificationRow, status: VerificationStatus) -> dict[str, Any]:
    pending = status is VerificationStatus.PENDING
    return {
        "id": public_id(Prefix.VERIFICATION, verification.id),
        "status": status,
        "way": read_route(tuple(verification.route))[verification.step].channel,
        "digits": verification.digits,
        "armed": verification.armed_at is not None,
        "created_at": verification.created_at,
        "expires_at": verification.expires_at,
        "resend_at": verification.resend_at,
        "resends_left": verification.resends_left,
        "attempts_left": verification.attempts_allowed - verification.attempts_used if pending else 0,
    }
