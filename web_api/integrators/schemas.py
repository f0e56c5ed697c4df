"""What products send and get."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from pushhub.delivery.rules import DeliveryStatus
from pushhub.devices.models import OfferStatus
from pushhub.devices.reachability import REASONS
from pushhub.http.fields import Time, one_of
from pushhub.products.route import PLACES
from pushhub.products.rules import Assurance
from pushhub.translations.message_texts import LOCALES
from pushhub.verifications.rules import VerificationStatus


def number_field() -> fields.String:
    """A phone number in international form."""
    metadata = {"description": "E.164", "example": "+77011234567"}
    return fields.String(required=True, validate=validate.Length(min=1, max=40), metadata=metadata)


def assurance_field(description: str) -> fields.Enum[Assurance]:
    """How the product knows that the number is that of whoever sees its offer."""
    usual = Assurance.ANONYMOUS_OFFER
    return fields.Enum(Assurance, by_value=True, load_default=usual, metadata={"description": description})


class NumberChannel(Schema):
    channel = fields.String(required=True)
    platform = fields.String(required=True)
    last_seen_at = Time(required=True)


class NumberState(Schema):
    number = fields.String(required=True)
    reachable = fields.Boolean(required=True)
    reason = fields.String(
        required=True,
        allow_none=True,
        validate=one_of(REASONS),
        metadata={"description": "Why it can't be reached; null where it can."},
    )
    channels = fields.List(fields.Nested(NumberChannel), required=True)
    bound_at = Time(required=True, allow_none=True)


class NewOffer(Schema):
    number = number_field()
    locale = fields.String(validate=one_of(LOCALES), load_default="ru")
    assurance = assurance_field(
        "How you know that whoever sees the offer owns the number. Left out: anonymous_offer, "
        "which can't take a number from the device that has it."
    )


class Qr(Schema):
    link = fields.String(required=True)
    svg = fields.String(required=True, metadata={"description": "Address of the picture."})
    png = fields.String(required=True, metadata={"description": "Address of the picture."})


class OfferDevice(Schema):
    platform = fields.String(required=True)
    model = fields.String(required=True)


class OfferBinding(Schema):
    id = fields.String(required=True)
    device = fields.Nested(OfferDevice, required=True)
    bound_at = Time(required=True)


class Offer(Schema):
    id = fields.String(required=True)
    number = fields.String(required=True)
    status = fields.String(required=True, validate=one_of(OfferStatus))
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it was cancelled: replaced, cancelled, too_many_tries."},
    )
    assurance = fields.String(required=True, validate=one_of(Assurance))
    password = fields.String(
        required=True, allow_none=True, metadata={"description": "The 12 digits of this moment; null once it ended."}
    )
    password_changes_at = Time(required=True, allow_none=True)
    step_seconds = fields.Integer(required=True)
    expires_at = Time(required=True)
    qr = fields.Nested(Qr, required=True, allow_none=True)
    binding = fields.Nested(OfferBinding, required=True, allow_none=True)


class Client(Schema):
    """The person's browser, as the product sees it."""

    ip = fields.IP(load_default=None, allow_none=True)
    user_agent = fields.String(validate=validate.Length(max=500), load_default=None, allow_none=True)


class NewVerification(Schema):
    number = number_field()
    purpose = fields.String(required=True, validate=validate.Length(min=1, max=40))
    locale = fields.String(validate=one_of(LOCALES), load_default="ru")
    channels = fields.List(
        fields.String(validate=one_of(PLACES)),
        validate=validate.Length(min=1, max=len(PLACES)),
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Which channels of the product's route may carry this code, in this order. Left out: all."
        },
    )
    email = fields.Email(
        validate=validate.Length(max=254),
        load_default=None,
        allow_none=True,
        metadata={"description": "The person's mailbox, for a route that has e-mail. Kept sealed until the end."},
    )
    client = fields.Nested(Client, load_default=None, allow_none=True)


class Attempt(Schema):
    started_at = Time(required=True)
    finished_at = Time(required=True)
    outcome = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    provider_id = fields.String(required=True, allow_none=True)


class Delivery(Schema):
    id = fields.String(required=True)
    channel = fields.String(required=True)
    status = fields.String(required=True, validate=one_of(DeliveryStatus))
    at = Time(required=True, metadata={"description": "When the status last changed."})
    error = fields.String(metadata={"description": "The provider's word for what went wrong."})
    created_at = Time(required=True)
    received_at = Time(required=True, allow_none=True)
    seen_at = Time(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(Attempt), required=True)


class Verification(Schema):
    id = fields.String(required=True)
    status = fields.String(required=True, validate=one_of(VerificationStatus))
    live = fields.Boolean(required=True, metadata={"description": "False with a test key: it reaches nobody."})
    purpose = fields.String(required=True)
    number_masked = fields.String(required=True)
    digits = fields.Integer(required=True)
    route = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The channels in order, each but the last with the seconds it has: `push:20`."},
    )
    next_channel_at = Time(
        required=True,
        allow_none=True,
        metadata={"description": "When the code goes on to the next channel unless the device has it by then."},
    )
    armed = fields.Boolean(
        required=True,
        metadata={"description": "Whether the code can be checked: the phone opened it, or it left by SMS or e-mail."},
    )
    created_at = Time(required=True)
    expires_at = Time(required=True)
    resend_at = Time(required=True)
    resends_left = fields.Integer(required=True)
    attempts_left = fields.Integer(required=True)
    deliveries = fields.List(fields.Nested(Delivery), required=True)


class Typed(Schema):
    code = fields.String(required=True, validate=validate.Length(min=1, max=20))


class CheckResult(Schema):
    valid = fields.Boolean(required=True)
    status = fields.String(required=True, validate=one_of(VerificationStatus))
    attempts_left = fields.Integer(required=True)
