"""Who takes part in a story: a product that asks for codes, a parent's phone. They speak HTTP like anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from pushhub.products.models import Product
from reference_device import Answer, ReferenceDevice
from tests.support.databases import FakeClock

NUMBER = "+77057546868"
OTHER_NUMBER = "+77011234567"


class Shop:
    """An integrated product."""

    def __init__(self, app: Flask, key: str, *, test_key: str, product: Product) -> None:
        self._client = app.test_client()
        self.key = key
        self.test_key = test_key
        self.product = product

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

    def ask(self, number: str = NUMBER, purpose: str = "sign_in", **more: Any) -> dict[str, Any]:
        response = self.call("POST", "/v1/verifications", {"number": number, "purpose": purpose} | more)
        return expect(response, response.status_code if response.status_code in (200, 201) else 201)

    def show(self, verification: Mapping[str, Any]) -> dict[str, Any]:
        return expect(self.call("GET", f"/v1/verifications/{verification['id']}"), 200)

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


def last_delivery(shop: Shop, verification: dict[str, Any]) -> dict[str, Any]:
    """The newest delivery of a verification, as the product sees it."""
    delivery: dict[str, Any] = shop.show(verification)["deliveries"][-1]
    return delivery


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
