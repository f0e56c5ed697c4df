"""The feed of this device, what is in it, and the device's receipts."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import make_response, request
from werkzeug.wrappers import Response as BaseResponse

from mobile_api import schemas
from mobile_api.signed import operations, signed_by_known_device, the_device
from pushhub.feed import receipts
from pushhub.feed.receipts import FeedItem, Receipt
from pushhub.kernel import errors
from pushhub.kernel.ids import Prefix, parse_id, public_id

face = operations("app_deliveries", __name__, "Codes and notifications on this device", guard=signed_by_known_device)


@face.operation("GET", "/feed", query=schemas.FeedQuery, answer=schemas.Feed, refuses=[errors.NotFound])
def show_feed(query: dict[str, Any]) -> BaseResponse:
    """Codes and notifications of every product, oldest first. Cheap to poll: send the ETag as If-None-Match"""
    after = query.get("after")
    items = receipts.feed(the_device(), parse_id(Prefix.DELIVERY, after) if after else None)
    page = {
        "items": [_listed(item) for item in items],
        "next": public_id(Prefix.DELIVERY, items[-1].delivery_id) if items else after,
    }
    response = make_response(schemas.Feed().dump(page))
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)


@face.operation("GET", "/deliveries/<delivery_id>", answer=schemas.OpenedDelivery)
def open_delivery(delivery_id: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """What a push points to. For a code: reveals it, counts as the receipt, and makes the code checkable"""
    opened = receipts.open_delivery(the_device(), parse_id(Prefix.DELIVERY, delivery_id))
    further = {"code": opened.code, "purpose": opened.purpose, "data": opened.data or None}
    document = _listed(opened.item) | {name: value for name, value in further.items() if value is not None}
    return document, 200, {"Cache-Control": "no-store"}


@face.operation("POST", "/receipts", body=schemas.Receipts, answer=None, status=204, refuses=[errors.NotFound])
def acknowledge(body: dict[str, Any]) -> None:
    """Say what arrived and what was seen; repeats and any order do no harm"""
    receipts.acknowledge(
        the_device(),
        [
            Receipt(parse_id(Prefix.DELIVERY, entry["delivery_id"]), entry["event"], entry["at"])
            for entry in body["receipts"]
        ],
    )


def _listed(item: FeedItem) -> dict[str, Any]:
    product_id, again = item.product_id, item.sent_again_as
    return {
        "delivery_id": public_id(Prefix.DELIVERY, item.delivery_id),
        "kind": item.kind,
        "product": {
            "id": public_id(Prefix.PRODUCT, product_id) if product_id is not None else None,
            "name": item.product_name,
            "icon": None,
        },
        "title": item.title,
        "body": item.body,
        "created_at": item.created_at,
        "expires_at": item.expires_at,
        "seen_at": item.seen_at,
        "code_status": item.code_status,
        "sent_again_as": public_id(Prefix.DELIVERY, again) if again is not None else None,
    }
