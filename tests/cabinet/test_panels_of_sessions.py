"""What a cabinet's page shows to bind a device: it ends with the session that it was shown in, and is made once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.accounts.people.password_change import change_password
from pushhub.accounts.people.register import register
from pushhub.cabinets.loader import read_profile
from pushhub.devices.models import Offer, OfferStatus
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import reading
from pushhub.panels.models import Panel
from pushhub.panels.panels import create_panel
from pushhub.products.products import Caller
from pushhub.products.rules import Assurance
from reference_device.client import Refused
from tests.cabinet.browser import Browser
from tests.cabinet.conftest import account_of, person
from tests.support.actors import Phone
from tests.support.databases import FakeClock
from tests.support.rows import how_many

FEED = "/cabinet/indigo/feed"
OTHER_NUMBER = "+77057546999"
NEW_PASSWORD = "Uly-Dala-2031"


def is_over(app: Flask, secret: str) -> bool:
    """Whether nothing can be done with the secret any more, nor with the offer that it showed."""
    headers = {"Authorization": f"Bearer {secret}"}
    client = app.test_client()
    seen, made = client.get("/panel/v1/state", headers=headers), client.post("/panel/v1/offer", headers=headers)
    assert seen.status_code == made.status_code
    with app.app_context(), reading() as session:
        pending = session.scalar(sa.select(Offer.id).where(Offer.status == OfferStatus.PENDING))
    assert (pending is None) == (seen.status_code == 401)
    return seen.status_code == 401


def sign_out(app: Flask, caller: Caller, browser: Browser, other: Browser) -> None:
    browser.send("/cabinet/indigo/sign-out")


def end_others(app: Flask, caller: Caller, browser: Browser, other: Browser) -> None:
    other.send("/cabinet/indigo/sessions", session="others")


def change_the_password(app: Flask, caller: Caller, browser: Browser, other: Browser) -> None:
    with app.app_context():
        change_password(account_of(caller).id, NEW_PASSWORD, read_profile("indigo").password)


def register_anew(app: Flask, caller: Caller, browser: Browser, other: Browser) -> None:
    with app.app_context():
        register(caller.product_id, person(), PhoneNumber.parse(OTHER_NUMBER), NEW_PASSWORD)


@pytest.mark.both_engines
@pytest.mark.parametrize("ends", [sign_out, end_others, change_the_password, register_anew])
def test_what_a_session_shows_ends_with_it(
    ends: Callable[[Flask, Caller, Browser, Browser], None],
    app: Flask,
    caller: Caller,
    account: str,
    browser: Browser,
    another_browser: Browser,
    phone: Phone,
) -> None:
    another_browser.sign_in()
    browser.sign_in()
    browser.open(FEED)
    secret, password = browser.panel_secret(), browser.shown_offer()["password"]
    assert not is_over(app, secret)
    ends(app, caller, browser, another_browser)
    assert is_over(app, secret)
    with pytest.raises(Refused):
        phone.bind(number=account, password=password)


def test_whoever_stays_signed_in_is_shown_a_new_offer(
    account: str, browser: Browser, another_browser: Browser, phone: Phone
) -> None:
    another_browser.sign_in()
    browser.sign_in()
    browser.open(FEED)
    before = browser.panel_secret()
    another_browser.send("/cabinet/indigo/sign-out")
    browser.open(FEED)
    assert browser.panel_secret() != before
    phone.bind(number=account, password=browser.shown_offer()["password"])


def test_panels_of_other_numbers_and_of_strangers_go_on(
    app: Flask, caller: Caller, account: str, browser: Browser
) -> None:
    with app.app_context():
        number = PhoneNumber.parse(OTHER_NUMBER)
        theirs = create_panel(caller, number, purpose="sign_in", assurance=Assurance.SIGNED_IN).secret
        strangers = create_panel(caller, PhoneNumber.parse(account), purpose="sign_in").secret
    browser.sign_in()
    browser.send("/cabinet/indigo/sign-out")
    for secret in (theirs, strangers):
        answer = app.test_client().get("/panel/v1/state", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 200


def test_a_page_that_is_loaded_again_goes_on_with_its_panel(
    app: Flask, account: str, browser: Browser, now: FakeClock
) -> None:
    browser.sign_in()
    browser.open(FEED)
    first = browser.panel_secret()
    for _ in range(5):
        browser.open(FEED)
        assert browser.panel_secret() == first
    assert how_many(app, Panel) == 1
    browser.open(f"{FEED}?lang=kk")
    assert browser.panel_secret() != first, "a panel speaks one language"
    browser.open(f"{FEED}?lang=ru")
    now.forward(minutes=9, seconds=50)
    browser.open(FEED)
    assert browser.panel_secret() == first
    now.forward(seconds=15)
    browser.open(FEED)
    assert browser.panel_secret() != first, "its offer is over, and the panel soon"
