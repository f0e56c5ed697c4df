"""Who is signed in to a cabinet with a password, and reads the letters that come to their mailbox."""

from __future__ import annotations

import re
from itertools import count

from playwright.sync_api import Browser, Page, expect

from tests.browser.cabinet import Client
from tests.browser.service import Service

KAZTRANSCOM = "/cabinet/kaztranscom/"
BALABAQSHA = "/cabinet/balabaqsha/"
PASSWORD = "Kunshuaq2027"
NEW_PASSWORD = "Dombyra55tau"
_made = count(1)


class Member(Client):
    """A person at a cabinet."""

    def __init__(self, browser: Browser, service: Service, *, cabinet: str = KAZTRANSCOM, **traits: object) -> None:
        super().__init__(browser, service.url, **traits)  # type: ignore[arg-type]
        self._service = service
        self.cabinet = cabinet
        self.login = ""
        self.password = PASSWORD

    def has_account(self, name: str = "", *, iin: str = "") -> Member:
        """There is an account with this login, or this IIN."""
        self.login = iin or name or f"K-{next(_made):04d}"
        kind = "iin" if iin else "login"
        self._service.make_account(self.cabinet.split("/")[2], password=self.password, **{kind: self.login})
        return self

    def sign_in(self, name: str | None = None, password: str | None = None, *, by: str = "") -> None:
        self.open(f"{self.cabinet}?by={by}" if by else self.cabinet)
        self.enter(name or self.login, password or self.password, by=by or "name")

    def is_at(self, place: str) -> None:
        expect(self.page).to_have_url(re.compile(rf"{re.escape(self.cabinet + place)}(\?.*)?$"))

    def go_to(self, tab: str) -> None:
        self.page.get_by_role("navigation").get_by_role("link", name=tab, exact=True).click()

    def change_password(self, present: str) -> None:
        """Give the present password and `NEW_PASSWORD`."""
        self.page.locator("#present").fill(present)
        self.type_new_password(NEW_PASSWORD)
        self.page.locator("#save").click()

    def save_own(self, kind: str, text: str) -> None:
        """Give a login or an address of one's own, and the present password."""
        self.page.locator(f"#{kind}").fill(text)
        self.page.locator("#present").fill(self.password)
        self.page.locator("#save").click()

    def letter_to(self, address: str, having: str) -> str:
        """The text of a letter that has come to this mailbox."""
        mailbox = self.new_page()
        mailbox.goto(f"{self.url}/start/mail")
        letter = mailbox.locator(".mail").filter(has_text=address).filter(has_text=having).first
        expect(letter).to_be_visible()
        text = letter.inner_text()
        mailbox.close()
        return text

    def open_link_in(self, letter: str, page: Page | None = None) -> None:
        found = re.search(r"https?://[^/\s]+(/cabinet/\S+/confirm/\S+)", letter)
        assert found, letter
        (page or self.page).goto(f"{self.url}{found[1]}")


def new_address() -> str:
    """A mailbox that nobody else in these tests has."""
    return f"user{next(_made)}@example.kz"
