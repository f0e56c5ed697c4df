"""The companion app's feed where something comes in between: a receipt that is refused, a clock that is corrected,
a message that comes late, a notification that is tapped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.browser.companion import Product, TakePhone
from tests.browser.meanwhile import hold_back_the_newest, let_it_come
from tests.browser.service import Service

RECEIPTS = "**/mobile/v1/receipts"
EVERYTHING = "**/mobile/v1/**"


def let_nothing_through(page: Page, address: str) -> None:
    """Let the app wait with what it asks there, until `page.unroute` for the same address."""
    page.route(address, lambda route: route.fulfill(status=429, json={"code": "too_many_requests"}))


def test_a_receipt_that_waits_does_not_hide_that_the_number_is_gone(
    take_bound_phone: TakePhone, product: Product, service: Service
) -> None:
    owner = take_bound_phone("+77051115501")
    page = owner.page
    let_nothing_through(page, RECEIPTS)
    product.notify("+77051115501", "Место в саду", "Направление готово.")
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator("#feed-problem")).to_be_visible()
    service.free("+77051115501")
    page.unroute(RECEIPTS)
    expect(page.locator("#ended-reason")).to_be_visible()


def test_a_receipt_that_is_refused_does_not_hold_up_the_others(
    take_bound_phone: TakePhone, product: Product, service: Service
) -> None:
    owner = take_bound_phone("+77051115502")
    page = owner.page
    let_nothing_through(page, RECEIPTS)
    product.notify("+77051115502", "Место в саду", "Направление готово.")
    sent = product.notify("+77051115502", "Справка", "Справка готова.")
    expect(page.locator(".item")).to_have_count(2)
    expect(page.locator("[data-part=unread]:visible")).to_have_count(0)
    expect(page.locator("#feed-problem")).to_be_visible()
    product.notify("+77051115502", "Справка", "Ещё одна справка готова.")
    expect(page.locator(".item")).to_have_count(3)
    hold_back_the_newest(service.database, "+77051115502")
    page.unroute(RECEIPTS)
    expect(page.locator("#live")).to_be_visible()
    expect(page.locator("#feed-problem")).to_be_hidden()
    assert product.call("GET", f"/v1/notifications/{sent['id']}")["progress"]["seen"] == 1


def test_a_tapped_notification_shows_its_code_from_the_settings_too(
    take_bound_phone: TakePhone, product: Product
) -> None:
    owner = take_bound_phone("+77051115503")
    page = owner.page
    page.locator("#open-settings").click()
    page.locator("#unbind").click()
    asked = product.ask("+77051115503")
    # What the service worker says to an open window.
    page.evaluate(
        """(open) => navigator.serviceWorker.dispatchEvent(new MessageEvent("message", { data: { open } }))""",
        asked["deliveries"][0]["id"],
    )
    expect(page.locator("#unbind-dialog")).to_be_hidden()
    expect(page.locator("[data-part=digits]")).to_be_visible()
    expect(page.locator("[data-screen=settings]")).to_be_hidden()
    # The settings can be opened and left as before.
    page.locator("#open-settings").click()
    page.go_back()
    expect(page.locator("[data-part=digits]")).to_be_visible()


def test_a_clock_that_the_person_corrects_does_not_end_a_code(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051115504")
    page = owner.page
    page.clock.set_fixed_time(datetime.now(UTC) - timedelta(hours=1))
    page.reload()
    expect(page.locator("#clock-note")).to_contain_text("отстают")
    asked = product.ask("+77051115504")
    expect(page.locator("[data-part=show]")).to_be_visible()
    # The person corrects the clock, as the note says: until the service is asked again, the app is an hour ahead.
    let_nothing_through(page, EVERYTHING)
    page.clock.set_fixed_time(datetime.now(UTC))
    expect(page.locator("[data-part=over]")).to_be_visible()
    page.unroute(EVERYTHING)
    expect(page.locator("#clock-note")).to_be_hidden()
    code = owner.open_code()
    expect(page.locator("[data-part=over]")).to_be_hidden()
    expect(page.locator("[data-part=left]")).to_be_visible()
    assert product.check(asked, code)["valid"]
    expect(page.locator("[data-part=over]")).to_be_visible()
    expect(page.locator("[data-part=show]")).to_be_hidden()


def test_a_message_that_comes_late_stands_where_it_belongs(
    take_bound_phone: TakePhone, product: Product, service: Service
) -> None:
    number = "+77051115505"
    owner = take_bound_phone(number)
    page = owner.page
    titles = page.locator(".item [data-part=title]")
    expect(page.locator("#live")).to_be_visible()
    product.notify(number, "Первая", "Направление готово.")
    expect(titles).to_have_count(1)
    product.notify(number, "Вторая", "Справка готова.")
    expect(titles).to_have_count(2)
    held_back = hold_back_the_newest(service.database, number)
    page.reload()
    expect(titles).to_have_text(["Первая"])
    product.notify(number, "Третья", "Ещё одна справка готова.")
    expect(titles).to_have_text(["Третья", "Первая"])
    expect(page.locator("[data-part=unread]:visible")).to_have_count(0)
    let_it_come(service.database, number, held_back)
    expect(titles).to_have_text(["Третья", "Вторая", "Первая"])
    expect(page.locator("[data-part=unread]:visible")).to_have_count(0)
    # While nothing changes, nothing is read again.
    with page.expect_response(lambda answer: "/mobile/v1/feed" in answer.url and answer.status == 304):
        pass
