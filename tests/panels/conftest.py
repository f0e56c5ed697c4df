"""A page that has a panel's secret and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.actors import NUMBER, MakeShop, Shop, expect

SITE = "https://cabinet.example.kz"


class Page:
    """A page of the product in somebody's browser."""

    def __init__(self, app: Flask, panel: dict[str, Any], origin: str | None = SITE) -> None:
        self._client = app.test_client()
        self.panel = panel
        self.secret: str = panel["secret"]
        self.origin = origin

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.secret}"} | ({"Origin": self.origin} if self.origin else {}) | headers
        return self._client.open(path, method=method, json=body, headers=sent)

    def state(self) -> dict[str, Any]:
        return expect(self.call("GET", "/panel/v1/state"), 200)

    def have(self, what: str, body: Any = None) -> dict[str, Any]:
        return expect(self.call("POST", f"/panel/v1/{what}", body), 200)

    def check(self, code: str) -> dict[str, Any]:
        return self.have("check", {"code": code})


class PanelMaker:
    """The product's server, which has panels made for its pages."""

    def __init__(self, app: Flask, shop: Shop) -> None:
        self._app = app
        self.shop = shop

    def make(self, number: str = NUMBER, *, key: str | None = None, page_at: str | None = SITE, **more: Any) -> Page:
        body = {"number": number, "purpose": "sign_in", "assurance": "signed_in"} | more
        made = expect(self.shop.call("POST", "/v1/panels", body, key), 201)
        return Page(self._app, made, page_at)

    def look(self, page: Page, key: str | None = None) -> dict[str, Any]:
        """What the product's server is told of it."""
        return expect(self.shop.call("GET", f"/v1/panels/{page.panel['id']}", key=key), 200)

    def close(self, page: Page) -> None:
        assert self.shop.call("DELETE", f"/v1/panels/{page.panel['id']}").status_code == 204


@pytest.fixture
def maker(app: Flask, shop: Shop) -> PanelMaker:
    return PanelMaker(app, shop)


@pytest.fixture
def page(maker: PanelMaker) -> Page:
    """A page with a panel for the number of the story."""
    return maker.make()


@pytest.fixture
def make_maker(app: Flask, make_shop: MakeShop) -> Callable[..., PanelMaker]:
    """Another product's server."""
    return lambda *args, **policy: PanelMaker(app, make_shop(*args, **policy))
