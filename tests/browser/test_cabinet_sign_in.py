"""Signing in to the INDIGO cabinet, and the header of every page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser.cabinet import HOME, Visit, WithPhone, new_iin
from tests.browser.looks import LANGUAGES, WIDTHS, every_look
from tests.browser.meanwhile import let_four_more_be_wrong
from tests.browser.people import TWELVE_DIGITS, weight_of
from tests.browser.service import Service

#: The pages of the cabinet for which nobody has to sign in.
OPEN_TO_ALL = ("", "help", "help/code", "help/mobile-base", "documents/agreement", "re-registration", "no/such/page")


def test_a_parent_signs_in_with_iin_consents_and_password(visit_cabinet: Visit) -> None:
    parent = visit_cabinet().has_account("+77057546901")
    page = parent.page
    expect(page.get_by_role("heading", name="Вход в Личный кабинет")).to_be_visible()
    expect(page.get_by_text("Шаг 1 из 2")).to_be_visible()
    parent.screenshot("cabinet-1-iin")

    page.get_by_role("button", name="Продолжить").click()
    expect(page.locator("#iin-problem")).to_have_text("Введите ИИН: 12 цифр.")
    expect(page.locator("#consent-agreement-problem")).to_be_visible()
    expect(page.locator("#consent-contact-problem")).to_be_visible()

    for typed, says in (
        ("85010140001", "ИИН состоит ровно из 12 цифр."),
        ("851301400017", "первые шесть цифр не являются датой рождения"),
        (parent.iin[:-1] + str((int(parent.iin[-1]) + 1) % 10), "цифры не согласуются между собой"),
    ):
        page.locator("#iin").fill(typed)
        page.get_by_role("button", name="Продолжить").click()
        expect(page.locator("#iin-problem")).to_contain_text(says)
        expect(page.locator("#iin")).to_have_value(typed)

    page.locator("#iin").fill(parent.iin)
    page.locator("#consent-agreement").check()
    page.get_by_role("button", name="Продолжить").click()
    expect(page.locator("#consent-contact-problem")).to_be_visible()
    expect(page.locator("#consent-agreement")).to_be_checked()
    page.locator("#consent-contact").check()
    page.get_by_role("button", name="Продолжить").click()

    expect(page.get_by_text("Шаг 2 из 2")).to_be_visible()
    expect(page.get_by_role("button", name="Забыли пароль?")).to_be_visible()
    parent.screenshot("cabinet-2-password")
    page.get_by_role("link", name="Назад").click()
    expect(page.get_by_text("Шаг 1 из 2")).to_be_visible()

    parent.sign_in()
    expect(page.locator(".events li").first).to_contain_text("Вход:")


def test_the_agreement_opens_beside_the_form(visit_cabinet: Visit) -> None:
    parent = visit_cabinet()
    parent.page.locator("#iin").fill("850101")
    with parent.context.expect_page() as opened:
        parent.page.get_by_role("link", name="соглашением об ответственности сторон").click()
    expect(opened.value.get_by_role("heading", name="Соглашение об ответственности сторон")).to_be_visible()
    expect(parent.page.locator("#iin")).to_have_value("850101")


def test_whether_there_is_an_account_is_not_told(visit_cabinet: Visit) -> None:
    parent = visit_cabinet().has_account("+77057546902")
    words = []
    for iin in (parent.iin, new_iin()):
        parent.name_themselves(iin)
        parent.give_password("not the password")
        expect(parent.page.locator("#password-problem")).to_be_visible()
        expect(parent.page.locator("#password")).to_have_value("")
        shown = parent.words()
        words.append(re.sub(r"\d{4}\*{6}\d\d", "IIN", shown))
    assert words[0] == words[1]


def test_the_eye_shows_what_was_typed(visit_cabinet: Visit) -> None:
    parent = visit_cabinet()
    parent.name_themselves()
    password = parent.page.locator("#password")
    password.fill("Balapan#2026")
    expect(password).to_have_attribute("type", "password")
    parent.page.get_by_role("button", name="Показать пароль").click()
    expect(password).to_have_attribute("type", "text")
    parent.page.get_by_role("button", name="Скрыть пароль").click()
    expect(password).to_have_attribute("type", "password")


def test_ten_wrong_passwords_slow_down_and_then_ask_for_a_code(with_phone: WithPhone, service: Service) -> None:
    parent, phone = with_phone("+77057546903")
    parent.name_themselves()
    page = parent.page
    for _ in range(5):
        parent.give_password("not the password")
    expect(page.locator("#wait")).to_have_text(re.compile(r"через 0:\d\d"))
    parent.give_password(parent.password)
    expect(page.locator("#password-problem")).to_contain_text("не проверялся")
    expect(page.locator("#password")).to_have_value("")
    let_four_more_be_wrong(service.database)
    parent.give_password("not the password")
    expect(page.get_by_role("heading", name="Подтвердите, что это вы")).to_be_visible()
    parent.looks_well("cabinet-unlock")
    parent.name_themselves()
    expect(page.get_by_role("heading", name="Подтвердите, что это вы")).to_be_visible()

    page.get_by_role("button", name="Получить код").click()
    parent.confirm(phone.open_code())
    expect(page.get_by_text("Номер подтверждён. Теперь введите пароль.")).to_be_visible()
    parent.give_password()
    parent.is_in_the_feed()
    expect(page.locator(".events li").first).to_contain_text("Вход")


def test_the_header_has_reference_time_city_and_languages(visit_cabinet: Visit) -> None:
    parent = visit_cabinet()
    page = parent.page
    # This machine's clock is of no account.
    page.clock.set_system_time(datetime.now(UTC) - timedelta(hours=5))
    page.reload()
    shown = page.locator("#reference-time")
    expect(shown).to_have_text(re.compile(r"^\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d$"))
    first = shown.inner_text()
    zone = ZoneInfo("Asia/Almaty")
    told = datetime.strptime(first, "%Y.%m.%d %H:%M:%S").replace(tzinfo=zone)
    assert abs(told - datetime.now(zone)) < timedelta(seconds=20)
    expect(shown).not_to_have_text(first)
    expect(page.get_by_text("Эталонное время сервера")).to_be_visible()
    expect(page.get_by_text("г. Павлодар")).to_be_visible()


def test_the_language_switch_keeps_the_page(visit_cabinet: Visit) -> None:
    parent = visit_cabinet()
    page = parent.page
    parent.name_themselves()
    address = page.url
    for name, heading, code in (
        ("Қазақша", "Жеке кабинетке кіру", "kk"),
        ("English", "Sign in to the Personal cabinet", "en"),
        ("Русский", "Вход в Личный кабинет", "ru"),
    ):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", code)
        assert page.url.partition("?")[0] == address
        expect(page.locator("#password")).to_be_visible()


@every_look
def test_the_pages_before_the_sign_in_are_for_everybody(
    visit_cabinet: Visit, language: str, width: int, scheme: str
) -> None:
    parent = visit_cabinet(language=language, width=width, height=640, scheme=scheme)
    for path in OPEN_TO_ALL:
        parent.open(f"{HOME}{path}?lang={language}")
        assert parent.violations() == [], path
        assert parent.widest() <= 0, path


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_wider_than_the_narrowest_window(visit_cabinet: Visit, language: str) -> None:
    parent = visit_cabinet(language=language, width=min(WIDTHS), height=640)
    signing_in = [f"/cabinet/{name}/" for name in ("balabaqsha", "kaztranscom", "portal")]
    by_code = ["/cabinet/balabaqsha/code-sign-in", "/cabinet/portal/recovery", "/cabinet/kaztranscom/registration"]
    for path in (*(HOME + path for path in OPEN_TO_ALL), *signing_in, *by_code):
        parent.open(f"{path}?lang={language}")
        assert parent.widest() <= 0, path


def test_what_is_refused_before_the_sign_in_is_said_to_everybody(visit_cabinet: Visit) -> None:
    parent = visit_cabinet(width=320, height=640)
    parent.page.get_by_role("button", name="Продолжить").click()
    expect(parent.page.locator("#iin-problem")).to_be_visible()
    assert parent.violations() == []
    parent.name_themselves()
    parent.give_password("not the password")
    expect(parent.page.locator("#password-problem")).to_be_visible()
    assert parent.violations() == []


def test_a_form_works_without_javascript(visit_cabinet: Visit) -> None:
    parent = visit_cabinet().has_account("+77057546904")
    context = parent.context.browser.new_context(java_script_enabled=False, locale="ru")  # type: ignore[union-attr]
    page = context.new_page()
    parent.sign_in(page=page)
    expect(page.locator("#one-time-password")).to_have_text(TWELVE_DIGITS)
    expect(page.locator("#reference-time")).to_have_text(re.compile(r"^\d{4}\.\d\d\.\d\d \d\d:\d\d$"))
    context.close()


def test_the_pages_are_light(visit_cabinet: Visit) -> None:
    parent = visit_cabinet().has_account("+77057546905")
    parent.forget_password()
    parent.one_time_password()
    assert 10_000 < weight_of(parent.page) < 100_000
