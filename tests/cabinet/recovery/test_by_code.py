"""A forgotten password by a code to the number, or to number and IIN together."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from pushhub.identity.phone import PhoneNumber
from tests.cabinet.browser import Browser
from tests.cabinet.recovering import IIN, KINDERGARTEN, NEW, NUMBER, OLD, OTHER_IIN, OTHER_NUMBER, PORTAL, can_sign_in
from tests.support.actors import Phone
from tests.support.iins import iins

# By phone


def ask_for_code(browser: Browser, number: str = NUMBER) -> None:
    browser.open(f"{PORTAL}recovery?by=code&lang=ru")
    browser.send(f"{PORTAL}recovery", by="code", number=number)


@pytest.mark.both_engines
def test_a_code_then_the_new_password(browser: Browser, bound: Phone, app: Flask) -> None:
    browser.open(f"{PORTAL}recovery?lang=ru")
    assert "По телефону" in browser.text
    ask_for_code(browser, "8 (705) 754-68-68")
    assert "+770****6868" in browser.text
    assert 'name="password"' not in browser.text
    recovery = browser.path
    code = bound.read_code()
    browser.send(step="check", code="0000" if code != "0000" else "0001")
    assert "Неверный код" in browser.text or "Это не тот код" in browser.text, browser.text
    browser.send(step="check", code=code)
    assert browser.path == recovery
    assert "Код верный" in browser.text or 'name="password"' in browser.text
    assert 'name="code"' not in browser.text
    browser.send(step="finish", password="Balapan#2027", repeat="Balapan#2027")
    assert "слишком похож" in browser.text
    browser.send(step="finish", password=NEW, repeat=NEW)
    assert browser.path == PORTAL
    assert "Пароль обновлён" in browser.text
    assert can_sign_in(app, NEW)
    browser.open(recovery)
    assert "Пароль обновлён" in browser.text


def test_without_the_right_code_there_is_no_new_password(browser: Browser, bound: Phone, app: Flask) -> None:
    ask_for_code(browser)
    browser.send(step="finish", password=NEW, repeat=NEW)
    browser.send(step="finish", code=bound.read_code(), password=NEW, repeat=NEW)
    assert 'name="code"' in browser.text
    assert can_sign_in(app, OLD)


def test_a_number_of_nobody_shows_itself_masked_and_leads_nowhere(browser: Browser) -> None:
    seen = set()
    for ending in range(10, 30):
        ask_for_code(browser, f"+7701765{ending}21")
        assert browser.path.startswith(f"{PORTAL}recovery/flw_")
        assert f"+770****{ending}21" in browser.text
        seen.add("code" if 'name="code"' in browser.text else "guide")
    assert seen == {"code", "guide"}


def test_numbers_that_can_not_be_are_said_under_their_field(browser: Browser) -> None:
    for number, says in (("12", "Такого номера не бывает"), ("+12025550123", "Номера этой страны не обслуживаются")):
        ask_for_code(browser, number)
        assert browser.status == 422
        assert says in browser.text


def test_a_number_of_nothing_but_sevens_is_a_number(browser: Browser) -> None:
    for number in ("+77777777777", "8 777 777-77-77"):
        ask_for_code(browser, number)
        assert "+777****7777" in browser.text
    for number in ("", "+7", "+7 "):
        ask_for_code(browser, number)
        assert "Введите номер телефона" in browser.text


def test_the_way_is_one_of_the_profile(browser: Browser) -> None:
    browser.open(f"{PORTAL}recovery?by=pigeon&lang=ru")
    assert 'name="email"' in browser.text
    assert browser.open(f"{KINDERGARTEN}recovery?by=email").status_code == 200
    assert 'name="iin"' in browser.text
    assert browser.open("/cabinet/indigo/recovery").status_code == 404


# By number, IIN and consent


def ask_kindergarten(browser: Browser, number: str = NUMBER, iin: str = IIN, **more: str) -> None:
    browser.open(f"{KINDERGARTEN}recovery?lang=kk")
    browser.send(f"{KINDERGARTEN}recovery", number=number, iin=iin, **({"consent__data-policy": "yes"} | more))


@pytest.mark.both_engines
def test_number_iin_consent_code_and_the_new_password_twice(browser: Browser, bound: Phone) -> None:
    browser.open(f"{KINDERGARTEN}recovery?lang=kk")
    assert "Ата-анасының немесе заңды өкілінің ЖСН" in browser.text
    ask_kindergarten(browser)
    assert "+770****6868" in browser.text
    assert "80" in browser.text
    browser.send(step="check", code=bound.read_code())
    browser.send(step="finish", password="short", repeat="short")
    assert "8 таңбадан 40 таңбаға дейін" in browser.text
    browser.send(step="finish", password="kunshuaq2027", repeat="kunshuaq2027")
    assert browser.path == KINDERGARTEN
    browser.send(KINDERGARTEN, by="iin", iin=IIN, password="kunshuaq2027")
    assert browser.path.endswith("/feed")


def test_number_iin_and_consent_are_asked_for(browser: Browser) -> None:
    for number, iin, more, says in (
        ("", IIN, {}, "number-problem"),
        (NUMBER, "910412400017", {}, "iin-problem"),
        (NUMBER, IIN, {"consent__data-policy": ""}, "consent-data-policy-problem"),
    ):
        ask_kindergarten(browser, number, iin, **more)
        assert browser.status == 422
        shown = re.findall(r'<p id="([\w-]+-problem)" class="hint bad" role="alert">', browser.text)
        assert shown == [says]


@pytest.mark.parametrize(("number", "iin"), [(NUMBER, OTHER_IIN), (OTHER_NUMBER, IIN), (OTHER_NUMBER, OTHER_IIN)])
def test_what_does_not_belong_together_reaches_nobody(browser: Browser, bound: Phone, number: str, iin: str) -> None:
    ask_kindergarten(browser, number, iin)
    assert browser.path.startswith(f"{KINDERGARTEN}recovery/flw_")
    assert PhoneNumber.parse(number).masked in browser.text
    assert bound.feed() == []


def test_who_knows_the_number_can_not_try_iins_through(browser: Browser, bound: Phone) -> None:
    """With the right IIN the code page is shown, because an app is bound; with others it is too, as often as not."""
    seen = []
    for day in range(10, 22):
        ask_kindergarten(browser, NUMBER, next(iins(f"9104{day}4")))
        seen.append('name="code"' in browser.text)
    assert len(set(seen)) == 2, seen
