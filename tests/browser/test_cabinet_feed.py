"""«Лента событий» of a signed-in person, and their sessions."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.cabinet import HOME, NEW_PASSWORD, Visit
from tests.browser.companion import Product, TakePhone
from tests.browser.meanwhile import let_pass
from tests.browser.service import Service


def test_the_feed_has_qr_password_and_what_happened(visit_cabinet: Visit, take_phone: TakePhone) -> None:
    parent, phone = visit_cabinet().has_account("+77057546921"), take_phone()
    parent.sign_in()
    page = parent.page
    expect(page.locator("#device")).to_contain_text("не привязано устройство")
    assert len(page.locator("#qr path").get_attribute("d") or "") > 1000
    shown = parent.one_time_password()
    page.reload()
    assert parent.one_time_password() == shown or parent.one_time_password()
    parent.looks_well("cabinet-9-feed")

    parent.bind(phone)
    expect(page.locator("#bound")).to_contain_text("Теперь коды и уведомления приходят на него")
    page.reload()
    expect(page.locator("#device")).to_contain_text("Коды и уведомления приходят на устройство")
    expect(page.locator("#qr")).to_have_count(0)
    events = page.locator(".events")
    expect(events).to_contain_text("Устройство привязано")
    page.get_by_role("button", name="Выйти").click()
    expect(page.get_by_text("Вы вышли.")).to_be_visible()

    parent.forget_password()
    parent.finish(phone.open_code(), NEW_PASSWORD)
    parent.password = NEW_PASSWORD
    parent.sign_in()
    for words in ("Вход:", "Пароль изменён", "Отправлен код для нового пароля", "Введён верно", "Выход:", "привязано"):
        expect(events).to_contain_text(words)
    parent.looks_well("cabinet-9-events")


def test_another_device_takes_the_number_and_the_old_one_is_told(
    visit_cabinet: Visit, take_phone: TakePhone, product: Product
) -> None:
    parent, old, new = visit_cabinet().has_account("+77057546922"), take_phone(), take_phone()
    old.bind_to(product, parent.number)
    parent.sign_in()
    parent.page.get_by_role("link", name="Привязать другое устройство").click()
    expect(parent.page.locator("#device")).to_contain_text("Коды и уведомления приходят")
    parent.bind(new)
    expect(parent.page.locator("#bound")).to_be_visible()
    parent.open(f"{HOME}feed")
    expect(parent.page.locator(".events")).to_contain_text("номер перешёл на другое устройство")
    expect(old.page.locator("#ended-reason")).to_contain_text("Номер привязан к другому устройству")


def test_sessions_are_listed_and_can_be_ended(visit_cabinet: Visit) -> None:
    parent = visit_cabinet().has_account("+77057546923")
    other = visit_cabinet()
    other.iin, other.number = parent.iin, parent.number
    parent.sign_in()
    other.sign_in()
    page = parent.page
    page.get_by_role("link", name="Сеансы").click()
    expect(page.locator(".sessions li")).to_have_count(2)
    assert parent.violations() == []
    page.get_by_role("button", name="Завершить все остальные сеансы").click()
    expect(page.locator(".sessions li")).to_have_count(1)
    other.page.reload()
    expect(other.page.get_by_text("Вы не вошли, или сеанс завершён")).to_be_visible()
    page.reload()
    expect(page.locator(".sessions li")).to_have_count(1)


def test_a_session_that_has_ended_leads_to_the_sign_in(visit_cabinet: Visit, service: Service) -> None:
    parent = visit_cabinet().has_account("+77057546924")
    parent.sign_in()
    let_pass(
        service.database,
        "account_sessions",
        "idle_at",
        "account_id IN (SELECT id FROM accounts WHERE number = ?)",
        parent.number,
    )
    parent.page.get_by_role("button", name="Выйти").click()
    expect(parent.page.get_by_text("Вы не вошли, или сеанс завершён. Войдите снова.")).to_be_visible()
    parent.open(f"{HOME}feed")
    expect(parent.page.locator("#iin")).to_be_visible()


def test_a_new_password_ends_the_sessions_elsewhere(
    visit_cabinet: Visit, take_phone: TakePhone, product: Product
) -> None:
    parent, phone = visit_cabinet().has_account("+77057546925"), take_phone()
    elsewhere = visit_cabinet()
    elsewhere.iin, elsewhere.number = parent.iin, parent.number
    phone.bind_to(product, parent.number)
    elsewhere.sign_in()
    parent.forget_password()
    parent.renew_password(phone.open_code())
    elsewhere.page.reload()
    expect(elsewhere.page.locator("#iin")).to_be_visible()
