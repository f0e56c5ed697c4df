"""Who sits at the browser: a visitor with the start page, and the phone beside it."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Frame, FrameLocator, Page, Response, expect

from pushhub.translations.message_texts import in_language

Scheme = Literal["light", "dark"]
_OTHER: dict[Scheme, Scheme] = {"light": "dark", "dark": "light"}
_RUN_AXE = """(options) => axe.run(document, { resultTypes: ["violations"], ...options }).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`)))"""

#: A one-time password as pages show it.
TWELVE_DIGITS = re.compile(r"^(\d{3} ){3}\d{3}$")
#: How long anything may take to appear.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)


class Visitor:
    """A browser of its own with one window. Remembers what was loaded and what the browser complained about."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        language: str = "ru",
        width: int = 1280,
        height: int = 900,
        scheme: Scheme = "light",
    ) -> None:
        self.url = url
        #: Nothing may be fetched from elsewhere.
        self.hosts = {urlsplit(url).netloc, ""}
        self.scheme = scheme
        self.name = f"{language}-{width}-{scheme}"
        self.context = browser.new_context(
            locale=language,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
            has_touch=width < 600,
        )
        self.context.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.loaded: list[Response] = []
        self.page = self.new_page()

    def new_page(self) -> Page:
        page = self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", lambda answer: self.loaded.append(answer))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        # A refusal (409, 422 …) is an answer, not a mistake of the page.
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    @property
    def phone(self) -> FrameLocator:
        """The phone beside the page."""
        return self.page.frame_locator("iframe")

    def screenshot(self, name: str) -> None:
        """Keep a picture, where `SCREENSHOTS` names a directory for them."""
        directory = os.environ.get("SCREENSHOTS")
        if directory:
            path = Path(directory) / f"{name}-{self.name}.png"
            self.page.screenshot(path=path, full_page=True)

    def ask(self, number: str) -> None:
        self.page.locator("#number").fill(number)
        self.page.locator("#ask button").click()

    def turn_to(self, side: str) -> None:
        """Show website or phone; on a wide screen both are there."""
        button = self.page.locator(f"[data-to={side}]")
        if button.is_visible():
            button.click()

    def one_time_password(self, shown_in: str = "#one-time-password") -> str:
        """The password with which the page has a phone bound."""
        shown = self.page.locator(shown_in)
        expect(shown).to_have_text(TWELVE_DIGITS)
        return shown.inner_text()

    def read_password(self) -> str:
        return self.one_time_password("#password")

    def consent(self) -> None:
        """Consent on the phone, and go on."""
        self.phone.locator("#consent").check()
        self.phone.locator("#number-form [type=submit]").click()

    def type_number(self, number: str) -> None:
        """Give the phone the number, and consent."""
        self.phone.locator("#number").fill(number)
        self.consent()

    def type_password(self, password: str) -> None:
        self.phone.locator("#password").fill(password)
        self.phone.locator("#password-form [type=submit]").click()

    def bind(self, number: str) -> None:
        """Type number and password of the page into the phone."""
        password = self.read_password()
        self.turn_to("phone")
        self.type_number(number)
        self.type_password(password)
        expect(self.phone.locator("#bound-continue")).to_be_visible()

    def look_at_phone(self) -> None:
        """Take the phone into the hand: the app looks at once for what has come, and not only when it next would."""
        self.phone.locator("body").evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")

    def open_code(self) -> str:
        """Open the newest code on the phone and read it."""
        self.turn_to("phone")
        self.look_at_phone()
        self.phone.locator("[data-part=show]:visible").click()
        item = self.phone.locator(".item").first
        expect(item.locator("[data-part=digits]")).to_have_text(re.compile(r"^\d{4}$"))
        return item.locator("[data-part=digits]").inner_text()

    def type_code(self, code: str) -> None:
        self.turn_to("site")
        self.page.locator("#code").fill(code)
        self.page.locator("#check [type=submit]").click()

    def words(self) -> str:
        """What can be read on the page, once it stands: without its style the lines break elsewhere."""
        self.page.wait_for_load_state("load")
        return self.page.locator("#main").inner_text()

    def widest(self) -> int:
        """By how many pixels anything is wider than the window, once the page stands: without its style it is wider."""
        self.page.wait_for_load_state("load")
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def violations(self) -> list[str]:
        """What axe finds wrong on this page (WCAG 2.2 AA, good practice), once it stands, in light and in dark."""
        self.page.wait_for_load_state("load")
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        found: list[str] = self.page.evaluate(_RUN_AXE, {})
        self.page.emulate_media(color_scheme=_OTHER[self.scheme])
        found += self.page.evaluate(_RUN_AXE, {"runOnly": ["color-contrast"]})
        self.page.emulate_media(color_scheme=self.scheme)
        return found

    def looks_well(self, picture: str = "") -> None:
        """Axe finds nothing on this page, and nothing is wider than the window. A picture is kept, if it has a name."""
        if picture:
            self.screenshot(picture)
        found = self.violations()
        assert found == [], f"{picture}: {found}"
        assert self.widest() <= 0, f"{picture}: something is wider than the window"

    def without_a_network(self) -> None:
        """What the browser says of having been offline is no complaint."""
        self.complaints[:] = [text for text in self.complaints if "ERR_INTERNET_DISCONNECTED" not in text]

    def leave(self) -> None:
        complaints = list(self.complaints)
        strangers = {urlsplit(answer.url).netloc for answer in self.loaded} - self.hosts
        self.context.close()
        assert complaints == []
        assert strangers == set(), "something was fetched from another host"


SomeVisitor = TypeVar("SomeVisitor", bound=Visitor)


class Visitors(ExitStack):
    """Whoever comes, until the test is over: then they leave, and nothing may have gone wrong in their browsers."""

    def come(self, visitor: SomeVisitor, path: str | None = None) -> SomeVisitor:
        """Somebody comes, and opens this page."""
        self.callback(visitor.leave)
        if path is not None:
            visitor.open(path)
        return visitor


def ru(text: str, **values: object) -> str:
    """The Russian form of a text, its values in braces put in."""
    return in_language("ru", text).format(**values)


def another(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def weight_of(page: Page | Frame) -> int:
    """The bytes of everything that the page has loaded, not compressed. What it asks for twice counts once, for the
    browser has it by then: a picture that is the window's icon too.

    The browser's own account of it: bodies asked for afterwards may belong to a page that was left.
    """
    page.wait_for_load_state("load")
    weight: int = page.evaluate(
        """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .filter((entry) => !entry.name.startsWith("blob:"))
          .filter((entry) => entry.initiatorType !== "iframe")
          .filter((entry, place, all) => all.findIndex(({ name }) => name === entry.name) === place)
          .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
    )
    print(weight)  # noqa: T201 - for whoever asks with -s
    return weight
