"""Айгерим, who has an account and has forgotten her password; her app, and the mail server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from demo.sample import REGISTER
from pushhub.accounts.people.register import NewAccount, create
from pushhub.accounts.sign_in_identifiers import by_email, by_iin, by_login, by_number
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of, prepare_product
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.identity.email import Email
from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.clock import now as this_moment
from pushhub.kernel.settings import Settings
from tests.cabinet.conftest import Browser
from tests.cabinet.recovering import ADDRESS, IIN, NUMBER, OLD, Dispatch, ask_for_letter, link_in
from tests.support.actors import Phone
from tests.support.databases import FakeClock


@pytest.fixture
def app(make_app: Callable[..., Flask], settings: Settings, now: FakeClock) -> Flask:
    """The cabinets of the portal, the kindergarten portal and INDIGO; Айгерим has an account in the first two."""
    cabinets = ("portal", "balabaqsha", "indigo")
    made = make_app(replace(settings, cabinets=cabinets, registry_file=REGISTER, codes_per_client_per_hour=40))
    number, email = PhoneNumber.parse(NUMBER), Email.parse(ADDRESS)
    with made.app_context():
        portal, kindergarten, _ = (prepare_product(read_profile(name)) for name in cabinets)
        rule = read_profile("portal").password
        create(portal.id, NewAccount((by_email(email), by_number(number)), number, email), OLD, rule)
        iin = by_iin(Iin.parse(IIN, this_moment().date()))
        create(kindergarten.id, NewAccount((iin, by_number(number), by_login("aigerim")), number), OLD)
    return made


@pytest.fixture
def mail(context: AppContext) -> RecordingChannel:
    """What stands in for the mail server."""
    channel = context.channels["email"]
    assert isinstance(channel, RecordingChannel)
    return channel


@pytest.fixture
def bound(app: Flask, phone: Phone) -> Phone:
    """The app, bound to Айгерим's number."""
    from pushhub.binding.offers import create_offer

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
