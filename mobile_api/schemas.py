"""What the app sends and gets."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from pushhub.channels.contract import ApnsEnvironment, PushKind
from pushhub.channels.hms import TARGET as HMS_TARGET
from pushhub.channels.subscription import Subscription, UnfitSubscription
from pushhub.delivery.rules import DeliveryKind
from pushhub.devices.models import Platform
from pushhub.feed.receipts import ReceiptEvent
from pushhub.http.fields import Time, one_of
from pushhub.verifications.rules import VerificationStatus

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
        if data["kind"] is PushKind.WEBPUSH:
            try:
                Subscription.parse(data["value"])
            except UnfitSubscription as problem:
                raise ValidationError(str(problem), "value") from None
        if data["kind"] is PushKind.HMS and not HMS_TARGET.fullmatch(data["value"]):
            raise ValidationError("Send the token of HmsInstanceId.getToken as it is, without spaces.", "value")


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
    number = fields.String(
        validate=short(40),
        metadata={"description": "With a password always; with a QR code where the person typed one: they must agree."},
    )
    password = fields.String(validate=short(40))
    qr = fields.String(validate=short(500), metadata={"description": "The whole link that the camera read."})
    device = fields.Nested(NewDevice, required=True)
    consent_version = fields.String(required=True, validate=short(20))

    @validates_schema
    def _one_way(self, data: dict[str, Any], **_: Any) -> None:
        if ("qr" in data) == ("password" in data) or ("password" in data and "number" not in data):
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
    kind = fields.String(required=True, validate=one_of(DeliveryKind))
    product = fields.Nested(ProductShown, required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    created_at = Time(required=True)
    expires_at = Time(required=True)
    seen_at = Time(required=True, allow_none=True)
    code_status = fields.String(
        required=True,
        allow_none=True,
        validate=one_of(VerificationStatus),
        metadata={"description": "What became of the code: of use only while `pending`. None for a notification."},
    )
    sent_again_as = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "`delivery_id` of the newest delivery of the same code to this device, where it was sent "
            "again after this one: show the code there, and here only that it was sent again."
        },
    )


class Feed(Schema):
    items = fields.List(fields.Nested(FeedItem), required=True)
    next = fields.String(required=True, allow_none=True)


class OpenedDelivery(Schema):
    delivery_id = fields.String(required=True)
    kind = fields.String(required=True, validate=one_of(DeliveryKind))
    code = fields.String(metadata={"description": "Only for a code that can still be used."})
    purpose = fields.String()
    data = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "Only for a notification to which the product gave some; the same as in its push."},
    )
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
    app_link = fields.String(
        required=True, metadata={"description": "Every QR code of this installation holds `<app_link>/v1#…`."}
    )
    stores = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True), required=True)
    server_time = Time(required=True)
    webpush_key = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`applicationServerKey` for `PushManager.subscribe`; null: subscribe to nothing."},
    )
    simulated_push = fields.Boolean(
        required=True, metadata={"description": "The push providers are simulators: any push target is accepted."}
    )
