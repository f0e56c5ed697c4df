"""Who takes part in the stories of a cabinet: a parent at the website, with an account of their own."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from pushhub.identity.iin import check_digit
from tests.browser.companion import Owner
from tests.browser.people import Visitor
from tests.browser.service import Service

HOME = "/cabinet/indigo/"
PASSWORD = "Balapan#2026"
NEW_PASSWORD = "Kunshuaq!2027"
_born = count(1)


def new_iin() -> str:
    """An IIN that nobody else in these tests has."""
    while True:
        first = f"850101{4}{next(_born):04d}"
        digit = check_digit(first)
        if digit is not None:
            return f"{first}{digit}"


class Parent(Visitor):
    """A person at the website of the kindergarten."""

    def __init__(self, browser: Browser, service: Service, **traits: object) -> None:
        super().__init__(browser, service.url, **traits)  # type: ignore[arg-type]
        self._service = service
        self.iin = new_iin()
        self.number = ""
        self.password = PASSWORD

    def has_account(self, number: str, iin: str | None = None) -> Parent:
        """There is an account with this number on file."""
        self.iin, self.number = iin or self.iin, number
        self._service.make_account("indigo", password=self.password, iin=self.iin, number=number)
        return self

    def name_themselves(self, iin: str | None = None, page: Page | None = None) -> None:
        """Step 1 of the sign-in."""
        page = page or self.page
        page.goto(f"{self.url}{HOME}")
        page.locator("#iin").fill(iin or self.iin)
        page.locator("#consent-agreement").check()
        page.locator("#consent-contact").check()
        page.get_by_role("button", name="Продолжить").click()
        expect(page.locator("#password, #send, #code").first).to_be_visible()

    def give_password(self, password: str | None = None, page: Page | None = None) -> None:
        """Step 2."""
        page = page or self.page
        page.locator("#password").fill(password or self.password)
        page.locator("#sign-in").click()

    def sign_in(self, page: Page | None = None) -> None:
        page = page or self.page
        self.name_themselves(page=page)
        self.give_password(page=page)
        expect(page.get_by_role("heading", name="Лента событий", exact=True)).to_be_visible()

    def forget_password(self) -> None:
        """From the IIN to the recovery."""
        self.name_themselves()
        self.page.get_by_role("button", name="Забыли пароль?").click()
        expect(self.page.get_by_role("heading", name="Восстановление забытого пароля")).to_be_visible()

    def one_time_password(self) -> str:
        shown = self.page.locator("#one-time-password")
        expect(shown).to_have_text(re.compile(r"^(\d{3} ){3}\d{3}$"))
        return shown.inner_text()

    def bind(self, phone: Owner, number: str | None = None) -> None:
        """Type what the page shows into the phone, and go on to its feed."""
        phone.type_number(number or self.number)
        phone.type_password(self.one_time_password())
        phone.page.locator("#bound-continue").click()

    def set_password(self, password: str, repeat: str | None = None) -> None:
        self.page.locator("#password").fill(password)
        self.page.locator("#repeat").fill(repeat if repeat is not None else password)

    def finish(self, code: str, password: str, repeat: str | None = None) -> None:
        """Code and new password, then «Обновить» or «Переоформить»."""
        self.page.locator("#code").fill(code)
        self.set_password(password, repeat)
        self.page.locator("#finish").click()


def let_pass(database: Path, table: str, column: str, where: str, *values: str) -> None:
    """Let the time of some rows be over."""
    moment = (datetime.now(UTC) - timedelta(seconds=1)).replace(tzinfo=None).isoformat(" ")
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        changed = connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (moment, *values))  # noqa: S608
        assert changed.rowcount >= 1


def let_the_password_change(database: Path, number: str) -> None:
    """Let the one-time password of the number's offer change every few seconds, and not only twice a minute."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        changed = connection.execute("UPDATE offers SET step_seconds = 10 WHERE number = ?", (number,))
        assert changed.rowcount == 1


def let_four_more_be_wrong(database: Path) -> None:
    """Who has typed five wrong passwords has typed nine, and need not wait for the next try."""
    let_pass(database, "sign_in_failures", "wait_until", "failures = ?", "5")
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        changed = connection.execute("UPDATE sign_in_failures SET failures = 9 WHERE failures = 5")
        assert changed.rowcount == 1
