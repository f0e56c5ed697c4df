"""Who takes part in the stories of a cabinet: a parent at the website, with an account of their own."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.browser.companion import Owner
from tests.browser.people import Visitor
from tests.browser.service import Service
from tests.support.iins import iins

HOME = "/cabinet/indigo/"
PASSWORD = "Balapan#2026"
NEW_PASSWORD = "Kunshuaq!2027"
_iins = iins("8501014")


def new_iin() -> str:
    """An IIN that nobody else in these tests has."""
    return next(_iins)


class Client(Visitor):
    """A person at the website of a cabinet."""

    number = ""

    def enter(self, name: str, password: str, *, by: str = "name", page: Page | None = None) -> None:
        """Fill in the sign-in that is open."""
        page = page or self.page
        page.locator(f"#{by}").fill(name)
        page.locator("#password").fill(password)
        page.locator("#sign-in").click()

    def is_in_the_feed(self, page: Page | None = None) -> None:
        expect((page or self.page).get_by_role("heading", name="Лента событий", exact=True)).to_be_visible()

    def bind(self, phone: Owner, number: str | None = None) -> None:  # type: ignore[override]
        """Type what the page shows into the phone, and go on to its feed."""
        phone.type_number(number or self.number)
        phone.type_password(self.one_time_password())
        phone.page.locator("#bound-continue").click()

    def bind_by_guide(self, phone: Owner, number: str) -> None:
        """Type what the guide shows into the phone, and press «Отправить»."""
        self.bind(phone, number)
        expect(self.page.locator("#bound")).to_be_visible()
        self.page.locator("#send").click()
        expect(self.page.locator("#code")).to_be_visible()

    def confirm(self, code: str) -> None:
        self.page.locator("#code").fill(code)
        self.page.locator("#check").click()

    def type_new_password(self, password: str, repeat: str | None = None, *, page: Page | None = None) -> None:
        page = page or self.page
        page.locator("#password").fill(password)
        page.locator("#repeat").fill(password if repeat is None else repeat)

    def set_password(self, password: str, repeat: str | None = None, *, page: Page | None = None) -> None:
        self.type_new_password(password, repeat, page=page)
        (page or self.page).locator("#finish").click()


class Parent(Client):
    """A person at the website of the kindergarten."""

    def __init__(self, browser: Browser, service: Service, **traits: object) -> None:
        super().__init__(browser, service.url, **traits)  # type: ignore[arg-type]
        self._service = service
        self.iin = new_iin()
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
        self.is_in_the_feed(page)

    def forget_password(self) -> None:
        """From the IIN to the recovery."""
        self.name_themselves()
        self.page.get_by_role("button", name="Забыли пароль?").click()
        expect(self.page.get_by_role("heading", name="Восстановление забытого пароля")).to_be_visible()

    def finish(self, code: str, password: str, repeat: str | None = None) -> None:
        """Code and new password, then «Обновить» or «Переоформить»."""
        self.page.locator("#code").fill(code)
        self.set_password(password, repeat)

    def renew_password(self, code: str) -> None:
        """The right code and `NEW_PASSWORD`, which are taken."""
        self.finish(code, NEW_PASSWORD)
        expect(self.page.get_by_text("Пароль обновлён")).to_be_visible()


Visit = Callable[..., Parent]
#: A parent with an account, and a phone that is bound to its number.
WithPhone = Callable[[str], tuple[Parent, Owner]]
