"""A product that sends notifications, and crowds of bound numbers to send them to."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from pushhub.channels.contract import PushKind
from pushhub.delivery.models import Delivery
from pushhub.devices.models import Binding, Device, Offer
from pushhub.kernel.db import transaction
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.notifications.fan_out import fan_out_due
from pushhub.notifications.send import Draft, notify
from pushhub.products.products import recognise
from tests.support.actors import Shop, expect
from tests.support.crowds import binding_row, device_row
from tests.support.rows import values

WORDS = {"title": "Meeting", "body": "The meeting begins at six."}


class Sender:
    """A product's calls about notifications."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.app = shop, shop.app

    def post(
        self, to: Any, *, key: str | None = None, headers: dict[str, str] | None = None, **more: Any
    ) -> TestResponse:
        """Send, whatever the answer."""
        return self.shop.call("POST", "/v1/notifications", {"to": to} | WORDS | more, key=key, **(headers or {}))

    def send(self, to: Any, **more: Any) -> dict[str, Any]:
        return expect(self.post(to, **more), 202)

    def send_to_all(self, *, counted_at_once: int, life: timedelta = timedelta(days=1)) -> dict[str, Any]:
        """Send where many more are bound than are counted at once."""
        with self.app.app_context():
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

    def fan_out(self, limit: int = 500, turns: int = 1000, **more: int) -> int:
        """Let notifications become deliveries until nothing is due; returns how many turns it took."""
        with self.app.app_context():
            for taken in range(turns):
                if not fan_out_due(limit, **more):
                    return taken
        return turns

    def times_reached(self) -> Counter[str | None]:
        """How many deliveries each number has."""
        return Counter(number and number.e164 for number in values(self.app, sa.select(Delivery.number)))

    def bind_crowd(self, count: int, *, first: int = 0, offered: bool = True) -> list[str]:
        """Bound numbers, written straight into the database; through offers of this product, where they are offered."""
        numbers = [number(first + place) for place in range(count)]
        devices = [device_row(PushKind.FCM_TOKEN, f"target of {text}") for text in numbers]
        bindings = [binding_row(text, device) for text, device in zip(numbers, devices, strict=True)]
        offers = [self._used_offer(binding) for binding in bindings] if offered else []
        tables: list[tuple[type[Any], list[dict[str, Any]]]] = [(Device, devices), (Binding, bindings), (Offer, offers)]
        with self.app.app_context(), transaction() as session:
            for table, rows in tables:
                for begin in range(0, len(rows), 1000):
                    session.execute(sa.insert(table), rows[begin : begin + 1000])
        return numbers

    def _used_offer(self, binding: dict[str, Any]) -> dict[str, Any]:
        return {
            **{"id": new_key(), "product_id": self.shop.product.id, "live": True, "status": "used"},
            **{"number": binding["number"], "assurance": "signed_in", "locale": "ru", "binding_id": binding["id"]},
            **{"totp_secret": b"", "qr_secret": b"", "qr_digest": f"digest of {binding['number']}"},
            **{"step_seconds": 30, "tries": 0, "created_at": binding["bound_at"], "expires_at": binding["bound_at"]},
        }


def number(place: int) -> str:
    """The valid number at this place of a long row of them."""
    return f"+7701{place:07d}"
