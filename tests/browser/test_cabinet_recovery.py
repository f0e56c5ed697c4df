"""A forgotten password of the INDIGO cabinet, with the companion app in a second browser as the phone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.cabinet import NEW_PASSWORD, Parent, Visit, WithPhone, new_iin
from tests.browser.companion import TakePhone
from tests.browser.meanwhile import let_it_be_sent_again, let_the_code_end, let_the_password_change
from tests.browser.people import TWELVE_DIGITS, another, ru
from tests.browser.service import Service


def test_a_code_goes_to_the_bound_phone_and_the_page_names_its_number_masked(with_phone: WithPhone) -> None:
    parent, phone = with_phone("+77057546911")
    parent.forget_password()
    page = parent.page
    expect(page.get_by_text("по номеру +770****6911 выслано уведомление с кодом подтверждения")).to_be_visible()
    expect(page.get_by_text("в течение 60 сек")).to_be_visible()
    assert "+77057546911" not in page.content()
    parent.looks_well("cabinet-4-code")

    parent.finish(phone.open_code(), NEW_PASSWORD)
    expect(page.get_by_text("Пароль обновлён. Войдите с новым паролем.")).to_be_visible()
    expect(page.locator("#iin")).to_be_visible()  # nobody is signed in by a recovery
    parent.name_themselves()
    parent.give_password()
    expect(page.locator("#password-problem")).to_have_text("Неверный ИИН или пароль.")
    parent.give_password(NEW_PASSWORD)
    expect(page.locator(".events")).to_contain_text("Пароль изменён; все сеансы завершены")
    expect(phone.page.locator("#items")).to_contain_text("Ваш пароль изменён")


def test_a_number_without_the_app_is_bound_by_the_guide_and_then_gets_its_code(
    visit_cabinet: Visit, take_phone: TakePhone
) -> None:
    parent, phone = visit_cabinet().has_account("+77057546912"), take_phone()
    parent.forget_password()
    page = parent.page
    expect(page.get_by_role("heading", name="Система не смогла отправить код подтверждения")).to_be_visible()
    expect(page.get_by_text("По номеру +770****6912 никогда ранее не устанавливалось")).to_be_visible()
    for step in ("Шаг 1. Скачайте приложение", "Шаг 2. Привяжите приложение", "Шаг 3. Отправьте уведомление"):
        expect(page.get_by_role("heading", name=step)).to_be_visible()
    expect(page.get_by_alt_text("QR-код для перехода к приложению")).to_have_js_property("complete", True)
    expect(page.locator("#qr").get_by_role("img", name="QR-код для приложения")).to_be_visible()
    assert len(page.locator("#qr path").get_attribute("d") or "") > 1000
    expect(page.locator("#password-changes")).to_have_text(re.compile(r"через \d+ сек"))
    expect(page.get_by_text("Устройство будет привязано к данному номеру")).to_be_visible()
    parent.looks_well("cabinet-3-guide")

    page.get_by_role("button", name="Отправить").click()
    expect(page.get_by_text("Сначала выполните шаг 2")).to_be_visible()
    parent.bind(phone)
    expect(page.locator("#bound")).to_have_text(re.compile(r"Устройство привязано к номеру \+770\*\*\*\*6912"))
    expect(page.locator("#offer")).to_be_hidden()
    parent.screenshot("cabinet-3-bound")

    page.get_by_role("button", name="Отправить").click()
    expect(page.locator("#code")).to_be_visible()
    parent.renew_password(phone.open_code())


def test_the_password_on_the_page_changes_by_itself(
    visit_cabinet: Visit, take_phone: TakePhone, service: Service
) -> None:
    parent, phone = visit_cabinet().has_account("+77057546913"), take_phone()
    parent.forget_password()
    first = parent.one_time_password()
    let_the_password_change(service.database, parent.number)
    expect(parent.page.locator("#one-time-password")).not_to_have_text(first)
    expect(parent.page.locator("#one-time-password")).to_have_text(TWELVE_DIGITS)
    parent.bind(phone)
    expect(parent.page.locator("#bound")).to_be_visible()


def test_back_leads_to_the_sign_in(visit_cabinet: Visit) -> None:
    parent = visit_cabinet().has_account("+77057546914")
    parent.forget_password()
    parent.page.get_by_role("link", name="Назад").click()
    expect(parent.page.locator("#iin")).to_be_visible()


def a_stranger_asks(parent: Parent) -> None:
    """Somebody whom nobody knows has forgotten a password."""
    parent.name_themselves(new_iin())
    parent.page.get_by_role("button", name="Забыли пароль?").click()
    expect(parent.page.locator("#code, #one-time-password").first).to_be_visible()


def test_somebody_without_an_account_sees_the_same(visit_cabinet: Visit) -> None:
    """Among several IINs that nobody has, some look as if an app were bound and some as if none were."""
    parent, seen = visit_cabinet(), set()
    for _ in range(24):
        a_stranger_asks(parent)
        text = parent.words()
        assert re.search(r"\+7\d\d\*\*\*\*\d{4}", text)
        seen.add("code" if parent.page.locator("#code").is_visible() else "guide")
        if seen == {"code", "guide"}:
            break
    assert seen == {"code", "guide"}
    for _ in range(24):
        a_stranger_asks(parent)
        if parent.page.locator("#code").is_visible():
            break
    for code in ("0000", "1234", "5678", "9999"):
        parent.finish(code, NEW_PASSWORD)
        expect(parent.page.locator("#code-problem")).to_have_text(
            "Сначала откройте код на телефоне, затем введите его здесь."
        )


def test_the_checklist_ticks_while_the_password_is_typed(with_phone: WithPhone) -> None:
    parent, phone = with_phone("+77057546915")
    parent.forget_password()
    page = parent.page
    points = page.locator("#checklist li")
    expect(points).to_have_count(5)
    expect(page.locator("#checklist .met")).to_have_count(0)
    for typed, met in (
        ("kunshuaq", ["lower"]),
        ("Kunshuaq", ["lower", "upper"]),
        ("Kunshuaq7", ["lower", "upper", "digit"]),
        ("Kunshuaq7!", ["lower", "upper", "digit", "special"]),
        ("Kunshuaq7!xyz", ["length", "lower", "upper", "digit", "special"]),
        ("Құпиясөз^123", ["length", "digit"]),
    ):
        page.locator("#password").fill(typed)
        expect(page.locator("#checklist .met")).to_have_count(len(met))
        assert page.locator("#checklist .met").evaluate_all("all => all.map(e => e.dataset.part)") == met
    code = phone.open_code()
    parent.finish(code, "Kunshuaq7!xyz", "Kunshuaq7!xyZ")
    expect(page.locator("#repeat-problem")).to_contain_text("Пароли не совпадают")
    expect(page.locator("#code")).to_have_value(code)
    expect(page.locator("#password")).to_have_value("")
    parent.finish(another(code), "Kunshuaq7!xyz")
    expect(page.locator("#code-problem")).to_have_text(ru("That is not the code. Attempts left: {left}.", left=2))
    parent.looks_well("cabinet-5-wrong-code")
    parent.finish(code, "Kunshuaq7!xyz")
    expect(page.get_by_text("Пароль обновлён")).to_be_visible()


def test_the_countdown_runs_and_then_the_code_is_sent_again(with_phone: WithPhone, service: Service) -> None:
    parent, phone = with_phone("+77057546916")
    parent.forget_password()
    page = parent.page
    expect(page.locator("#resend-words")).to_have_text(re.compile(r"Вы можете запросить код повторно через \d+ сек"))
    expect(page.locator("#resend")).to_be_disabled()
    expect(page.locator("#late")).to_be_hidden()
    first = phone.open_code()
    let_it_be_sent_again(service.database, parent.number)
    page.reload()
    expect(page.locator("#late")).to_contain_text("код есть в его ленте")
    page.get_by_role("button", name=ru("Send again")).click()
    expect(page.get_by_text("Уведомление отправлено повторно.")).to_be_visible()
    expect(page.locator("#resend")).to_be_disabled()
    # Who was reading the digits goes on reading them, in the newest message alone: the code is the same.
    expect(phone.page.locator("#items .item [data-part=over]:visible")).to_have_count(1)
    expect(phone.page.locator("#items .item").first.locator("[data-part=digits]")).to_have_text(first)
    parent.renew_password(first)


def test_after_its_time_a_code_says_so_and_a_new_one_can_be_asked_for(with_phone: WithPhone, service: Service) -> None:
    parent, phone = with_phone("+77057546917")
    parent.forget_password()
    page = parent.page
    code = phone.open_code()
    let_the_code_end(service.database, parent.number)
    parent.finish(code, NEW_PASSWORD)
    expect(page.locator("#code-problem")).to_have_text(ru("The code has expired. Ask for a new one."))
    page.get_by_role("button", name=ru("Ask for a new code")).click()
    expect(page.locator("#code-life")).to_have_text(re.compile(r"\d:\d\d"))
    parent.renew_password(phone.open_code())


def test_what_to_do_names_three_causes_and_leads_to_a_new_number(with_phone: WithPhone) -> None:
    parent, _phone = with_phone("+77057546918")
    parent.forget_password()
    page = parent.page
    page.get_by_role("link", name="Что делать, если уведомление не пришло или вам не знаком этот номер?").click()
    for cause in ("больше не действителен", "Это не Ваш номер телефона", "Вы не помните, какой номер указывали"):
        expect(page.get_by_text(cause)).to_be_visible()
    page.get_by_role("link", name="Назад").click()
    expect(page.locator("#code")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Обновить номер").click()
    expect(page.get_by_role("heading", name="Переоформление Личного кабинета")).to_be_visible()
