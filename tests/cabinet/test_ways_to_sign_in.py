"""What a profile says of signing in: by which identifiers, on how many pages, remembered, or with a code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from demo.sample import ACCOUNTS, REGISTER, prepare_samples
from pushhub.cabinets.loader import read_profile
from pushhub.devices.models import Binding
from pushhub.kernel.db import transaction
from pushhub.kernel.settings import Settings
from pushhub.products.assurance import Assurance
from tests.cabinet.conftest import Browser
from tests.support.actors import Phone
from tests.support.databases import FakeClock
from tests.support.walks import assert_walked, called

ERLAN = next(account for account in ACCOUNTS if account.profile == "balabaqsha")
OFFICE = next(account for account in ACCOUNTS if account.profile == "kaztranscom")
PORTAL = next(account for account in ACCOUNTS if account.profile == "portal")
HOME = "/cabinet/balabaqsha/"
CONSENTS = {f"consent__{consent.id}": "yes" for consent in read_profile("balabaqsha").consents}


@pytest.fixture
def app(make_app: Callable[..., Flask], settings: Settings, now: FakeClock) -> Flask:
    """Every cabinet that pushhub comes with, and its prepared people."""
    cabinets = tuple(account.profile for account in ACCOUNTS)
    made = make_app(replace(settings, cabinets=cabinets, registry_file=REGISTER))
    with made.app_context():
        prepare_samples(cabinets)
    return made


def signed_in(browser: Browser) -> bool:
    return browser.path.endswith("/feed")


@pytest.mark.parametrize(("kind", "text"), ERLAN.identifiers)
def test_one_account_is_entered_by_any_of_its_identifiers(browser: Browser, kind: str, text: str) -> None:
    browser.open(f"{HOME}?lang=ru&by={kind}")
    browser.send(HOME, by=kind, **{kind: text, "password": ERLAN.password})
    assert signed_in(browser), browser.text


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("iin", "890723300025", "цифры не согласуются"),
        ("iin", "", "Введите ИИН"),
        ("number", "12", "Такого номера не бывает"),
        ("email", "erlan@", "Это не адрес e-mail"),
        ("login", "!", "Введите логин"),
        ("passport", "N123", "Введите ИИН"),
    ],
)
def test_what_can_be_nobody_is_said_under_its_field(browser: Browser, kind: str, text: str, says: str) -> None:
    browser.open(f"{HOME}?lang=ru&by={kind}")
    page = browser.send(HOME, by=kind, **{kind: text, "password": "whatever it is"})
    assert page.status_code == 422
    assert says in browser.text
    assert "whatever it is" not in browser.text


@pytest.mark.parametrize(
    ("kind", "text"),
    [("number", "8 701 123-45-67"), ("number", "7011234567"), ("email", "ERLAN@EXAMPLE.KZ"), ("login", " Erlan ")],
)
def test_people_write_the_same_in_several_ways(browser: Browser, kind: str, text: str) -> None:
    browser.open(f"{HOME}?lang=ru&by={kind}")
    browser.send(HOME, by=kind, **{kind: text, "password": ERLAN.password})
    assert signed_in(browser), browser.text


@pytest.mark.parametrize("text", ["4445", "office@example.kz", "OFFICE@example.kz"])
def test_one_field_takes_the_account_number_and_the_address(browser: Browser, text: str) -> None:
    browser.open("/cabinet/kaztranscom/?lang=ru")
    assert "Имя пользователя" in browser.text
    browser.send(name=text, password=OFFICE.password)
    assert signed_in(browser), browser.text


@pytest.mark.parametrize("text", ["4446", "nobody@example.kz"])
def test_a_stranger_and_a_wrong_password_get_one_answer(browser: Browser, text: str) -> None:
    answers = []
    for name in (text, "4445"):
        browser.open("/cabinet/kaztranscom/?lang=ru")
        page = browser.send(name=name, password="not the password")
        assert page.status_code == 422
        answers.append(browser.text.replace(name, "…"))
    shown, other = (text.partition('name="name"')[2].partition("</form>")[0] for text in answers)
    assert "Неверны данные для входа или пароль" in shown
    assert shown.split() == other.split()


def test_a_wrong_password_goes_the_way_that_the_architecture_shows(browser: Browser) -> None:
    browser.open("/cabinet/kaztranscom/?lang=ru")
    with called() as order:
        assert browser.send(name="4445", password="not the password").status_code == 422
    assert_walked("wrong password", order)


@pytest.mark.both_engines
def test_a_remembered_browser_stays_signed_in_beyond_the_session(browser: Browser, now: FakeClock) -> None:
    browser.open(f"{HOME}?lang=ru&by=login")
    entered = browser.send(HOME, by="login", login="erlan", password=ERLAN.password, remember="yes")
    cookie = next(
        header
        for response in [*entered.history, entered]
        for header in response.headers.getlist("Set-Cookie")
        if "balabaqsha-session" in header
    )
    assert f"Max-Age={30 * 24 * 3600}" in cookie
    now.forward(days=29)
    browser.open(f"{HOME}feed")
    assert signed_in(browser)
    now.forward(days=2)
    browser.open(f"{HOME}feed")
    assert not signed_in(browser)


def test_who_did_not_ask_for_it_is_not_remembered(browser: Browser, now: FakeClock) -> None:
    browser.open(f"{HOME}?lang=ru&by=login")
    browser.send(HOME, by="login", login="erlan", password=ERLAN.password)
    now.forward(hours=2)
    browser.open(f"{HOME}feed")
    assert not signed_in(browser)


def test_ten_wrong_passwords_lead_to_the_code(browser: Browser, now: FakeClock) -> None:
    for _ in range(10):
        browser.open("/cabinet/portal/?lang=ru")
        browser.send(name="aigerim@example.kz", password="not the password")
        now.forward(hours=1)
    browser.open("/cabinet/portal/?lang=ru")
    browser.send(name="aigerim@example.kz", password=PORTAL.password)
    assert browser.path.endswith("/code")
    assert "Подтвердите, что это вы" in browser.text
    assert "через e-mail" in browser.text


def test_after_ten_wrong_passwords_who_has_no_app_sees_how_to_bind_one(browser: Browser, now: FakeClock) -> None:
    for _ in range(11):
        now.forward(hours=1)
        browser.open(f"{HOME}?lang=ru&by=login")
        browser.send(HOME, by="login", login="erlan", password="not the password")
    assert browser.path.endswith("/code")
    browser.send(step="send")
    assert "Система не смогла отправить код подтверждения" in browser.text
    assert "никогда ранее не устанавливалось" in browser.text
    assert 'id="one-time-password"' in browser.text


@pytest.fixture
def asks(browser: Browser) -> Callable[..., Any]:
    """Ask for a code in place of the password."""

    def ask(number: str = "+77011234567") -> Any:
        browser.open(f"{HOME}code-sign-in?lang=ru&by=number")
        return browser.send(f"{HOME}code-sign-in", by="number", number=number)

    return ask


def bind_in_the_feed(browser: Browser, phone: Phone) -> None:
    """Sign in with the password, bind the phone and sign out."""
    browser.open(f"{HOME}?lang=ru&by=login")
    browser.send(HOME, by="login", login="erlan", password=ERLAN.password)
    browser.open(f"{HOME}feed?bind=yes")
    phone.bind(number="+77011234567", password=browser.shown_offer()["password"])
    browser.send(f"{HOME}sign-out")


def bind_by_recovery(browser: Browser, phone: Phone) -> None:
    """What whoever knows IIN and number can do: the guide of the forgotten password."""
    browser.open(f"{HOME}recovery?lang=ru")
    iin = dict(ERLAN.identifiers)["iin"]
    browser.send(f"{HOME}recovery", number="+77011234567", iin=iin, **CONSENTS)
    phone.bind(number="+77011234567", password=browser.shown_offer()["password"])


def refused(browser: Browser) -> bool:
    """Whether the page says that no code can be sent, and offers no device to be bound."""
    assert "one-time-password" not in browser.text
    assert "<pushhub-panel" not in browser.text
    return 'id="no-code"' in browser.text


@pytest.mark.both_engines
def test_a_code_stands_for_the_password(
    app: Flask, browser: Browser, phone: Phone, asks: Callable[..., Any], dispatch: Callable[[], None]
) -> None:
    bind_in_the_feed(browser, phone)
    asks()
    assert not refused(browser)
    dispatch()
    assert browser.send(step="check", code="0000").status_code == 422
    assert "Сначала откройте код на телефоне" in browser.text
    entered = browser.send(step="check", code=phone.read_code())
    assert signed_in(browser)
    assert any(
        "balabaqsha-session" in header for each in entered.history for header in each.headers.getlist("Set-Cookie")
    )


def test_nobody_binds_a_device_on_the_way_to_a_code(browser: Browser, asks: Callable[..., Any]) -> None:
    asks()
    assert refused(browser)
    assert "Войдите по паролю и привяжите приложение в ленте событий" in browser.text
    assert f'href="{HOME}recovery"' in browser.text
    browser.open(browser.path)
    assert refused(browser)


def test_a_device_that_anybody_could_have_bound_opens_nothing_with_a_code(
    app: Flask,
    browser: Browser,
    another_browser: Browser,
    make_phone: Callable[[], Phone],
    asks: Callable[..., Any],
    dispatch: Callable[[], None],
) -> None:
    stranger, own = make_phone(), make_phone()
    bind_by_recovery(another_browser, stranger)
    asks()
    assert refused(browser)
    dispatch()
    assert stranger.feed() == []
    bind_in_the_feed(another_browser, own)
    asks()
    assert not refused(browser)
    dispatch()
    browser.send(step="check", code=own.read_code())
    assert signed_in(browser)


def test_a_code_counts_no_more_once_the_number_is_bound_by_just_anybody(
    app: Flask, browser: Browser, phone: Phone, asks: Callable[..., Any], dispatch: Callable[[], None]
) -> None:
    bind_in_the_feed(browser, phone)
    asks()
    dispatch()
    code = phone.read_code()
    with app.app_context(), transaction() as session:
        session.execute(sa.update(Binding).values(assurance=Assurance.ANONYMOUS_OFFER))
    browser.send(step="check", code=code)
    assert refused(browser)
    assert not signed_in(browser)


def test_a_code_is_asked_for_a_stranger_as_for_anybody(browser: Browser, asks: Callable[..., Any]) -> None:
    """Half of the strangers look as if their app got the code; nothing they type is right."""
    seen = set()
    for last in range(12):
        asks(f"+770512300{last:02d}")
        assert browser.page is not None
        if browser.page.status_code == 429:
            break
        seen.add(refused(browser))
        if not refused(browser):
            browser.send(step="check", code="1234")
        assert not signed_in(browser)
    assert seen == {True, False}


def test_a_code_is_no_way_in_where_the_profile_has_none(browser: Browser) -> None:
    assert browser.open("/cabinet/kaztranscom/code-sign-in").status_code == 404
    assert "code-sign-in" not in browser.open("/cabinet/kaztranscom/").get_data(as_text=True)


def test_who_is_signed_in_needs_no_code(browser: Browser) -> None:
    browser.open(f"{HOME}?lang=ru&by=login")
    browser.send(HOME, by="login", login="erlan", password=ERLAN.password)
    browser.open(f"{HOME}code-sign-in")
    assert signed_in(browser)


def test_the_form_of_a_code_says_what_is_missing(browser: Browser, asks: Callable[..., Any]) -> None:
    assert asks("12").status_code == 422
    assert "Такого номера не бывает" in browser.text


def test_a_code_is_sent_again_after_its_wait_until_it_is_over(
    app: Flask, browser: Browser, phone: Phone, asks: Callable[..., Any], dispatch: Callable[[], None], now: FakeClock
) -> None:
    bind_in_the_feed(browser, phone)
    asks()
    browser.send(step="resend")
    dispatch()
    assert len(phone.feed()) == 1, "before its time nothing is sent"
    for count in (2, 3, 4):
        now.forward(seconds=81)
        assert browser.send(step="resend").status_code == 200
        assert "Уведомление отправлено повторно." in browser.text
        dispatch()
        assert len(phone.feed()) == count
    now.forward(seconds=81)
    browser.send(step="resend")
    dispatch()
    assert "Этот код больше не действует" in browser.text
    assert len(phone.feed()) == 4


def test_a_code_is_not_sent_again_to_a_number_that_was_let_go(
    app: Flask, browser: Browser, phone: Phone, asks: Callable[..., Any], dispatch: Callable[[], None], now: FakeClock
) -> None:
    bind_in_the_feed(browser, phone)
    asks()
    dispatch()
    phone.unbind()
    now.forward(seconds=81)
    browser.send(step="resend")
    assert "Этот код больше не действует" in browser.text
    browser.send(step="send")
    assert refused(browser)


def test_the_address_of_a_code_that_was_used_opens_nothing_again(
    app: Flask,
    browser: Browser,
    another_browser: Browser,
    phone: Phone,
    asks: Callable[..., Any],
    dispatch: Callable[[], None],
) -> None:
    bind_in_the_feed(browser, phone)
    asks()
    dispatch()
    used, form, code = browser.path, browser.page, phone.read_code()
    browser.send(step="check", code=code)
    assert signed_in(browser)
    browser.open(used)
    assert signed_in(browser), "who is in is led on"
    browser.page = form
    browser.send(used, step="check", code=code)
    assert signed_in(browser)
    browser.send(f"{HOME}sign-out")
    browser.open(used)
    assert not signed_in(browser)
    assert browser.path == HOME
    another_browser.open(used)
    assert another_browser.path == HOME
