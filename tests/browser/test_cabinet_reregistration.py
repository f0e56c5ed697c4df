"""The cabinet is re-registered to a legal representative and a new number; help about the БМГ."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from demo.sample import FAMILY
from tests.browser.cabinet import HOME, NEW_PASSWORD, Visit, new_iin
from tests.browser.companion import TakePhone
from tests.browser.service import Service


def answer(page: Page, **changes: str) -> None:
    """Fill in step 1 as Айгерим would, and press «Далее»."""
    answers = {
        "child": FAMILY.child,
        "certificate": FAMILY.certificate,
        "first_parent": FAMILY.iin,
        "second_parent": FAMILY.other_parent,
    }
    for name, text in (answers | changes).items():
        page.locator(f"#{name}").fill(text)
    page.get_by_label("Ходит в детский сад").check()
    page.get_by_role("button", name="Далее").click()


def confirm(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Да, обновить").click()


def test_the_answers_are_confirmed_and_checked_against_the_register(visit_cabinet: Visit) -> None:
    parent = visit_cabinet(f"{HOME}re-registration")
    page = parent.page
    page.get_by_role("button", name="Далее").click()
    for field in ("child", "certificate", "first_parent", "place"):
        expect(page.locator(f"#{field}-problem")).to_be_visible()
    expect(page.locator("#second_parent-problem")).to_be_hidden()
    assert parent.violations() == []

    answer(page, child="210915600038")
    expect(page.locator("#child-problem")).to_contain_text("цифры не согласуются")
    expect(page.locator("#certificate")).to_have_value(FAMILY.certificate)

    answer(page)
    expect(page.get_by_role("dialog")).to_contain_text("Вы уверены, что ввели верные данные")
    parent.looks_well("cabinet-6-sure")
    page.get_by_role("button", name="Отмена").first.click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#child")).to_have_value(FAMILY.child)

    stranger = new_iin()
    for changes, field in (
        ({"child": stranger}, "child"),
        ({"certificate": "0012345679"}, "certificate"),
        ({"first_parent": stranger}, "first_parent"),
        ({"second_parent": stranger}, "second_parent"),
    ):
        answer(page, **changes)
        confirm(page)
        expect(page.locator(f"#{field}-problem")).to_be_visible()
        expect(page.locator("[aria-invalid=true]")).to_have_count(1)
        expect(page.locator(f"#{field}")).to_have_value(changes[field])
    page.get_by_label("Стоит в очереди").check()
    answered = page.get_by_role("button", name="Далее")
    page.locator("#second_parent").fill("")
    answered.click()
    confirm(page)
    expect(page.locator("#place-problem")).to_contain_text("Выберите другой ответ")

    answer(page, second_parent="")
    confirm(page)
    expect(page.get_by_text("Вы верно ответили на все вопросы!")).to_be_visible()


def test_a_number_that_stands_under_the_iin_gets_the_code_and_the_cabinet(
    visit_cabinet: Visit, take_phone: TakePhone, service: Service
) -> None:
    service.free("+77011234567")
    parent, phone = visit_cabinet(f"{HOME}re-registration"), take_phone()
    page = parent.page
    answer(page)
    confirm(page)
    expect(page.get_by_role("heading", name="Обновить данные")).to_be_visible()
    parent.screenshot("cabinet-7-number")

    father, his_number = FAMILY.other_parent, "+77011234567"
    for iin, number, field, says in (
        (new_iin(), his_number, "iin", "указанного на шаге 1"),
        (father, "+7705", "number", "Введите номер с кодом страны"),
        (father, FAMILY.new_number, "number", "не зарегистрирован на ваш ИИН"),
    ):
        page.locator("#iin").fill(iin)
        page.locator("#number").fill(number)
        page.get_by_role("button", name="Получить код").click()
        expect(page.locator(f"#{field}-problem")).to_contain_text(says)
        expect(page.locator("#iin")).to_have_value(iin)
    assert parent.violations() == []
    page.get_by_role("link", name="Что такое БМГ?").click()
    expect(page.get_by_text("Регистрация номера телефона через портал eGov.kz")).to_be_visible()
    page.get_by_role("link", name="Назад").click()

    page.locator("#iin").fill(father)
    page.locator("#number").fill("8 701 123 45 67")
    page.get_by_role("button", name="Получить код").click()
    expect(page.get_by_role("heading", name="Система не смогла отправить код подтверждения")).to_be_visible()
    assert parent.violations() == []
    parent.bind_by_guide(phone, his_number)
    parent.looks_well("cabinet-7-code")
    parent.finish(phone.open_code(), NEW_PASSWORD)
    expect(page.get_by_text("Кабинет переоформлен на ваш ИИН и номер")).to_be_visible()

    parent.iin, parent.password = father, NEW_PASSWORD
    parent.sign_in()
    expect(page.locator(".events")).to_contain_text("Кабинет зарегистрирован на номер +770****4567")
    expect(phone.page.locator("#items")).to_contain_text("На ваш номер зарегистрирован кабинет")


def test_another_number_can_be_given_and_script_is_only_text(visit_cabinet: Visit) -> None:
    parent = visit_cabinet(f"{HOME}re-registration")
    page = parent.page
    evil = '"><script>document.title = "owned"</script><b>'[:40]
    answer(page, certificate=evil)
    confirm(page)
    expect(page.locator("#certificate")).to_have_value(evil)
    assert "owned" not in page.title()
    answer(page)
    confirm(page)
    page.locator("#iin").fill(FAMILY.iin)
    page.locator("#number").fill(FAMILY.new_number)
    page.get_by_role("button", name="Получить код").click()
    expect(page.locator("#one-time-password")).to_be_visible()
    page.get_by_role("button", name="Другой номер").click()
    expect(page.locator("#number")).to_be_visible()
    page.get_by_role("link", name="Отмена").click()
    expect(page.get_by_text("Шаг 1 из 2")).to_be_visible()


def test_help_explains_the_base_and_where_the_password_is(visit_cabinet: Visit) -> None:
    parent = visit_cabinet(f"{HOME}help")
    page = parent.page
    expect(page.get_by_text("Расскажите больше о вашей ситуации")).to_be_visible()
    page.get_by_text("Я не знаю, что такое БМГ и как там зарегистрироваться").click()
    for way in ("портал eGov.kz", "приложение eGov mobile", "«Правительство для граждан»"):
        expect(page.get_by_role("listitem").filter(has_text=way)).to_be_visible()
    expect(page.get_by_role("link", name="https://egov.kz/services/CMDSearch/#/")).to_be_visible()
    page.get_by_text("Я не знаю, где взять QR-код и одноразовый пароль").click()
    expect(page.get_by_text("откройте «Ленту событий»; QR-код и одноразовый пароль")).to_be_visible()
    parent.looks_well("cabinet-8-help")
