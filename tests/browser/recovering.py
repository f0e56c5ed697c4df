"""Who has forgotten a password of the portal or of the kindergarten portal."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.cabinet import Client

PORTAL = "/cabinet/portal/"
KINDERGARTEN = "/cabinet/balabaqsha/"
OLD, NEW = "Balapan#2026", "Qyran!Tau88"


class Forgetful(Client):
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
