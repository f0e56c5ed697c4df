"""Signing in to the kindergarten portal: by IIN, phone, login or e-mail, remembered or not, or with a code."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.cabinet import Client
from tests.browser.companion import Owner, TakePhone
from tests.browser.looks import every_look
from tests.browser.people import Visitors
from tests.browser.service import Service

HOME = "/cabinet/balabaqsha/"
#: The prepared person of the local installation.
KNOWN = {"iin": "890723300024", "number": "8 701 123 45 67", "login": "erlan", "email": "erlan@example.kz"}
PASSWORD = "kunshuaq2026"
Visit = Callable[..., Client]


@pytest.fixture
def visit(service: Service, browser: Browser, visitors: Visitors) -> Visit:
    """Somebody opens this cabinet, or another one."""

    def open_page(path: str = HOME, **traits: object) -> Client:
        return visitors.come(Client(browser, service.url, **traits), path)  # type: ignore[arg-type]

    return open_page


@pytest.mark.parametrize(
    ("kind", "tab"), [("iin", "ИИН"), ("number", "Номер телефона"), ("login", "Логин"), ("email", "E-mail")]
)
def test_one_signs_in_by_each_of_four(visit: Visit, kind: str, tab: str) -> None:
    visitor = visit()
    visitor.page.get_by_role("link", name=tab, exact=True).click()
    visitor.enter(KNOWN[kind], PASSWORD, by=kind)
    visitor.is_in_the_feed()


def test_a_wrong_password_is_said_under_its_field_and_the_name_stays(visit: Visit) -> None:
    visitor = visit(f"{HOME}?by=login")
    page = visitor.page
    visitor.enter("erlan", "not the password", by="login")
    expect(page.locator("#password-problem")).to_have_text("Неверны данные для входа или пароль.")
    expect(page.locator("#login")).to_have_value("erlan")
    expect(page.locator("#password")).to_have_value("")
    expect(page.locator("#password")).to_be_focused()
    assert visitor.violations() == []
    page.wait_for_load_state("load")  # its scripts have run
    page.reload()
    expect(page.locator("#login")).to_have_value("erlan")  # the tab stays too


def test_remember_me_outlives_the_window(visit: Visit) -> None:
    visitor = visit(f"{HOME}?by=login")
    visitor.page.get_by_label("Запомнить меня").check()
    visitor.enter("erlan", PASSWORD, by="login")
    visitor.is_in_the_feed()
    kept = [cookie for cookie in visitor.context.cookies() if "session" in cookie["name"] and cookie["expires"] > 0]
    assert len(kept) == 1
    assert kept[0]["httpOnly"]


def bind_in_the_feed(visitor: Client, phone: Owner) -> None:
    """Sign in with the password, bind the phone and sign out."""
    page = visitor.page
    visitor.enter(KNOWN["login"], PASSWORD, by="login")
    visitor.is_in_the_feed()
    visitor.open(f"{HOME}feed?bind=yes")
    visitor.bind(phone, "+77011234567")
    expect(page.locator("#bound")).to_be_visible()
    page.get_by_role("button", name="Выйти").click()
    expect(page.get_by_text("Вы вышли.")).to_be_visible()


def test_who_has_no_app_is_told_how_to_get_codes(visit: Visit) -> None:
    """A stranger's number; half of those look so, and the page is the same for people with an account."""
    visitor = visit()
    page = visitor.page
    for last in range(20):
        visitor.open(f"{HOME}code-sign-in?by=number")
        page.locator("#number").fill(f"+770590012{last:02d}")
        page.locator("#send").click()
        expect(page.locator("#no-code, #code").first).to_be_visible()
        if page.locator("#no-code").is_visible():
            break
    expect(page.locator("#no-code")).to_contain_text("привяжите приложение в ленте событий")
    expect(page.locator("#one-time-password")).to_have_count(0)
    visitor.looks_well("balabaqsha-no-code")
    page.locator("#forgotten").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_code_in_place_of_the_password(visit: Visit, take_phone: TakePhone) -> None:
    visitor, phone = visit(f"{HOME}?by=login"), take_phone()
    page = visitor.page
    bind_in_the_feed(visitor, phone)
    visitor.open(HOME)
    page.locator("#by-code").click()
    page.get_by_role("link", name="Номер телефона").click()
    page.locator("#number").fill(KNOWN["number"])
    page.locator("#send").click()
    expect(page.locator("#code")).to_be_visible()
    expect(page.get_by_text("в течение 80 секунд")).to_be_visible()
    expect(page.locator("#resend-words")).to_contain_text(re.compile(r"через (7\d|80|6\d) сек"))
    visitor.looks_well("balabaqsha-code-sign-in")
    visitor.confirm(phone.open_code())
    visitor.is_in_the_feed()


@every_look
def test_the_sign_in_pages_look_well(visit: Visit, language: str, width: int, scheme: str) -> None:
    visitor = visit(f"{HOME}?lang={language}", language=language, width=width, scheme=scheme)
    for name, path in (
        ("balabaqsha-sign-in", HOME),
        ("balabaqsha-sign-in-number", f"{HOME}?by=number"),
        ("balabaqsha-by-code", f"{HOME}code-sign-in"),
        ("kaztranscom-sign-in", "/cabinet/kaztranscom/"),
        ("portal-sign-in", "/cabinet/portal/"),
        ("balabaqsha-help", f"{HOME}help"),
    ):
        visitor.open(path)
        expect(visitor.page.locator("html")).to_have_attribute("lang", language)
        visitor.looks_well(name)
