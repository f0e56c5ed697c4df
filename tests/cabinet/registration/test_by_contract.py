"""Registration by contract and IIN or BIN, with a captcha; login and password are given."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from pushhub.accounts.profile_data import email_of
from pushhub.accounts.sign_in_identifiers import by_email, by_login, find_account
from pushhub.cabinets.loader import OWN_PROFILES, read_profile
from pushhub.identity.email import Email
from pushhub.kernel.settings import Settings
from pushhub.mail import health
from simulators.customers import Customers
from tests.cabinet.browser import Browser
from tests.cabinet.conftest import with_products
from tests.cabinet.owners import letters
from tests.cabinet.registering import (
    COMPANY,
    KTC,
    PORTAL,
    accounts,
    caller_for,
    only_account,
    register_company,
    shown_password,
    solution,
)
from tests.support.databases import FakeClock
from tests.support.rows import everything_stored

pytestmark = pytest.mark.usefixtures("easy_captcha")


@pytest.mark.both_engines
def test_a_customer_registers_and_gets_login_and_password(browser: Browser, app: Flask) -> None:
    register_company(browser)
    assert "/registration/flw_" in browser.path
    assert "Уважаемый(ая) Айгерим, спасибо за регистрацию!" in browser.text
    assert re.search(r'id="given-login"[^>]*>5120<', browser.text)
    password = shown_password(browser)
    assert password is not None
    assert read_profile("kaztranscom").password.unmet(password) == ()
    assert not set(password) & set("0O1lI")
    (letter,) = letters(app)
    assert letter.to == "aigerim@koktem.kz"
    for text in ("KazTransCom", "https://codes.test/cabinet/kaztranscom/", "5120", password, "Сменить пароль"):
        assert text in letter.subject + letter.text
    account, identifiers, profile_data = only_account(app)
    assert account.must_change_password
    assert account.number is None, "a number that nothing has proven gets no codes"
    assert identifiers == {"login": "51****", "email": "ai****@koktem.kz"}
    assert profile_data == {
        "name": "Айгерим",
        "company": "ТОО «Көктем Логистик»",
        "number": "+77015551212",
        "contract": "КТС-КТС-14",
        "account": "5120",
        "tax_id": "120340007775",
    }
    with app.app_context():
        assert email_of(account) == Email("aigerim@koktem.kz")
    browser.open(f"{KTC}?lang=ru")
    browser.send(KTC, name="5120", password=password)
    assert browser.path != KTC


def test_a_reload_shows_no_password_again(browser: Browser) -> None:
    register_company(browser)
    password, page = shown_password(browser), browser.path
    browser.open(page)
    assert shown_password(browser) is None
    assert password is not None
    assert password not in browser.text
    assert "больше не показывается" in browser.text
    assert "5120" in browser.text


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"contract": "4445/11"}, "contract", "Договора с таким номером нет"),
        ({"contract": ""}, "contract", "Заполните это поле"),
        ({"tax_id": "040640005019"}, "tax_id", "Договор заключён не с владельцем"),
        ({"tax_id": "1203400077"}, "tax_id", "ровно из 12 цифр"),
        ({"tax_id": "120340007776"}, "tax_id", "цифры не сочетаются"),
        ({"tax_id": "121340007776"}, "tax_id", "не дата"),
        ({"email": "aigerim@"}, "email", "Это не адрес e-mail"),
        ({"number": "12"}, "number", "Введите номер с кодом страны"),
        ({"name": "А" * 101}, "name", "Не более 100 символов"),
    ],
)
def test_a_wrong_answer_opens_the_hint_under_its_field(
    browser: Browser, app: Flask, changes: dict[str, str], field: str, says: str
) -> None:
    register_company(browser, **changes)
    assert browser.status == 422
    assert says in browser.problem(field)
    opened = re.findall(r'id="(\w+)-help"\s+open', browser.text)
    assert opened == ([field] if field in ("contract", "tax_id") else [])
    assert 'value="ТОО «Көктем Логистик»"' in browser.text
    assert accounts(app) == []
    assert letters(app) == []


def test_the_captcha_must_be_solved_and_holds_for_one_try(browser: Browser, app: Flask) -> None:
    register_company(browser, captcha="")
    assert browser.status == 422
    assert "Я не робот" in browser.text
    solved = solution(browser)
    register_company(browser, captcha=solved, contract="4445/11")
    assert "Договора с таким номером нет" in browser.text
    register_company(browser, captcha=solved)
    assert 'id="captcha-problem"' in browser.text
    assert accounts(app) == []
    register_company(browser, captcha=solution(browser, PORTAL))
    assert accounts(app) == []


def test_a_slip_elsewhere_costs_no_new_captcha(browser: Browser) -> None:
    solved = solution(browser)
    register_company(browser, captcha=solved, email="aigerim@")
    register_company(browser, captcha=solved)
    assert shown_password(browser) is not None


def test_contracts_are_not_tried_through(browser: Browser) -> None:
    for number in range(10):
        register_company(browser, contract=f"4445/{number + 20}")
    register_company(browser)
    assert browser.status == 429
    assert "Слишком много неверных ответов" in browser.text


def test_a_registered_contract_is_told_with_the_ways_on(browser: Browser, another_browser: Browser, app: Flask) -> None:
    register_company(browser)
    register_company(another_browser, email="thief@example.kz")
    assert another_browser.status == 409
    assert "Этот договор уже зарегистрирован" in another_browser.text
    assert "237-77-77" in another_browser.text
    assert f'href="{KTC}recovery' in another_browser.text
    assert len(letters(app)) == 1
    assert len(accounts(app)) == 1


@pytest.mark.both_engines
def test_a_double_click_makes_one_account_and_still_shows_the_password(browser: Browser, app: Flask) -> None:
    browser.open(f"{KTC}registration?lang=ru")
    sent = {name: browser.hidden(name) for name in ("sent_by", "attempt")}
    sent |= {"captcha": solution(browser), **COMPANY}
    answers = [browser.client.post(f"{KTC}registration", data=sent, base_url="https://codes.test") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    browser.open(answers[1].location)
    assert shown_password(browser) is not None
    assert len(letters(app)) == 1
    assert len(accounts(app)) == 1


def test_a_form_that_is_refused_keeps_its_name_so_that_a_second_click_finds_what_the_first_made(
    browser: Browser, app: Flask
) -> None:
    browser.open(f"{KTC}registration?lang=ru")
    attempt, solved = browser.hidden("attempt"), solution(browser)
    browser.send(captcha="", attempt=attempt, **COMPANY)
    assert browser.hidden("attempt") == attempt
    refused = browser.page
    browser.send(captcha=solved, attempt=attempt, **COMPANY)
    made = browser.path
    browser.page = refused
    browser.send(f"{KTC}registration", captcha="", attempt=attempt, **COMPANY)
    assert browser.path == made
    assert len(accounts(app)) == 1


def test_the_same_form_with_another_contract_is_another_registration(browser: Browser, app: Flask) -> None:
    register_company(browser)
    attempt = browser.path.rpartition("/")[2]
    register_company(browser, attempt=attempt, contract="КТС-АЛМ-207/21", tax_id="981101400239", email="d@example.kz")
    assert "7031" in browser.text
    assert len(accounts(app)) == 2


def test_an_address_that_somebody_has_is_not_told_of(browser: Browser, another_browser: Browser, app: Flask) -> None:
    register_company(browser)
    register_company(another_browser, contract="КТС-АЛМ-207/21", tax_id="981101400239")
    assert shown_password(another_browser) is not None
    first, _second = accounts(app)
    with app.app_context():
        owner = find_account(caller_for(app, "kaztranscom").product_id, by_email(Email("aigerim@koktem.kz")))
        other = find_account(caller_for(app, "kaztranscom").product_id, by_login("7031"))
    assert owner is not None
    assert owner.id == first.id
    assert other is not None
    assert len(letters(app)) == 2


def test_when_mail_is_down_the_page_says_that_the_letter_comes_later(browser: Browser, app: Flask) -> None:
    browser.open(f"{KTC}registration?lang=ru")
    with app.app_context():
        assert health.take_look()
        health.write_down(lets_us_in=False)
    register_company(browser)
    note = re.search(r'<p id="mail"([^>]*)>([^<]+)', browser.text)
    assert note
    assert "hidden" not in note[1]
    assert "Письмо" in note[2]
    assert shown_password(browser) is not None
    assert len(letters(app)) == 1


@pytest.mark.both_engines
def test_the_password_is_gone_from_the_flow_once_it_was_shown(
    browser: Browser, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    register_company(browser)
    password = shown_password(browser)
    assert password is not None
    assert password not in caplog.text
    for secret in ("aigerim@koktem.kz", "120340007775", "+77015551212"):
        assert secret not in caplog.text
    stored = everything_stored(app)
    for secret in (password, "aigerim@koktem.kz", "120340007775", "77015551212", "Көктем"):
        assert not any(secret in row for row in stored)


def test_nothing_that_was_typed_runs_as_script(browser: Browser) -> None:
    evil = '"><script>alert(1)</script>'
    register_company(browser, name=evil, company=evil, contract=evil, tax_id=evil, email=evil, number=evil)
    assert "<script>alert" not in browser.text
    register_company(browser, name=evil)
    assert shown_password(browser) is not None
    assert "<script>alert" not in browser.text
    assert "&lt;script&gt;" in browser.text


def test_without_a_mail_server_the_page_says_that_no_letter_comes(
    make_app: Callable[..., Flask], cabinet_settings: Settings, now: FakeClock
) -> None:
    browser = Browser(with_products(make_app(cabinet_settings, channels={}), "kaztranscom"))
    register_company(browser)
    assert "у этого сайта нет почтового сервера" in browser.text
    assert shown_password(browser) is not None


def test_customers_that_do_not_answer_give_a_clear_page_and_cost_no_try(
    app_with: Callable[[str, dict[str, str]], Flask],
) -> None:
    with Customers(OWN_PROFILES / "kaztranscom-customers.toml") as customers:
        app = app_with("kaztranscom", {'file = "kaztranscom-customers.toml"': f'url = "{customers.url}"'})
        browser = Browser(app)
        customers.status = 500
        for _ in range(11):
            register_company(browser)
            assert browser.status == 503
            assert "Traceback" not in browser.text
        assert accounts(app) == []
        customers.status = None
        register_company(browser, contract="4445/11")
        assert "Договора с таким номером нет" in browser.text
        register_company(browser)
        assert shown_password(browser) is not None
