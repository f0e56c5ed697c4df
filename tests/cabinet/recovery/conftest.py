"""Айгерим, who has an account and has forgotten her password; her app, and the mail server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from pushhub.binding.offers import create_offer
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of
from pushhub.channels.recording import RecordingChannel
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.settings import Settings
from tests.cabinet.browser import Browser
from tests.cabinet.owners import has_account
from tests.cabinet.recovering import ADDRESS, IIN, NUMBER, OLD, Dispatch, ask_for_letter, link_in
from tests.support.actors import Phone


@pytest.fixture
def cabinet_settings(cabinet_settings: Settings) -> Settings:
    return replace(cabinet_settings, cabinets=("portal", "balabaqsha", "indigo"), codes_per_client_per_hour=40)


@pytest.fixture
def app(app: Flask) -> Flask:
    """Айгерим has an account in the portal and in the kindergarten portal."""
    has_account(app, "portal", OLD, email=ADDRESS, number=NUMBER)
    has_account(app, "balabaqsha", OLD, iin=IIN, number=NUMBER, login="aigerim")
    return app


@pytest.fixture
def bound(app: Flask, phone: Phone) -> Phone:
    """The app, bound to Айгерим's number."""
    with app.app_context():
        shown = create_offer(caller_of(read_profile("portal")), PhoneNumber.parse(NUMBER))
    phone.bind(number=NUMBER, password=shown.password)
    return phone


@pytest.fixture
def link(browser: Browser, mail: RecordingChannel, dispatch: Dispatch) -> str:
    """The link of a letter that was asked for."""
    ask_for_letter(browser)
    dispatch()
    return link_in(mail.mail[-1])
