"""The cabinets that people are signed in to: an owner with a contract, a parent with a number."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from demo.sample import FAMILY
from pushhub.accounts.models import Account
from pushhub.kernel.settings import Settings
from tests.cabinet.browser import Browser
from tests.cabinet.owners import CABINETS, come_in, has_account


@pytest.fixture
def cabinet_settings(cabinet_settings: Settings) -> Settings:
    return replace(cabinet_settings, cabinets=CABINETS)


@pytest.fixture
def parent(app: Flask) -> Account:
    """A parent with a number and what the register knows of them."""
    known = {"surname": "Ахметова", "name": "Айгерим", "sex": "female", "born": "1991-04-12"}
    return has_account(app, "balabaqsha", iin=FAMILY.iin, number=FAMILY.number, profile_data=known)


@pytest.fixture
def at_school(parent: Account, browser: Browser) -> Browser:
    """The browser of the parent, who is signed in to the kindergarten portal."""
    come_in(browser)
    return browser
