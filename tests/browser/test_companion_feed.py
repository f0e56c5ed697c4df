"""The companion app's feed: codes that come, run out and are used; notifications; letting the number go."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.companion import Product, TakePhone, wait_until
from tests.browser.meanwhile import let_it_be_sent_again, let_it_run_out
from tests.browser.people import ru
from tests.browser.service import Service


def test_a_code_comes_is_copied_counts_down_and_goes_when_it_was_used(take_phone: TakePhone, product: Product) -> None:
    owner = take_phone()
    page = owner.page
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner.bind_to(product, "+77051113301")
    expect(page.locator("#feed-empty")).to_be_visible()
    asked = product.ask("+77051113301")
    item = page.locator(".item")
    expect(item).to_have_count(1)
    expect(item.locator("[data-part=title]")).to_have_text("SAKURA")
    expect(item.locator("[data-part=left]")).to_have_text(re.compile(r"\d:\d\d"))

    code = owner.open_code()
    expect(item.locator("[data-part=digits] span")).to_have_count(2)
    item.locator("[data-part=copy]").click()
    expect(item.locator("[data-part=copy]")).to_have_text(ru("Copied"))
    assert page.evaluate("navigator.clipboard.readText()") == code
    left = item.locator("[data-part=left]").inner_text()
    expect(item.locator("[data-part=left]")).not_to_have_text(left)

    assert product.check(asked, code)["valid"]
    expect(item.locator("[data-part=over]")).to_have_text(ru("This code was used"))
    expect(item.locator("[data-part=digits]")).to_have_text("")
    expect(item.locator("[data-part=code]")).to_be_hidden()
    assert code not in page.locator("body").inner_text()


def test_a_code_that_was_sent_again_is_shown_by_the_newest_message_only(
    take_bound_phone: TakePhone, product: Product, service: Service
) -> None:
    owner = take_bound_phone("+77051113312")
    page = owner.page
    asked = product.ask("+77051113312")
    expect(page.locator("[data-part=show]:visible")).to_have_count(1)
    let_it_be_sent_again(service.database, "+77051113312")
    product.send_again(asked)

    newest, earlier = page.locator(".item").nth(0), page.locator(".item").nth(1)
    expect(earlier.locator("[data-part=over]")).to_have_text(ru("The code was sent again. It is in the newer message."))
    for part in ("show", "left", "life", "code", "body"):
        expect(earlier.locator(f"[data-part={part}]")).to_be_hidden()
    expect(newest.locator("[data-part=left]")).to_have_text(re.compile(r"\d:\d\d"))
    owner.screenshot("sent-again")
    code = owner.open_code()

    # Who is reading the digits when it is sent again goes on reading them, where they are now.
    let_it_be_sent_again(service.database, "+77051113312")
    product.send_again(asked)
    expect(page.locator(".item")).to_have_count(3)
    assert product.show(asked)["status"] == "pending"
    expect(page.locator(".item").first.locator("[data-part=digits]")).to_have_text(code)
    expect(page.locator("[data-part=digits]:visible")).to_have_count(1)
    owner.screenshot("sent-again-while-shown")

    # The notification of the earliest message may still be there to be tapped.
    earliest = product.show(asked)["deliveries"][0]["id"]
    page.goto("about:blank")
    owner.open(f"/app#open={earliest}")
    expect(page.locator(".item").first.locator("[data-part=digits]")).to_have_text(code)

    assert product.check(asked, code)["valid"]
    expect(page.locator(".item").first.locator("[data-part=over]")).to_have_text(ru("This code was used"))
    expect(page.locator("[data-part=over][data-used=true]")).to_have_count(1)


def test_a_code_goes_when_its_time_is_over(take_bound_phone: TakePhone, product: Product, service: Service) -> None:
    owner = take_bound_phone("+77051113302")
    page = owner.page
    page.locator("#open-settings").click()  # nobody looks at the feed yet
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    product.ask("+77051113302")
    let_it_run_out(service.database, "+77051113302", after=timedelta(seconds=6))
    page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    page.locator("#close-settings").click()
    code = owner.open_code()
    expect(page.locator("[data-part=over]")).to_have_text(ru("This code is not valid any more"))
    assert code not in page.locator("body").inner_text()


def test_a_code_that_was_cancelled_or_guessed_wrongly_goes_too(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051113303")
    asked = product.ask("+77051113303")
    owner.open_code()
    product.call("POST", f"/v1/verifications/{asked['id']}/cancel")
    expect(owner.page.locator("[data-part=over]")).to_have_text(ru("This code is not valid any more"))


def test_a_notification_is_unread_until_it_was_in_view(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051113304")
    page = owner.page
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    sent = product.notify("+77051113304", "Место в саду", "Направление готово <b>до пятницы</b>.")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    item = page.locator(".item")
    expect(item.locator("[data-part=title]")).to_have_text("Место в саду")
    expect(item.locator("[data-part=from]")).to_have_text("SAKURA")
    expect(item.locator("[data-part=body]")).to_have_text("Направление готово <b>до пятницы</b>.")
    expect(item.locator("[data-part=unread]")).to_be_hidden()  # it is in view, so it is read a moment later
    wait_until(page, lambda: product.call("GET", f"/v1/notifications/{sent['id']}")["progress"]["seen"] == 1)
    page.reload()
    expect(page.locator(".item [data-part=title]")).to_have_text("Место в саду")
    expect(page.locator(".item [data-part=unread]")).to_be_hidden()


def test_what_is_below_the_screen_stays_unread(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051113305", height=400)
    for count in range(6):
        product.notify("+77051113305", f"Новость {count}", "Текст новости. " * 8)
    page = owner.page
    expect(page.locator(".item")).to_have_count(6)
    expect(page.locator(".item").first.locator("[data-part=unread]")).to_be_hidden()  # as long as reading takes
    expect(page.locator(".item").last.locator("[data-part=unread]")).to_be_visible()
    page.locator(".item").last.scroll_into_view_if_needed()
    expect(page.locator(".item").last.locator("[data-part=unread]")).to_be_hidden()


def test_the_receipt_tells_when_the_code_reached_the_phone(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051113306")
    asked = product.ask("+77051113306")
    expect(owner.page.locator(".item")).to_have_count(1)
    owner.open_code()
    wait_until(owner.page, lambda: product.show(asked)["deliveries"][0]["status"] == "seen")


def test_the_number_is_let_go_and_bound_again(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051113307")
    page = owner.page
    page.locator("#open-settings").click()
    page.locator("#unbind").click()
    page.locator("#unbind-form [value=no]").click()
    expect(page.locator("#settings-number")).to_have_text("+7 (705) 111-33-07")
    page.locator("#unbind").click()
    page.locator("#unbind-form [value=yes]").click()
    expect(page.locator("#ended-reason")).to_have_text(ru("You have unbound the number from this device."))
    page.reload()
    expect(page.locator("#ended-reason")).to_be_visible()
    page.locator("#bind-again").click()
    owner.bind_to(product, "+77051113307")


def test_the_phone_that_loses_its_number_says_so_by_itself(take_bound_phone: TakePhone) -> None:
    old = take_bound_phone("+77051113308")
    take_bound_phone("+77051113308")
    old.page.bring_to_front()
    expect(old.page.locator("#ended-reason")).to_contain_text("привязан к другому устройству", timeout=20_000)


def test_two_windows_of_one_browser_are_one_phone(take_phone: TakePhone, product: Product) -> None:
    owner = take_phone()
    second = owner.new_page()
    second.goto(f"{owner.url}/app")
    expect(second.locator("#number")).to_be_visible()
    owner.bind_to(product, "+77051113309")
    expect(second.locator("#feed-number")).to_have_text("+7 (705) 111-33-09")
    product.ask("+77051113309")
    code = owner.open_code()
    second.bring_to_front()
    second.locator("[data-part=show]:visible").click()
    expect(second.locator("[data-part=digits]")).to_have_text(code)
    second.locator("#open-settings").click()
    second.locator("#unbind").click()
    second.locator("#unbind-form [value=yes]").click()
    expect(second.locator("#ended-reason")).to_be_visible()
    expect(owner.page.locator("#ended-reason")).to_be_visible()


def test_a_wrong_clock_is_put_right_and_told(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051113310")
    page = owner.page
    expect(page.locator("#clock-note")).to_be_hidden()
    page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=3))
    page.reload()
    expect(page.locator("#clock-note")).to_contain_text("спешат")
    product.ask("+77051113310")
    assert owner.open_code()
    expect(page.locator("[data-part=left]")).to_have_text(re.compile(r"\b(4:[45]\d|5:0\d)"))
    page.clock.set_fixed_time(datetime.now(UTC) - timedelta(days=400))
    page.reload()
    expect(page.locator("#clock-note")).to_contain_text("отстают")
    assert owner.open_code()


def test_the_language_is_changed_and_stays(take_bound_phone: TakePhone) -> None:
    owner = take_bound_phone("+77051113311")
    page = owner.page
    page.get_by_role("link", name="Қазақша").click()
    expect(page.locator("html")).to_have_attribute("lang", "kk")
    expect(page.locator("[data-screen=feed] h1")).to_have_text("Хабарламалар таспасы")
    owner.open("/app")
    expect(page.locator("html")).to_have_attribute("lang", "kk")
    page.get_by_role("link", name="English").click()
    expect(page.locator("[data-screen=feed] h1")).to_have_text("Notification feed")
