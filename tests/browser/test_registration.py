"""Registration: by number, IIN and code with the register; by contract with the captcha."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.companion import TakePhone
from tests.browser.looks import every_look
from tests.browser.people import Visitors, another
from tests.browser.registration import (
    BALABAQSHA,
    GULNAR,
    KAZTRANSCOM,
    PASSWORD,
    TIMUR,
    VIKTORIYA,
    Newcomer,
    Registrant,
)
from tests.browser.service import Service

Register = Callable[..., Registrant]


@pytest.fixture
def open_registration(service: Service, browser: Browser, visitors: Visitors) -> Register:
    """Somebody opens the registration of a cabinet."""

    def visit(home: str = BALABAQSHA, **traits: object) -> Registrant:
        return visitors.come(Registrant(browser, service.url, **traits), f"{home}registration")  # type: ignore[arg-type]

    return visit


@pytest.mark.parametrize(
    ("person", "language", "width", "born"),
    [
        (GULNAR, "kk", 360, "1988"),
        (TIMUR, "en", 1280, "November 17, 1993"),
        pytest.param(VIKTORIYA, "ru", 360, "21 июня 1985", marks=pytest.mark.long),
    ],
)
def test_a_parent_registers_with_a_code_and_the_data_of_the_register(
    open_registration: Register, take_phone: TakePhone, person: Newcomer, language: str, width: int, born: str
) -> None:
    parent, phone = open_registration(language=language, width=width), take_phone()
    page = parent.page
    parent.screenshot("registration-1-fields")
    page.locator("#go-on").click()
    for field in ("number", "iin", "consent-data-policy"):
        expect(page.locator(f"#{field}-problem")).to_be_visible()
    assert parent.violations() == []

    parent.give(person)
    expect(page.locator("#guide-title")).to_be_visible()
    parent.looks_well("registration-2-guide")
    parent.bind_by_guide(phone, person.number)
    expect(page.locator("#resend-words")).to_contain_text(re.compile(r"\b(7\d|80)\b"))
    expect(page.locator("#resend")).to_be_disabled()
    expect(page.locator("body")).to_contain_text("80")
    expect(page.locator("body")).not_to_contain_text(person.name)
    parent.looks_well("registration-3-code")

    code = phone.open_code()
    parent.confirm(another(code))
    expect(page.locator("#code-problem")).to_contain_text("2")
    parent.confirm(code)
    expect(page.locator(".person")).to_contain_text(person.name)
    expect(page.locator(".person")).to_contain_text(born)
    expect(page.locator("[aria-current=step]")).to_have_count(1)
    parent.set_password("short")
    expect(page.locator("#password-problem")).to_be_visible()
    parent.looks_well("registration-4-person")
    parent.set_password(PASSWORD)
    expect(page.locator(".note.good")).to_be_visible()

    parent.enter(person.iin, PASSWORD, by="iin")
    expect(page.locator(".events li[data-kind=registered]")).to_be_visible()

    again = open_registration(language=language, width=width)
    again.give(person)
    again.confirm(phone.open_code())
    expect(again.page.get_by_role("alert")).to_be_visible()
    again.looks_well("registration-5-taken")
    expect(again.page.locator("a[href$='/recovery']")).to_be_visible()


def test_what_a_parent_typed_can_be_corrected(open_registration: Register) -> None:
    parent = open_registration()
    page = parent.page
    parent.give(VIKTORIYA, number=TIMUR.number)
    expect(page.locator("#number-problem")).to_contain_text("не зарегистрирован на ваш ИИН")
    expect(page.locator("#number")).to_be_focused()
    expect(page.locator("#iin")).to_have_value(VIKTORIYA.iin)
    parent.give(VIKTORIYA, number="+77475550104")
    page.get_by_role("link", name="Исправить данные").click()
    expect(page.locator("#iin")).to_have_value(VIKTORIYA.iin)
    expect(page.locator("#number")).to_have_value(re.compile("555"))


@pytest.mark.parametrize(
    ("language", "width", "contract", "tax_id", "login"),
    [("ru", 360, "КТС-КТС-14", "120340007775", "5120"), ("kk", 1280, "ктс-алм-207/21", "981101400239", "7031")],
)
def test_a_customer_registers_with_a_contract_and_is_given_a_password(
    open_registration: Register, language: str, width: int, contract: str, tax_id: str, login: str
) -> None:
    client = open_registration(KAZTRANSCOM, language=language, width=width)
    page = client.page
    expect(page.locator("altcha-widget input[type=checkbox]")).to_be_visible()
    expect(page.locator("#contract-help")).not_to_have_attribute("open", "")
    client.looks_well("registration-6-customer")
    email = f"client{login}@example.kz"
    client.fill_in(name="Айгерим", email=email, number="+7 701 555 12 12", contract="КТС-0000", tax_id=tax_id)
    client.solve_captcha()
    page.locator("#go-on").click()
    expect(page.locator("#contract-problem")).to_be_visible()
    expect(page.locator("#contract-help")).to_have_attribute("open", "")
    expect(page.locator("#contract-help p").first).to_be_visible()
    expect(page.locator("#tax_id-help")).not_to_have_attribute("open", "")
    expect(page.locator("#email")).to_have_value(email)
    client.looks_well("registration-7-hint")

    client.fill_in(contract=contract, tax_id="040640005019")
    client.solve_captcha()
    page.locator("#go-on").click()
    expect(page.locator("#tax_id-problem")).to_be_visible()
    expect(page.locator("#tax_id-help")).to_have_attribute("open", "")
    client.fill_in(tax_id=tax_id)
    page.locator("#go-on").click()
    expect(page.locator("#captcha-problem")).to_be_visible()
    client.solve_captcha()
    page.locator("#go-on").click()

    expect(page.locator("#given-login")).to_have_text(login)
    password = page.locator("#given-password").inner_text()
    expect(page.locator("main")).to_contain_text("@example.kz")
    expect(page.locator("#mail")).to_be_hidden()
    client.looks_well("registration-8-done")
    done = page.url
    page.reload()
    expect(page.locator("#given-login")).to_have_text(login)
    expect(page.locator("#given-password")).to_have_count(0)
    assert client.violations() == []

    client.open(f"/start/mail?lang={language}")
    letter = page.locator(".mail").filter(has_text=login).first
    expect(letter).to_contain_text(password)
    client.screenshot("registration-9-letter")
    with client.context.expect_page() as opened:
        letter.get_by_role("link").first.click()
    entrance = opened.value
    client.enter(login, password, page=entrance)
    expect(entrance).not_to_have_url(re.compile(rf"{KAZTRANSCOM}(\?.*)?$"))
    page.goto(done)
    expect(page.locator("#given-password")).to_have_count(0)


def test_a_contract_that_has_a_cabinet_is_told_with_the_ways_on(open_registration: Register) -> None:
    client = open_registration(KAZTRANSCOM)
    page = client.page
    client.fill_in(email="new@example.kz", number="+77015551212", contract="4445/10", tax_id="040640005019")
    client.solve_captcha()
    page.locator("#go-on").click()
    expect(page.get_by_role("alert")).to_contain_text("Этот договор уже зарегистрирован")
    expect(page.get_by_role("link", name="Забыли пароль?")).to_be_visible()
    expect(page.locator("main")).to_contain_text("237-77-77")
    client.looks_well("registration-10-taken")


@every_look
def test_the_first_page_looks_right_in_three_languages(
    open_registration: Register, language: str, width: int, scheme: str
) -> None:
    visitor = open_registration(language=language, width=width, scheme=scheme)
    for home in (BALABAQSHA, KAZTRANSCOM, "/cabinet/portal/"):
        visitor.open(f"{home}registration")
        expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
        visitor.looks_well(f"registration-first-{home.split('/')[2]}")
