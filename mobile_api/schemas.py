"""What the app sends and gets."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from pushhub.binding.rules import Platform
from pushhub.channels.contract import ApnsEnvironment, PushKind
from pushhub.delivery.receipts import ReceiptEvent
from pushhub.delivery.rules import DeliveryKind
from pushhub.http.fields import Time

_LANGUAGE_TAG = validate.Regexp(
    r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", error="Send a language tag such as kk or ru-KZ."
)


def short(longest: int = 80) -> validate.Length:
    return validate.Length(min=1, max=longest)


class PushTarget(Schema):
    kind = fields.Enum(PushKind, by_value=True, required=True)
    value = fields.String(validate=validate.Length(max=4096), load_default="")
    topic = fields.String(validate=short(255), load_default=None, allow_none=True)
    environment = fields.Enum(ApnsEnvironment, by_value=True, load_default=ApnsEnvironment.PRODUCTION)

    @validates_schema
    def _has_a_value(self, data: dict[str, Any], **_: Any) -> None:
        if data["kind"] is not PushKind.POLL and len(data["value"].strip()) < 8:
            raise ValidationError("Send the address that the push service gave the app.", "value")


class NewDevice(Schema):
    installation_id = fields.String(required=True, validate=validate.Length(min=8, max=255))
    hardware_id = fields.String(validate=validate.Length(min=8, max=255), load_default=None, allow_none=True)
    platform = fields.Enum(Platform, by_value=True, required=True)
    model = fields.String(required=True, validate=short())
    os_version = fields.String(required=True, validate=short(40))
    app_version = fields.String(required=True, validate=short(40))
    locale = fields.String(required=True, validate=[validate.Length(max=35), _LANGUAGE_TAG])
    push_target = fields.Nested(PushTarget, required=True)


class NewBinding(Schema):
    number = fields.String(validate=short(40))
    password = fields.String(validate=short(40))
    qr = fields.String(validate=short(500), metadata={"description": "The whole link that the camera read."})
    device = fields.Nested(NewDevice, required=True)
    consent_version = fields.String(required=True, validate=short(20))

    @validates_schema
    def _one_way(self, data: dict[str, Any], **_: Any) -> None:
        typed = {"number", "password"} & data.keys()
        if ("qr" in data) == bool(typed) or (typed and len(typed) < 2):
            raise ValidationError("Send either number and password, or qr.", "password")


class Binding(Schema):
    id = fields.String(required=True)
    number = fields.String(required=True, metadata={"description": "E.164"})
    bound_at = Time(required=True)
    rebind_allowed_at = Time(
        required=True, metadata={"description": "From when this device may be bound to a different number."}
    )


class DeviceSecret(Schema):
    id = fields.String(required=True)
    secret = fields.String(required=True, metadata={"description": "Shown once. Keep it in the key store."})


class BindingMade(Schema):
    binding = fields.Nested(Binding, required=True)
    device = fields.Nested(DeviceSecret, required=True)


class BindingState(Schema):
    bound = fields.Boolean(required=True)
    binding = fields.Nested(Binding, required=True, allow_none=True)
    ended = fields.Nested(
        Schema.from_dict({"reason": fields.String(required=True), "at": Time(required=True)}, name="BindingEnd"),
        required=True,
        allow_none=True,
        metadata={"description": "Why and when the last binding ended, while there is none."},
    )


class DeviceChange(Schema):
    push_target = fields.Nested(PushTarget)
    locale = fields.String(validate=[validate.Length(max=35), _LANGUAGE_TAG])
    app_version = fields.String(validate=short(40))
    os_version = fields.String(validate=short(40))
    notifications_allowed = fields.Boolean(allow_none=True)
    push_service_present = fields.Boolean(allow_none=True)


class Device(Schema):
    id = fields.String(required=True)
    platform = fields.String(required=True)
    model = fields.String(required=True)
    app_version = fields.String(required=True)
    locale = fields.String(required=True)
    push_kind = fields.String(required=True)


class FeedQuery(Schema):
    after = fields.String(validate=short(64), metadata={"description": "`next` of the page before."})


class ProductShown(Schema):
    id = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    icon = fields.String(required=True, allow_none=True)


class FeedItem(Schema):
    delivery_id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in DeliveryKind]))
    product = fields.Nested(ProductShown, required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    created_at = Time(required=True)
    expires_at = Time(required=True)
    seen_at = Time(required=True, allow_none=True)


class Feed(Schema):
    items = fields.List(fields.Nested(FeedItem), required=True)
    next = fields.String(required=True, allow_none=True)


class OpenedDelivery(Schema):
    delivery_id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in DeliveryKind]))
    code = fields.String(metadata={"description": "Only for a code that can still be used."})
    purpose = fields.String()
    product = fields.Nested(ProductShown, required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    expires_at = Time(required=True)


class Receipt(Schema):
    delivery_id = fields.String(required=True, validate=short(64))
    event = fields.Enum(ReceiptEvent, by_value=True, required=True)
    at = fields.AwareDateTime(required=True, metadata={"description": "When it happened, by the phone's clock."})


class Receipts(Schema):
    receipts = fields.List(fields.Nested(Receipt), required=True, validate=validate.Length(min=1, max=100))


class Consent(Schema):
    version = fields.String(required=True)
    texts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class Config(Schema):
    consent = fields.Nested(Consent, required=True)
    oldest_app_version = fields.String(required=True)
    stores = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True), required=True)
    server_time = Time(required=True)
    simulated_push = fields.Boolean(
        required=True, metadata={"description": "The push providers are simulators: any push target is accepted."}
    )
