"""A cabinet without a browser: its application, its pages as a person's browser gets them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from demo.sample import FAMILY, REGISTER
from pushhub.accounts import costs
from pushhub.accounts.costs import Argon2, Costs
from pushhub.accounts.people.register import register
from pushhub.accounts.sign_in_identifiers import Identifier, by_iin
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of, prepare_product
from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.settings import Settings
from pushhub.products.products import Caller
from tests.support.databases import FakeClock

_CHEAP = Argon2(rounds=1, memory=8)


@pytest.fixture(autouse=True)
def cheap_argon2(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pages don't wait for what a guesser has to pay. A module that asks about that says `REAL_ARGON2 = True`."""
    cheap = Costs(password=_CHEAP, stem=_CHEAP, short_mark=_CHEAP, mark=_CHEAP, long_mark=_CHEAP)
    with costs.use(Costs() if getattr(request.module, "REAL_ARGON2", False) else cheap):
        yield


def with_products(app: Flask, *profiles: str) -> Flask:
    """The application, with the products of these cabinets."""
    with app.app_context():
        for name in profiles:
            prepare_product(read_profile(name))
    return app


@pytest.fixture
def cabinet_settings(settings: Settings) -> Settings:
    return replace(settings, cabinets=("indigo",), registry_file=REGISTER)


@pytest.fixture
def app(make_app: Callable[..., Flask], cabinet_settings: Settings, now: FakeClock) -> Flask:
    """An application with the INDIGO cabinet and its product."""
    return with_products(make_app(cabinet_settings), "indigo")


@pytest.fixture
def caller(app: Flask) -> Caller:
    with app.app_context():
        return caller_of(read_profile("indigo"))


def person(iin: str = FAMILY.iin) -> Identifier:
    """Who has this IIN. Within an application."""
    return by_iin(Iin.parse(iin, clock.now().date()))


@pytest.fixture
def account(app: Flask, caller: Caller) -> str:
    """Айгерим has an account; her number."""
    with app.app_context():
        register(caller.product_id, person(), PhoneNumber.parse(FAMILY.number), FAMILY.password)
    return FAMILY.number


class Browser:
    """A person's browser without scripts: follows links and sends forms as they are in the page."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.page: TestResponse | None = None

    @property
    def text(self) -> str:
        assert self.page is not None
        return self.page.get_data(as_text=True)

    @property
    def path(self) -> str:
        assert self.page is not None
        return self.page.request.path

    def open(self, path: str) -> TestResponse:
        self.page = self.client.get(path, base_url="https://codes.test", follow_redirects=True)
        return self.page

    def send(self, path: str | None = None, **fields: str) -> TestResponse:
        """Send a form to `path`, or to the page that is open."""
        found = re.search(r'name="sent_by" value="([0-9a-f]+)"', self.text)
        assert found, self.text
        self.page = self.client.post(
            path or self.path,
            data={"sent_by": found[1]} | {name.replace("__", "-"): value for name, value in fields.items()},
            base_url="https://codes.test",
            follow_redirects=True,
            headers={"Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0"},
        )
        return self.page

    def panel_secret(self) -> str:
        """What the page that is open gives its panel."""
        found = re.search(r'<pushhub-panel secret="(phs_\w+)"', self.text)
        assert found, self.text
        return found[1]

    def panel_state(self) -> dict[str, Any]:
        """What that panel shows."""
        answer = self.client.get("/panel/v1/state", headers={"Authorization": f"Bearer {self.panel_secret()}"})
        state: dict[str, Any] = answer.get_json()
        return state

    def shown_offer(self) -> dict[str, Any]:
        """The offer in the page that is open."""
        offer: dict[str, Any] = self.panel_state()["offer"]
        return offer

    def name_themselves(self, iin: str = FAMILY.iin) -> None:
        self.open("/cabinet/indigo/?lang=ru")
        self.send(iin=iin, consent__agreement="yes", consent__contact="yes")
        assert "/sign-in/" in self.path

    def sign_in(self, iin: str = FAMILY.iin, password: str = FAMILY.password) -> TestResponse:
        self.name_themselves(iin)
        return self.send(password=password)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    return Browser(app)
