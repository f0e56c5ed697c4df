"""A cabinet without a browser: its application, its people, its pages as a person's browser gets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from demo.sample import FAMILY, REGISTER
from pushhub.accounts import costs
from pushhub.accounts.costs import Argon2, Costs
from pushhub.accounts.models import Account
from pushhub.accounts.people.register import register
from pushhub.accounts.sign_in_identifiers import Identifier, by_iin, find_account
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of, prepare_product
from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.settings import Settings
from pushhub.products.products import Caller
from tests.cabinet.browser import Browser
from tests.cabinet.owners import Owner, enter
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
def cabinet_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """A module names its cabinets, `CABINETS = ("kaztranscom",)`; else there is INDIGO's alone."""
    cabinets = getattr(request.module, "CABINETS", ("indigo",))
    return replace(settings, cabinets=cabinets, registry_file=REGISTER)


@pytest.fixture
def app(make_app: Callable[..., Flask], cabinet_settings: Settings, now: FakeClock) -> Flask:
    """An application with these cabinets and their products."""
    return with_products(make_app(cabinet_settings), *cabinet_settings.cabinets)


@pytest.fixture
def caller(app: Flask, cabinet_settings: Settings) -> Caller:
    """The product of the first cabinet."""
    with app.app_context():
        return caller_of(read_profile(cabinet_settings.cabinets[0]))


def person(iin: str = FAMILY.iin) -> Identifier:
    """Who has this IIN. Within an application."""
    return by_iin(Iin.parse(iin, clock.now().date()))


@pytest.fixture
def account(app: Flask, caller: Caller) -> str:
    """Айгерим has an account; her number."""
    with app.app_context():
        register(caller.product_id, person(), PhoneNumber.parse(FAMILY.number), FAMILY.password)
    return FAMILY.number


def account_of(caller: Caller, iin: str = FAMILY.iin) -> Account:
    """The account of whoever has this IIN. Within an application."""
    found = find_account(caller.product_id, person(iin))
    assert found is not None
    return found


@pytest.fixture
def owner(app: Flask) -> Account:
    """Whoever registered the cabinet of a customer, with the contract 4445/10."""
    return Owner().registered(app)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def office(owner: Account, browser: Browser) -> Browser:
    """The browser of the owner, who is signed in."""
    enter(browser, "4445")
    return browser
