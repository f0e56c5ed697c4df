"""A product that sends notifications, and crowds of bound numbers to send them to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from pushhub.devices.models import Binding, Device, Offer
from pushhub.kernel.db import transaction
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.notifications.send import Draft, notify
from pushhub.products.products import recognise
from tests.support.actors import Shop, expect

WORDS = {"title": "Meeting", "body": "The meeting begins at six."}


class Sender:
    """A product's calls about notifications."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def post(
        self, to: Any, *, key: str | None = None, headers: dict[str, str] | None = None, **more: Any
    ) -> TestResponse:
        """Send, whatever the answer."""
        return self.shop.call("POST", "/v1/notifications", {"to": to} | WORDS | more, key=key, **(headers or {}))

    def send(self, to: Any, **more: Any) -> dict[str, Any]:
        return expect(self.post(to, **more), 202)

    def send_to_all(self, app: Flask, *, counted_at_once: int, life: timedelta = timedelta(days=1)) -> dict[str, Any]:
        """Send where many more are bound than are counted at once."""
        with app.app_context():
            draft = Draft(**WORDS, life=life)
            taken = notify(recognise(self.shop.key), None, draft, counted_at_once=counted_at_once)
        return self.show({"id": public_id(Prefix.NOTIFICATION, taken.notification.id)})

    def show(self, notification: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        return expect(self.shop.call("GET", f"/v1/notifications/{notification['id']}", key=key), 200)

    def cancel(self, notification: dict[str, Any]) -> TestResponse:
        return self.shop.call("POST", f"/v1/notifications/{notification['id']}/cancel")

    def progress(self, notification: dict[str, Any], key: str | None = None) -> dict[str, int]:
        """The counts that are not zero."""
        return {status: count for status, count in self.show(notification, key)["progress"].items() if count}


def number(place: int) -> str:
    """The valid number at this place of a long row of them."""
    return f"+7701{place:07d}"


def bind_crowd(app: Flask, shop: Shop | None, count: int, now: datetime, *, first: int = 0) -> list[str]:
    """Bound numbers, written straight into the database; through an offer of `shop`, where there is one."""
    numbers = [number(first + place) for place in range(count)]
    devices: list[dict[str, Any]] = []
    bindings: list[dict[str, Any]] = []
    offers: list[dict[str, Any]] = []
    for text in numbers:
        device, binding = new_key(), new_key()
        devices.append(
            {
                "id": device,
                "installation_digest": text,
                "key_thumbprint": "none",
                "secret_digest": f"secret of {text}",
                "platform": "android",
                "model": "Phone",
                "os_version": "16",
                "app_version": "1.0.0",
                "locale": "ru",
                "push_kind": "fcm_token",
                "push_value": f"target of {text}",
                "push_registered_at": now,
                "created_at": now,
                "last_seen_at": now,
            }
        )
        bindings.append(
            {
                "id": binding,
                "number": text,
                "device_id": device,
                "assurance": "signed_in",
                "consent_version": "1",
                "bound_at": now,
            }
        )
        if shop is not None:
            offers.append(
                {
                    "id": new_key(),
                    "product_id": shop.product.id,
                    "number": text,
                    "live": True,
                    "status": "used",
                    "assurance": "signed_in",
                    "locale": "ru",
                    "totp_secret": b"",
                    "qr_secret": b"",
                    "qr_digest": f"digest of {text}",
                    "step_seconds": 30,
                    "tries": 0,
                    "created_at": now,
                    "expires_at": now,
                    "binding_id": binding,
                }
            )
    tables: list[tuple[type[Any], list[dict[str, Any]]]] = [(Device, devices), (Binding, bindings), (Offer, offers)]
    with app.app_context(), transaction() as session:
        for table, rows in tables:
            for begin in range(0, len(rows), 1000):
                session.execute(sa.insert(table), rows[begin : begin + 1000])
    return numbers
