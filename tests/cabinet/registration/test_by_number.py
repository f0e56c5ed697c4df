"""Registration by number and IIN, with a code and what the register knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from demo.sample import FAMILY
from pushhub.accounts.people.register import NewAccount, create
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.settings import Settings
from simulators.register import Register
from tests.cabinet.browser import Browser
from tests.cabinet.conftest import person, with_products
from tests.cabinet.owners import come_in
from tests.cabinet.registering import (
    BALABAQSHA,
    MINE,
    NEW,
    accounts,
    begin,
    bind_shown,
    caller_for,
    only_account,
    prove,
)
from tests.support.actors import Phone
from tests.support.databases import FakeClock
from tests.support.rows import everything_stored


@pytest.mark.both_engines
def test_a_parent_registers_by_number_iin_and_code(browser: Browser, phone: Phone, app: Flask) -> None:
    begin(browser)
    assert "/registration/flw_" in browser.path
    assert "Система не смогла отправить код" in browser.text
    assert "Ахметова" not in browser.text
    bind_shown(browser, phone)
    assert "в течение 80 сек" in browser.text
    assert "Ахметова" not in browser.text, "the register's data are shown before the code was right"
    browser.send(step="check", code=phone.read_code())
    for text in ("Ахметова", "Айгерим", "Сериковна", "Женский", "12 апреля 1991"):
        assert text in browser.text
    assert accounts(app) == []
    browser.send(step="finish", password=NEW, repeat=NEW)
    assert browser.path == BALABAQSHA
    assert "Вы зарегистрированы" in browser.text
    account, identifiers, profile_data = only_account(app)
    assert account.number == PhoneNumber.parse(FAMILY.number)
    assert identifiers == {"iin": "9104******16", "number": "+770****6868"}
    assert profile_data == {
        "surname": "Ахметова",
        "name": "Айгерим",
        "patronymic": "Сериковна",
        "sex": "female",
        "born": "1991-04-12",
    }
    for by, text in (("iin", FAMILY.iin), ("number", FAMILY.number)):
        come_in(browser, by, text, NEW)
        assert browser.path == f"{BALABAQSHA}feed"
        browser.send(f"{BALABAQSHA}sign-out")


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"number": "705"}, "number", "Введите номер с кодом страны"),
        ({"number": "+12125550123"}, "number", "Номера этой страны не обслуживаются"),
        ({"iin": ""}, "iin", "Введите ИИН: 12 цифр"),
        ({"iin": "910412400017"}, "iin", "цифры не согласуются"),
        ({"consent-data-policy": ""}, "consent-data-policy", "Отметьте этот пункт"),
        ({"iin": "850101400011"}, "iin", "В реестре нет человека с таким ИИН"),
        ({"number": "+77011234567"}, "number", "не зарегистрирован на ваш ИИН"),
    ],
)
def test_what_is_wrong_is_said_under_its_field_and_what_was_typed_stays(
    browser: Browser, changes: dict[str, str], field: str, says: str
) -> None:
    begin(browser, **changes)
    assert browser.status == 422
    assert says in browser.problem(field)
    typed = (MINE | changes)["iin"]
    assert f'value="{typed}"' in browser.text


def test_wrong_numbers_are_limited(browser: Browser, now: FakeClock) -> None:
    for _ in range(10):
        begin(browser, number="+77011234567")
        assert "не зарегистрирован на ваш ИИН" in browser.text
    begin(browser)
    assert browser.status == 429
    assert "Слишком много неверных ответов" in browser.text
    now.forward(hours=1)
    begin(browser)
    assert "/registration/flw_" in browser.path


def test_right_answers_cost_no_try(browser: Browser) -> None:
    for _ in range(12):
        begin(browser)
        assert "/registration/flw_" in browser.path


def test_an_account_that_is_there_is_told_of_only_after_the_code(browser: Browser, phone: Phone, app: Flask) -> None:
    seen = []
    for is_there in (False, True):
        if is_there:
            with app.app_context():
                create(caller_for(app).product_id, NewAccount((person(),), PhoneNumber.parse(FAMILY.number)), NEW)
        begin(browser)
        seen.append(
            re.sub(r"flw_\w+|\w{64}|(\d{3} ){3}\d{3}|v1#[\w-]+|secret=\S+|(datetime|data-until)=\S+", "…", browser.text)
        )
    assert seen[0] == seen[1]
    prove(browser, phone)
    assert browser.status == 409
    assert "С этим ИИН уже зарегистрировались" in browser.text
    assert f'href="{BALABAQSHA}recovery' in browser.text
    assert "Ахметова" not in browser.text
    assert len(accounts(app)) == 1


@pytest.mark.both_engines
def test_two_people_at_once_one_wins_and_the_other_is_told(
    browser: Browser, another_browser: Browser, phone: Phone, app: Flask
) -> None:
    begin(browser)
    prove(browser, phone)
    begin(another_browser)
    another_browser.send(step="check", code=phone.read_code())
    for each in (browser, another_browser):
        assert "Номер подтверждён" in each.text
    browser.send(step="finish", password=NEW, repeat=NEW)
    assert "Вы зарегистрированы" in browser.text
    assert another_browser.send(step="finish", password="kunshuaq2027", repeat="kunshuaq2027").status_code == 409
    assert "уже зарегистрировались" in another_browser.text
    assert len(accounts(app)) == 1


@pytest.mark.both_engines
def test_a_double_click_a_reload_and_the_back_button(browser: Browser, phone: Phone, app: Flask) -> None:
    begin(browser)
    flow = browser.path
    browser.open(flow)
    assert "Система не смогла отправить код" in browser.text
    prove(browser, phone)
    browser.open(flow)
    assert "Номер подтверждён" in browser.text
    form = browser.page
    for _ in range(2):
        browser.page = form
        browser.send(flow, step="finish", password=NEW, repeat=NEW)
        assert "Вы зарегистрированы" in browser.text
    browser.open(flow)
    assert browser.path == BALABAQSHA
    assert len(accounts(app)) == 1


def test_a_slip_in_the_password_and_one_in_the_code(browser: Browser, phone: Phone) -> None:
    begin(browser)
    bind_shown(browser, phone)
    code = phone.read_code()
    browser.send(step="check", code=f"{(int(code) + 1) % 10000:04d}")
    assert "Неверный код. Осталось попыток: 2" in browser.text
    browser.send(step="check", code=code)
    for password, repeat, says in (
        ("", "", "Придумайте пароль"),
        ("short", "short", "Пароль не соответствует"),
        (NEW, "another2026", "Пароли не совпадают"),
        ("a" * 41, "a" * 41, "Пароль не соответствует"),
    ):
        browser.send(step="finish", password=password, repeat=repeat)
        assert says in browser.text, says
        assert "Ахметова" in browser.text
    browser.send(step="finish", password="әріптер8", repeat="әріптер8")
    assert "Вы зарегистрированы" in browser.text


def test_the_code_is_not_passed_by_typing_the_next_step(browser: Browser, phone: Phone, app: Flask) -> None:
    begin(browser)
    browser.send(step="finish", password=NEW, repeat=NEW)
    assert "Система не смогла отправить код" in browser.text
    bind_shown(browser, phone)
    browser.send(step="finish", password=NEW, repeat=NEW)
    assert "Ахметова" not in browser.text
    assert accounts(app) == []


def test_nobody_else_opens_the_steps_of_another(browser: Browser, another_browser: Browser, phone: Phone) -> None:
    begin(browser)
    prove(browser, phone)
    another_browser.open(browser.path)
    assert another_browser.path == BALABAQSHA
    assert "Ахметова" not in another_browser.text


def test_who_comes_back_to_correct_finds_what_was_typed(browser: Browser, another_browser: Browser) -> None:
    begin(browser)
    again = browser.find(rf'href="({BALABAQSHA}registration\?again=flw_\w+)"')
    browser.open(again)
    assert f'value="{FAMILY.iin}"' in browser.text
    another_browser.open(again)
    assert FAMILY.iin not in another_browser.text


def test_who_took_too_long_begins_anew(browser: Browser, phone: Phone, app: Flask, now: FakeClock) -> None:
    begin(browser)
    prove(browser, phone)
    now.forward(minutes=31)
    browser.send(step="finish", password=NEW, repeat=NEW)
    assert "Начните сначала" in browser.text
    assert accounts(app) == []


def test_a_bound_number_is_not_taken_by_who_knows_iin_and_number(
    browser: Browser, another_browser: Browser, phone: Phone
) -> None:
    begin(browser)
    prove(browser, phone)
    begin(another_browser)
    assert "one-time-password" not in another_browser.text
    assert "Введите код подтверждения из уведомления" in another_browser.text, another_browser.text


def test_a_register_that_does_not_answer_gives_a_clear_page_and_costs_no_try(
    make_app: Callable[..., Flask], cabinet_settings: Settings
) -> None:
    assert cabinet_settings.registry_file is not None
    with Register(cabinet_settings.registry_file) as register:
        settings = replace(cabinet_settings, registry_file=None, registry_url=register.url)
        browser = Browser(with_products(make_app(settings), "balabaqsha"))
        register.status = 500
        for _ in range(11):
            begin(browser)
            assert browser.status == 503
            assert "Государственный реестр не отвечает" in browser.text
        register.status = None
        begin(browser)
        assert "/registration/flw_" in browser.path


def test_no_secret_of_a_registration_is_readable_in_the_database(browser: Browser, phone: Phone, app: Flask) -> None:
    begin(browser)
    prove(browser, phone)
    browser.send(step="finish", password=NEW, repeat=NEW)
    stored = everything_stored(app)
    for secret in (FAMILY.iin, NEW, "Ахметова", "Сериковна", "1991-04-12"):
        assert not any(secret in row for row in stored)
