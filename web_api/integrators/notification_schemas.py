"""What products send and get of notifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from pushhub.delivery.rules import DeliveryStatus
from pushhub.http.fields import Time, one_of
from pushhub.notifications import rules
from pushhub.notifications.rules import NotificationStatus
from pushhub.translations.message_texts import LOCALES

ALL = "all"
_LONGEST_NUMBER = 40
_NAMED = 10


class To(fields.Field[list[str] | None]):
    """One number, a list of them, or `all`. Read as a list of texts; None for all."""

    def __init__(self) -> None:
        number = {"type": "string", "minLength": 1, "maxLength": _LONGEST_NUMBER, "example": "+77011234567"}
        numbers = {"type": "array", "items": number, "minItems": 1, "maxItems": rules.MOST_NUMBERS}
        super().__init__(
            required=True,
            metadata={
                "oneOf": [number, numbers],
                "description": "A number in E.164, a list of them, or `all` for every number that is yours: it was "
                "bound through your offer, or you have asked a code for it.",
            },
        )

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value == ALL:
            return None
        written = value if isinstance(value, list) else [value]
        if not written:
            raise ValidationError("Send at least one number.")
        if len(written) > rules.MOST_NUMBERS:
            raise ValidationError(
                f"Send at most {rules.MOST_NUMBERS:,} numbers in one request; here are {len(written):,}."
            )
        unfit = [
            place
            for place, text in enumerate(written)
            if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_NUMBER
        ]
        if unfit:
            places = (
                f" Look at the places {', '.join(map(str, unfit[:_NAMED]))}, counted from 0."
                if written is value
                else ""
            )
            raise ValidationError(f"Send each number as a text of 1 to {_LONGEST_NUMBER} characters.{places}")
        return written


def _fitting(data: dict[str, str]) -> None:
    if fault := rules.fault_of(data):
        raise ValidationError(fault)


def _title() -> fields.String:
    return fields.String(required=True, validate=validate.Length(min=1, max=rules.LONGEST_TITLE))


def _body() -> fields.String:
    return fields.String(required=True, validate=validate.Length(min=1, max=rules.LONGEST_BODY))


class Words(Schema):
    title = _title()
    body = _body()


Texts = Schema.from_dict({locale: fields.Nested(Words) for locale in LOCALES}, name="NotificationTexts")


class NewNotification(Schema):
    to = To()
    title = _title()
    data = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        validate=_fitting,
        metadata={
            "description": f"Texts for the app: at most {rules.MOST_DATA}, of {rules.LONGEST_DATA} bytes together.",
            "maxProperties": rules.MOST_DATA,
            "propertyNames": {"minLength": 1},
        },
    )
    texts = fields.Nested(
        Texts,
        load_default=dict,
        metadata={
            "description": "The words in other languages; a reader whose language is not here gets `title`, `body`."
        },
    )
    ttl = fields.Integer(
        strict=True,
        load_default=rules.USUAL_LIFE,
        validate=validate.Range(min=rules.SHORTEST_LIFE, max=rules.LONGEST_LIFE),
        metadata={"description": "For how many seconds after `send_at` it is worth delivering."},
    )
    send_at = fields.AwareDateTime(
        format="iso",
        load_default=None,
        allow_none=True,
        metadata={"description": f"RFC 3339, at most {rules.LONGEST_WAIT.days} days ahead. Left out: now."},
    )
    body = _body()


_ACCEPTED = "How many numbers it is for, each counted once. Null for `all` of very many until all have had their turn."


class NotificationTaken(Schema):
    id = fields.String(required=True)
    status = fields.String(required=True, validate=one_of(NotificationStatus))
    accepted = fields.Integer(required=True, allow_none=True, metadata={"description": _ACCEPTED})


class Notification(NotificationTaken):
    live = fields.Boolean(required=True, metadata={"description": "False with a test key: it reaches nobody."})
    title = fields.String(required=True)
    body = fields.String(required=True)
    texts = fields.Nested(Texts, required=True)
    data = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    created_at = Time(required=True)
    send_at = Time(required=True)
    expires_at = Time(required=True)
    unreachable = fields.Integer(
        required=True, metadata={"description": "How many of the numbers had no device when their turn came."}
    )
    progress = fields.Nested(
        Schema.from_dict(
            {str(status): fields.Integer(required=True) for status in DeliveryStatus}, name="NotificationProgress"
        ),
        required=True,
        metadata={"description": "How many of the other numbers have come how far."},
    )
