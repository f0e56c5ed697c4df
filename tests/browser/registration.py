"""Who registers: somebody at the website of a cabinet, with the phone beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import expect

from tests.browser.cabinet import Client

BALABAQSHA = "/cabinet/balabaqsha/"
KAZTRANSCOM = "/cabinet/kaztranscom/"
PASSWORD = "kunshuaq2026"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody whom the register of the local installation knows and who has no account yet."""

    iin: str
    number: str
    name: str


GULNAR = Newcomer("880305400036", "+77475550101", "Гүлнар")
TIMUR = Newcomer("931117300459", "+77475550102", "Тимур")
VIKTORIYA = Newcomer("850621400128", "+77475550103", "Виктория")


class Registrant(Client):
    """A person who registers."""

    def give(self, person: Newcomer, *, number: str | None = None, consent: bool = True) -> None:
        """Number, IIN and consent, and «Отправить код»."""
        page = self.page
        page.locator("#number").fill(number or person.number)
        page.locator("#iin").fill(person.iin)
        if consent:
            page.locator("#consent-data-policy").check()
        page.locator("#go-on").click()

    def fill_in(self, **fields: str) -> None:
        """The fields of a customer."""
        for name, text in fields.items():
            self.page.locator(f"#{name}").fill(text)

    def solve_captcha(self) -> None:
        """Tick «Я не робот» and wait until the device has done its task."""
        self.page.locator("altcha-widget input[type=checkbox]").click()
        expect(self.page.locator("altcha-widget input[name=captcha]")).to_have_value(re.compile(r".{100,}"))
