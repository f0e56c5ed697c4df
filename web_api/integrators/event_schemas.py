"""What products send and get about events and webhooks."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from pushhub.events.models import Tag
from pushhub.http.fields import Time, one_of
from pushhub.webhooks.endpoints import TOLD
from pushhub.webhooks.rules import DisabledReason, MessageStatus
from pushhub.webhooks.targets import LONGEST_URL


class EventsQuery(Schema):
    after = fields.String(
        load_default=None,
        validate=validate.Length(max=100),
        metadata={"description": "`next` of the page before; left out: from the oldest event there is."},
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))


class Event(Schema):
    """The document that `GET /v1/events` gives and a webhook carries."""

    id = fields.String(required=True, metadata={"description": "`evt_…`; also the header `webhook-id`."})
    type = fields.String(required=True, validate=one_of(Tag))
    timestamp = fields.String(required=True, metadata={"description": "RFC 3339; when it happened."})
    data = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "What changed by its id (`verification_id`, `offer_id`, …) and how."},
    )


class EventPage(Schema):
    items = fields.List(fields.Nested(Event), required=True, metadata={"description": "Oldest first."})
    next = fields.String(required=True, metadata={"description": "Send it as `after`; also where `items` is empty."})


def _url(*, required: bool = False) -> fields.String:
    return fields.String(
        required=required,
        validate=validate.Length(min=1, max=LONGEST_URL),
        metadata={"description": "https:// on the open Internet.", "example": "https://cabinet.example.kz/pushhub"},
    )


def _types() -> fields.List[str]:
    return fields.List(
        fields.String(validate=one_of(TOLD)),
        validate=validate.Length(max=len(TOLD)),
        metadata={"description": "What it is told of; empty or left out: of everything."},
    )


class NewWebhook(Schema):
    url = _url(required=True)
    events = _types()


class WebhookChanges(Schema):
    url = _url()
    events = _types()
    enabled = fields.Boolean(truthy={True}, falsy={False})


class Webhook(Schema):
    id = fields.String(required=True)
    url = fields.String(required=True)
    events = fields.List(
        fields.String(), required=True, metadata={"description": "What it is told of; empty: of everything."}
    )
    enabled = fields.Boolean(required=True)
    disabled_reason = fields.String(
        required=True,
        allow_none=True,
        validate=one_of(DisabledReason),
        metadata={"description": "`gone`: it answered 410. `switched_off`: you did."},
    )
    disabled_at = Time(required=True, allow_none=True)
    old_secret_until = Time(
        required=True,
        allow_none=True,
        metadata={"description": "Until when messages are signed with an earlier secret as well."},
    )
    created_at = Time(required=True)


class WebhookWithSecret(Webhook):
    secret = fields.String(required=True, metadata={"description": "`whsec_…`; shown in this answer and in no other."})


class Webhooks(Schema):
    items = fields.List(fields.Nested(Webhook), required=True)


class WebhookDelivery(Schema):
    event_id = fields.String(required=True)
    type = fields.String(required=True, validate=one_of(Tag))
    status = fields.String(required=True, validate=one_of(MessageStatus))
    tries = fields.Integer(required=True)
    created_at = Time(required=True)
    changed_at = Time(required=True)
    next_try_at = Time(required=True, allow_none=True, metadata={"description": "While it is queued."})
    last_status = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The HTTP status of the last try, if there was one."}
    )
    error = fields.String(
        required=True, allow_none=True, metadata={"description": "What was wrong with the last try, in one word."}
    )


class WebhookDeliveries(Schema):
    items = fields.List(fields.Nested(WebhookDelivery), required=True, metadata={"description": "Newest first."})
