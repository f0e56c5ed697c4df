"""The start page of `make run`: the cabinet on the left and the phone on the right, with prepared people."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from demo.sample import FAMILY
from tests.browser.people import Visitor

Visit = Callable[..., Visitor]


def sign_in(visitor: Visitor, password: str = FAMILY.password) -> None:
    site = visitor.page.frame_locator("iframe[name=site]")
    site.locator("#iin").fill(FAMILY.iin)
    site.locator("#consent-agreement").check()
    site.locator("#consent-contact").check()
    site.locator("button[type=submit]").first.click()
    site.locator("#password").fill(password)
    site.locator("#sign-in").click()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (360, 740)])
def test_a_newcomer_binds_the_phone_from_the_cabinet_beside_it(visit: Visit, width: int, height: int) -> None:
    visitor = visit("/?lang=ru", width=width, height=height)
    page = visitor.page
    site, phone = page.frame_locator("iframe[name=site]"), page.frame_locator("iframe[name=phone]")
    expect(page.get_by_text("Что знает Айгерим")).to_be_visible()
    if width > 1000:
        for known in (FAMILY.iin, FAMILY.password, FAMILY.number, FAMILY.certificate):
            expect(page.get_by_role("button", name=known)).to_be_visible()
        assert visitor.violations() == []
    assert visitor.widest() <= 0

    sign_in(visitor)
    bind_another = site.get_by_role("link", name="Привязать другое устройство")
    expect(site.get_by_role("heading", name="Лента событий", exact=True)).to_be_visible()
    expect(site.locator("#events-title")).to_be_visible()
    if bind_another.is_visible():
        bind_another.click()
    site.get_by_role("link", name="Открыть в приложении на этом устройстве").click()
    if width < 1000:
        expect(page.locator(".left")).to_be_hidden()
    expect(phone.locator("#qr-found")).to_be_visible()
    phone.locator("#consent").check()
    phone.locator("#number-form [type=submit]").click()
    expect(phone.locator("#bound-continue")).to_be_visible()
    visitor.turn_to("site")
    expect(site.locator("#bound")).to_be_visible()
    visitor.screenshot("0-walk")


def test_what_is_clicked_on_is_copied(visit: Visit) -> None:
    visitor = visit("/?lang=en", language="en")
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.page.get_by_role("button", name=FAMILY.certificate).click()
    expect(visitor.page.locator("#copied")).to_have_text(f"Copied: {FAMILY.certificate}")
    assert visitor.page.evaluate("navigator.clipboard.readText()") == FAMILY.certificate


def test_the_way_of_one_code_has_a_page_of_its_own(visit: Visit) -> None:
    visitor = visit("/?lang=ru")
    visitor.page.get_by_role("link", name="Путь одного кода").click()
    expect(visitor.page.locator("#number")).to_be_visible()
    visitor.page.get_by_role("link", name="Стартовая страница").click()
    expect(visitor.page.get_by_text("Что знает Айгерим")).to_be_visible()
