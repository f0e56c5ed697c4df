"""Who has forgotten a password of the portal or of the kindergarten portal."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.companion import Owner
from tests.browser.people import Visitor

PORTAL = "/cabinet/portal/"
KINDERGARTEN = "/cabinet/balabaqsha/"
OLD, NEW = "Balapan#2026", "Qyran!Tau88"


class Forgetful(Visitor):
    """A person who has forgotten the password."""

    def ask_for_letter(self, address: str) -> None:
        self.page.locator("#forgotten").click()
        self.page.get_by_role("link", name="По e-mail").click()
        self.page.locator("#email").fill(address)
        self.page.locator("#send").click()

    def ask_for_code(self, number: str) -> None:
        self.page.locator("#forgotten").click()
        self.page.get_by_role("link", name="По телефону").click()
        self.page.locator("#number").fill(number)
        self.page.locator("#send").click()

    def open_letter(self, subject: str, address: str, *, count: int = 1) -> Page:
        """The mailbox in another window, and once so many letters are there the newest one's link, in one more."""
        mailbox = self.new_page()
        mailbox.goto(f"{self.url}/start/mail")
        letters = mailbox.locator(".mail").filter(has_text=subject).filter(has_text=address)
        expect(letters).to_have_count(count)
        with self.context.expect_page() as opened:
            letters.first.get_by_role("link").first.click()
        opened.value.wait_for_load_state()
        return opened.value

    def set_password(self, password: str, repeat: str | None = None, *, page: Page | None = None) -> None:
        page = page or self.page
        page.locator("#password").fill(password)
        page.locator("#repeat").fill(password if repeat is None else repeat)
        page.locator("#finish").click()

    def bind(self, phone: Owner, number: str) -> None:
        """Type what the guide shows into the phone, and press «Отправить»."""
        phone.type_number(number)
        shown = self.page.locator("#one-time-password")
        expect(shown).to_have_text(re.compile(r"^(\d{3} ){3}\d{3}$"))
        phone.type_password(shown.inner_text())
        phone.page.locator("#bound-continue").click()
        expect(self.page.locator("#bound")).to_be_visible()
        self.page.locator("#send").click()

    def confirm(self, code: str) -> None:
        self.page.locator("#code").fill(code)
        self.page.locator("#check").click()
