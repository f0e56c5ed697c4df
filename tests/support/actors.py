"""Who takes part in a story: a product that asks for codes, a parent's phone. They speak HTTP like anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from pushhub.products import products
from pushhub.products.models import Product
from reference_device import Answer, ReferenceDevice, Refused
from tests.support.databases import FakeClock

NUMBER = "+77057546868"
OTHER_NUMBER = "+77011234567"


class Shop:
    """An integrated product."""

    def __init__(self, app: Flask, key: str, *, test_key: str, product: Product) -> None:
        self.app = app
        self._client = app.test_client()
        self.key = key
        self.test_key = test_key
        self.product = product

    @classmethod
    def new(cls, app: Flask, name: str = "INDIGO", **policy: object) -> Shop:
        """A product that is made for it, with a live and a test key."""
        with app.app_context():
            made = products.create_product(name, policy)
        return cls(app, made.live_key.text, test_key=made.test_key.text, product=made.product)

    def add_key(self, **options: Any) -> str:
        """A further key, by itself a live one."""
        with self.app.app_context():
            return products.add_key(self.product.id, **{"live": True} | options).text

    def call(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {key or self.key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self._client.open(path, method=method, json=body, headers=sent)

    def offer(self, number: str = NUMBER, assurance: str | None = "signed_in", **more: Any) -> dict[str, Any]:
        body = {"number": number} | ({"assurance": assurance} if assurance else {}) | more
        return expect(self.call("POST", "/v1/offers", body), 201)

    def show_offer(self, offer: Mapping[str, Any]) -> dict[str, Any]:
        return expect(self.call("GET", f"/v1/offers/{offer['id']}"), 200)

    def try_to_ask(
        self, number: str = NUMBER, purpose: str = "sign_in", key: str | None = None, **more: Any
    ) -> TestResponse:
        """Ask for a code, whatever the answer."""
        return self.call("POST", "/v1/verifications", {"number": number, "purpose": purpose} | more, key)

    def ask(self, number: str = NUMBER, purpose: str = "sign_in", **more: Any) -> dict[str, Any]:
        response = self.try_to_ask(number, purpose, **more)
        return expect(response, response.status_code if response.status_code in (200, 201) else 201)

    def show(self, verification: Mapping[str, Any]) -> dict[str, Any]:
        return expect(self.call("GET", f"/v1/verifications/{verification['id']}"), 200)

    def last_delivery(self, verification: Mapping[str, Any]) -> dict[str, Any]:
        """The newest delivery of a verification, as the product sees it."""
        delivery: dict[str, Any] = self.show(verification)["deliveries"][-1]
        return delivery

    def resend(self, verification: Mapping[str, Any]) -> dict[str, Any]:
        return expect(self.call("POST", f"/v1/verifications/{verification['id']}/resend"), 200)

    def cancel(self, verification: Mapping[str, Any]) -> dict[str, Any]:
        return expect(self.call("POST", f"/v1/verifications/{verification['id']}/cancel"), 200)

    def check(self, verification: Mapping[str, Any], code: str) -> dict[str, Any]:
        return expect(self.call("POST", f"/v1/verifications/{verification['id']}/check", {"code": code}), 200)


class Phone(ReferenceDevice):
    """A parent's phone: the reference device, talking to the application without a network."""

    @classmethod
    def new(cls, app: Flask, server: str, now: FakeClock, **traits: Any) -> Phone:
        client = app.test_client()

        def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
            parts = urlsplit(url)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            response = client.open(path, method=method, headers=dict(headers), data=body)
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, names, response.get_data())

        traits.setdefault("push_target", {"kind": "fcm_token", "value": f"target-of-{id(client)}"})
        return cls(server, send, now=lambda: now().timestamp(), **traits)

    def bind_to(self, shop: Shop, number: str = NUMBER, **offer: Any) -> dict[str, Any]:
        """Read the password off the cabinet's page and type it."""
        return self.bind(number=number, password=shop.offer(number, **offer)["password"])

    def read_code(self) -> str:
        """Open the newest code in the feed."""
        codes = [item for item in self.feed() if item["kind"] == "code"]
        return str(self.reveal(codes[-1]["delivery_id"])["code"])


MakeShop = Callable[..., Shop]
MakePhone = Callable[..., Phone]


def refusal(attempt: Callable[[], object]) -> Refused:
    """How the service refuses what a phone tries."""
    with pytest.raises(Refused) as caught:
        attempt()
    return caught.value


def expect(response: TestResponse, status: int) -> dict[str, Any]:
    """The answer's document, after looking at its status."""
    assert response.status_code == status, f"{response.status_code}: {response.get_data(as_text=True)}"
    document: dict[str, Any] = response.get_json()
    return document


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The one shape of every refusal."""
    assert response.status_code == status, f"{response.status_code}: {response.get_data(as_text=True)}"
    assert response.content_type == "application/problem+json"
    document: dict[str, Any] = response.get_json(force=True)
    assert document["code"] == code
    assert document["status"] == status
    assert document["type"] == f"/errors#{code}"
    assert document["title"]
    assert document["detail"]
    return document
