"""Two windows, the back button, double clicks, reloads, what takes too long: nothing lost, no error page."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.cabinet import HOME, NEW_PASSWORD, Visit, WithPhone
from tests.browser.companion import TakePhone
from tests.browser.meanwhile import let_pass, let_the_offer_end
from tests.browser.service import Service


def test_two_windows_go_two_ways_at_once(with_phone: WithPhone) -> None:
    parent, phone = with_phone("+77057546931")
    parent.forget_password()
    second = parent.new_page()
    parent.name_themselves(page=second)
    parent.give_password(page=second)
    parent.is_in_the_feed(second)
    parent.page.reload()
    expect(parent.page.locator("#code")).to_be_visible()
    parent.finish(phone.open_code(), NEW_PASSWORD)
    second.reload()
    expect(second.locator("#iin")).to_be_visible()  # the new password ended the session of the other window


def test_two_windows_share_one_code(with_phone: WithPhone) -> None:
    parent, phone = with_phone("+77057546932")
    parent.forget_password()
    first, address = parent.page, parent.page.url
    parent.page = parent.new_page()
    parent.forget_password()
    assert parent.page.url != address
    code = phone.open_code()
    parent.renew_password(code)
    parent.page = first
    parent.finish(code, "Another#2028xx")
    expect(first.locator("#code-problem")).to_be_visible()
    parent.password = NEW_PASSWORD
    parent.sign_in()


def test_the_back_button_after_a_new_password_leads_on(with_phone: WithPhone) -> None:
    parent, phone = with_phone("+77057546933")
    parent.forget_password()
    page = parent.page
    parent.renew_password(phone.open_code())
    page.go_back()
    expect(page.get_by_text("Пароль обновлён")).to_be_visible()
    parent.password = NEW_PASSWORD
    parent.sign_in()
    page.go_back()
    parent.is_in_the_feed()


def test_nothing_is_taken_from_who_types_before_the_scripts_have_come(visit_cabinet: Visit) -> None:
    visitor = visit_cabinet()
    page = visitor.page
    let_scripts_come = scripts_wait(page)
    page.goto(f"{visitor.url}/cabinet/balabaqsha/", wait_until="commit")
    page.locator("#password").fill("Qw")
    let_scripts_come()
    expect(page.locator(".eye")).to_be_visible()
    expect(page.locator("#password")).to_be_focused()
    page.keyboard.type("erty")
    expect(page.locator("#password")).to_have_value("Qwerty")
    page.reload()
    expect(page.locator("[data-focus]")).to_be_focused()


def test_what_is_typed_before_the_scripts_have_come_is_not_replaced_by_what_was_typed_before(
    visit_cabinet: Visit,
) -> None:
    page = visit_cabinet().page
    refused(page)
    let_scripts_come = scripts_wait(page)
    page.reload(wait_until="commit")
    page.locator("#iin").fill("98765")
    let_scripts_come()
    expect(page.locator("header time")).not_to_be_empty()
    expect(page.locator("#iin")).to_have_value("98765")


def scripts_wait(page: Page) -> Callable[[], None]:
    """Hold up the script of the cabinet's pages until what is returned is called, once."""
    held: list[Route] = []
    page.route("**/cabinet.js*", lambda script: held.append(script))

    def let_come() -> None:
        while not held:
            page.wait_for_timeout(20)
        held[0].continue_()
        page.unroute("**/cabinet.js*")
        page.wait_for_load_state("load")

    return let_come


def refused(page: Page) -> None:
    """Step 1 of the sign-in with a slip in the IIN; the answer stands, and its scripts have run."""
    page.locator("#iin").fill("123456789012")
    page.locator("#consent-agreement").check()
    page.locator("#consent-contact").check()
    page.get_by_role("button", name="Продолжить").click()
    expect(page.locator("#iin-problem")).to_be_visible()
    page.wait_for_load_state("load")


def test_a_refused_form_is_come_back_to_as_a_page_with_what_was_typed(visit_cabinet: Visit) -> None:
    parent = visit_cabinet().has_account("+77057546939")
    page = parent.page
    refused(page)
    with page.expect_request(lambda request: request.is_navigation_request()) as again:
        page.reload()
    assert again.value.method == "GET"
    expect(page.locator("#iin")).to_have_value("123456789012")
    expect(page.locator("#consent-contact")).not_to_be_checked()  # whoever comes back says so anew
    refused(page)
    page.locator("#iin").fill(parent.iin)
    page.get_by_role("button", name="Продолжить").click()
    parent.give_password("Wrong#2026")
    expect(page.locator("#password-problem")).to_be_visible()
    page.wait_for_load_state("load")
    page.get_by_role("link", name="Помощь").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Вход в Личный кабинет")
    page.go_back()  # the browser would rather show an error than send the form again
    parent.give_password()
    parent.is_in_the_feed()


