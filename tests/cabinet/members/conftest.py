"""The cabinets that people are signed in to: an owner with a contract, a parent with a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from demo.sample import FAMILY, REGISTER
from pushhub.accounts.models import Account
from pushhub.accounts.people.register import NewAccount, create
from pushhub.accounts.sign_in_identifiers import by_iin, by_number
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of
from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.clock import now as moment
from pushhub.kernel.db import reading
from pushhub.kernel.settings import Settings
from tests.cabinet.conftest import with_products
from tests.cabinet.owners import CABINETS, PASSWORD, Owner
from tests.support.databases import FakeClock


@pytest.fixture
def app(make_app: Callable[..., Flask], settings: Settings, now: FakeClock) -> Flask:
    return with_products(make_app(replace(settings, cabinets=CABINETS, registry_file=REGISTER)), *CABINETS)


@pytest.fixture
def owner(app: Flask) -> Account:
    return Owner().registered(app)


@pytest.fixture
def parent(app: Flask) -> Account:
    """A parent with a number and what the register knows of them."""
    with app.app_context():
        number = PhoneNumber.parse(FAMILY.number)
        new = NewAccount(
            (by_iin(Iin.parse(FAMILY.iin, moment().date())), by_number(number)),
            number=number,
            profile_data={"surname": "Ахметова", "name": "Айгерим", "sex": "female", "born": "1991-04-12"},
        )
        profile = read_profile("balabaqsha")
        account_id = create(caller_of(profile).product_id, new, PASSWORD, profile.password)
        with reading() as session:
            return session.get_one(Account, account_id)
