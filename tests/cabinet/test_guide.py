"""Where no code can be sent: what the page says of it, to somebody who may be anybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from demo.sample import FAMILY
from pushhub.binding.offers import create_offer
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.settings import Settings
from pushhub.products.products import Caller
from tests.cabinet.browser import Browser
from tests.support.actors import Phone
from tests.support.databases import FakeClock
from tests.support.iins import iins

NEVER, GONE, OFF = "никогда ранее не устанавливалось", "больше не отвечает", "выключены уведомления"
NOT_HERE = "К другому телефону этот номер здесь не привязать"


def forget(browser: Browser, iin: str = FAMILY.iin) -> str:
    """Have forgotten the password; the page."""
    browser.forget_password(iin)
    assert "/recovery/" in browser.path
    return browser.text


@pytest.fixture
def cabinet_settings(cabinet_settings: Settings) -> Settings:
    return replace(cabinet_settings, codes_per_day=10, codes_per_client_per_hour=1000)


@pytest.fixture
def bound(app: Flask, caller: Caller, account: str, phone: Phone) -> Phone:
    with app.app_context():
        phone.bind(number=account, password=create_offer(caller, PhoneNumber.parse(account)).password)
    return phone


def test_a_phone_with_notifications_off_is_named_and_no_other_is_promised(browser: Browser, bound: Phone) -> None:
    bound.update(notifications_allowed=False)
    page = forget(browser)
    assert OFF in page
    assert NOT_HERE in page
    bound.update(notifications_allowed=True)
    browser.send(step="send")
    assert 'name="code"' in browser.text


def test_a_number_that_was_unbound_can_be_bound_on_any_phone(
    browser: Browser, bound: Phone, make_phone: Callable[..., Phone], account: str
) -> None:
    bound.unbind()
    page = forget(browser)
    assert GONE in page
    assert NOT_HERE not in page
    make_phone().bind(number=account, password=browser.shown_offer()["password"])
    browser.send(step="send")
    assert 'name="code"' in browser.text


def test_an_iin_of_nobody_may_look_as_if_its_phone_were_gone(app: Flask) -> None:
    wanted, seen = {NEVER, GONE, OFF, NOT_HERE}, set[str]()
    for iin in islice(iins("9001013"), 1000):  # nobody has registered them
        page = forget(Browser(app), iin)
        assert 'name="code"' in page or any(words in page for words in (NEVER, GONE, OFF)), page
        seen |= {words for words in wanted if words in page}
        if seen == wanted:
            break
    assert seen == wanted


def test_the_time_that_is_named_is_when_a_code_goes_again(browser: Browser, bound: Phone, now: FakeClock) -> None:
    def refused() -> str | None:
        browser.forget_password()
        said = re.search(r'role="alert">[^<]*?((?:\d\d\.\d\d )?\d\d:\d\d)', browser.text)
        return said[1] if said is not None else None

    began = now()
    for _ in range(9):
        assert refused() is None
        bound.read_code()
        now.forward(minutes=10)
    named = refused()
    assert named is not None
    while (later := refused()) is not None:
        assert named.endswith(later)  # on the day itself, without the day
        now.forward(minutes=30)
    assert timedelta(hours=23) < now() - began < timedelta(hours=25)
    assert re.fullmatch(r"\d\d\.\d\d \d\d:\d\d", named)
    assert now().astimezone(ZoneInfo("Asia/Almaty")).strftime("%d.%m %H:%M") >= named