def test_nothing_of_a_refused_form_is_left_for_the_next_person(visit_cabinet: Visit) -> None:
    parent = visit_cabinet().has_account("+77057546930")
    page = parent.page
    refused(page)
    page.locator("header a.brand").click()
    expect(page.locator("#iin")).to_have_value("")
    refused(page)
    assert "123456789012" in page.evaluate("sessionStorage.getItem('pushhub:typed')")
    page.locator("#iin").fill(parent.iin)
    page.get_by_role("button", name="Продолжить").click()
    parent.give_password()
    parent.is_in_the_feed()
    page.wait_for_load_state("load")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_double_click_does_it_once(with_phone: WithPhone) -> None:
    parent, phone = with_phone("+77057546934")
    page = parent.page
    parent.name_themselves()
    page.get_by_role("button", name="Забыли пароль?").dblclick()
    expect(page.locator("#code")).to_be_visible()
    expect(phone.page.locator("#items [data-part=show]:visible")).to_have_count(1)
    page.locator("#code").fill(phone.open_code())
    parent.type_new_password(NEW_PASSWORD)
    page.locator("#finish").dblclick()
    expect(page.get_by_text("Пароль обновлён")).to_be_visible()
    parent.name_themselves()
    page.locator("#password").fill(NEW_PASSWORD)
    page.locator("#sign-in").dblclick()
    parent.is_in_the_feed()
    expect(page.locator('.events [data-kind="signed_in"]')).to_have_count(1)


def test_a_reload_in_the_middle_loses_nothing(visit_cabinet: Visit, take_phone: TakePhone) -> None:
    parent, phone = visit_cabinet().has_account("+77057546935"), take_phone()
    page = parent.page
    parent.name_themselves()
    page.reload()
    expect(page.locator("#password")).to_be_visible()
    page.get_by_role("button", name="Забыли пароль?").click()
    qr = page.locator("#qr")
    expect(qr).to_be_visible()
    page.reload()
    expect(qr).to_be_visible()
    parent.bind(phone)
    expect(page.locator("#bound")).to_be_visible()
    page.reload()
    expect(page.locator("#bound")).to_be_visible()
    page.get_by_role("button", name="Отправить").click()
    expect(page.locator("#code")).to_be_visible()
    page.reload()
    parent.renew_password(phone.open_code())
    page.reload()
    expect(page.get_by_text("Пароль обновлён")).to_be_visible()


def test_what_took_too_long_begins_again(visit_cabinet: Visit, service: Service) -> None:
    parent = visit_cabinet().has_account("+77057546936")
    parent.forget_password()
    address = parent.page.url
    let_pass(service.database, "cabinet_flows", "expires_at", "kind = ?", "recovery")
    parent.page.get_by_role("button", name="Отправить").click()
    expect(parent.page.get_by_text("Начните сначала: ничего не изменено.")).to_be_visible()
    parent.page.goto(address)
    expect(parent.page.get_by_text("Начните сначала: ничего не изменено.")).to_be_visible()


def test_an_offer_that_has_ended_is_followed_by_a_new_one(
    visit_cabinet: Visit, take_phone: TakePhone, service: Service
) -> None:
    parent, phone = visit_cabinet().has_account("+77057546937"), take_phone()
    parent.forget_password()
    parent.one_time_password()
    let_the_offer_end(service.database, parent.number)
    expect(parent.page.get_by_text("Это приглашение закончилось.")).to_be_visible()
    parent.page.get_by_role("button", name="Показать новый QR-код и пароль").click()
    parent.bind(phone)
    expect(parent.page.locator("#bound")).to_be_visible()


def test_the_page_of_another_browser_can_not_be_opened(visit_cabinet: Visit) -> None:
    parent, stranger = visit_cabinet().has_account("+77057546938"), visit_cabinet()
    parent.forget_password()
    stranger.page.goto(parent.page.url)
    expect(stranger.page.get_by_text("Начните сначала")).to_be_visible()
    assert "+770****6938" not in stranger.page.content()


def test_a_form_of_yesterday_says_so_and_can_be_sent_anew(visit_cabinet: Visit) -> None:
    parent = visit_cabinet()
    parent.context.clear_cookies()
    parent.page.get_by_role("button", name="Продолжить").click()
    expect(parent.page.get_by_role("heading", name="Страница устарела")).to_be_visible()
    assert parent.violations() == []
    parent.page.get_by_role("link", name="Открыть страницу снова").click()
    parent.open(HOME)
    expect(parent.page.locator("#iin")).to_be_visible()
