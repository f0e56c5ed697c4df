"""The panel in a page of somebody else, on another origin, under a policy that allows it next to nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from examples.foreign_product.app import create_app
from tests.browser.companion import Owner, Product, TakePhone
from tests.browser.looks import every_look
from tests.browser.meanwhile import let_it_be_sent_again, let_it_run_out, let_pass, let_the_offer_end
from tests.browser.people import Visitor, Visitors, another, ru
from tests.browser.service import Service
from tests.browser.serving import served

_numbers = map("+7705754{}".format, count(8100))
#: Everything that the page hears of the panel.
LISTEN = """
  window.heard = [];
  for (const name of ["bound", "sent", "approved", "over", "error", "renew"])
    document.addEventListener(`pushhub:${name}`, (event) =>
      window.heard.push({ name, detail: event.detail, target: event.target.localName, composed: event.composed }));
"""


class Guest(Visitor):
    """Somebody who signs in to a website that is no part of the service."""

    def __init__(self, browser: Browser, site: str, service: str, **traits: object) -> None:
        super().__init__(browser, site, **traits)  # type: ignore[arg-type]
        self.service = service
        self.hosts.add(urlsplit(service).netloc)

    def ask_to_sign_in(self, number: str, language: str = "ru") -> None:
        self.open(f"/?lang={language}")
        self.page.locator("#number").fill(number)
        self.page.get_by_role("button", name="Go on").click()

    def heard(self, name: str) -> list[dict[str, object]]:
        return [each["detail"] for each in self.page.evaluate("window.heard") if each["name"] == name]

    def small_targets(self) -> list[str]:
        """Buttons, links and fields of the panel that are lower than 44 px."""
        small: list[str] = self.page.locator("pushhub-panel").evaluate(
            """(panel) => [...panel.shadowRoot.querySelectorAll("button, a, input")]
              .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
              .map((each) => each.outerHTML)"""
        )
        return small


Welcome = Callable[..., Guest]


@pytest.fixture(scope="module")
def dastarkhan(service: Service) -> Product:
    """The product whose website it is."""
    return Product(service, "Dastarkhan")


@pytest.fixture(scope="module")
def site(service: Service, dastarkhan: Product) -> Iterator[str]:
    """The example, served on a port of its own."""
    with served(create_app(service.url, dastarkhan.key)) as url:
        yield url


@pytest.fixture
def welcome(browser: Browser, site: str, service: Service, visitors: Visitors) -> Welcome:
    """Somebody comes to the website."""

    def come(**traits: object) -> Guest:
        guest = visitors.come(Guest(browser, site, service.url, **traits))
        guest.context.add_init_script(LISTEN)
        return guest

    return come


def bind(guest: Guest, phone: Owner, number: str) -> None:
    phone.type_number(number)
    phone.type_password(guest.one_time_password())
    phone.page.locator("#bound-continue").click()


def with_code(welcome: Welcome, phone: Owner, number: str, **traits: object) -> Guest:
    """Up to the field for the code."""
    guest = welcome(**traits)
    guest.ask_to_sign_in(number)
    bind(guest, phone, number)
    guest.page.locator("#send").click()
    expect(guest.page.locator("#code")).to_be_visible()
    return guest


def test_a_number_is_bound_and_confirmed_in_a_page_of_another_origin(welcome: Welcome, take_phone: TakePhone) -> None:
    guest, phone = welcome(), take_phone()
    guest.ask_to_sign_in("+77057548001")
    page = guest.page
    policy = next(answer for answer in guest.loaded if answer.request.is_navigation_request()).headers
    assert "default-src 'none'" in policy["content-security-policy"]
    assert "unsafe" not in policy["content-security-policy"]
    expect(page.locator("pushhub-panel [role=status]")).to_contain_text("к номеру +770****8001 оно ещё не привязано")
    assert page.locator("pushhub-panel").get_attribute("secret") is None
    assert page.locator("pushhub-panel").evaluate("panel => panel.secret") == ""
    assert "phs_" not in page.evaluate("document.documentElement.outerHTML")
    qr = page.get_by_role("img", name="QR-код для приложения")
    expect(qr).to_be_visible()
    assert len(qr.locator("path").get_attribute("d") or "") > 1000
    expect(page.locator("#password-changes")).to_have_text(re.compile(r"через \d+ сек"))
    expect(page.locator("#offer-life")).to_have_text(re.compile(r"\d:\d\d"))
    assert re.match(rf"{guest.service}/app/bind/v1#", page.locator("#offer a").get_attribute("href") or "")
    guest.looks_well("panel-1-bind")
    assert guest.small_targets() == []

    bind(guest, phone, "+77057548001")
    expect(page.locator("pushhub-panel [role=status]")).to_contain_text("Устройство привязано к номеру +770****8001")
    assert len(guest.heard("bound")) == 1
    guest.looks_well("panel-2-bound")

    page.locator("#send").click()
    expect(page.locator("#code")).to_be_focused()
    expect(page.locator("#code")).to_have_attribute("autocomplete", "one-time-code")
    assert len(guest.heard("sent")) == 1
    code = phone.open_code()
    expect(page.locator("pushhub-panel [role=status]")).to_have_text(ru("The code is open on the phone. Type it here."))
    guest.looks_well("panel-3-code")
    assert guest.small_targets() == []

    page.locator("#code").press_sequentially(f"{code[:2]} {code[2:]}")
    expect(page.locator("#code")).to_have_value(code)
    page.locator("#check").click()
    expect(page.locator("#signed-in")).to_have_text("You are signed in with the number +770****8001.")


def test_the_website_believes_the_service_and_not_the_page(welcome: Welcome) -> None:
    guest = welcome()
    guest.ask_to_sign_in("+77057548002")
    expect(guest.page.locator("#one-time-password")).to_be_visible()
    guest.page.evaluate("document.dispatchEvent(new CustomEvent('pushhub:approved', {detail: {}}))")
    expect(guest.page.locator("#problem")).to_have_text("Nobody has confirmed a number here.")
    expect(guest.page.locator("#signed-in")).to_have_count(0)


def test_a_wrong_code_says_how_many_are_left_and_the_last_one_ends_it(welcome: Welcome, take_phone: TakePhone) -> None:
    number, phone = "+77057548003", take_phone()
    guest = with_code(welcome, phone, number)
    page, hint = guest.page, guest.page.locator("#hint")
    page.locator("#code").fill("12")
    page.keyboard.press("Enter")
    expect(hint).to_have_text(ru("The code has {digits} digits.", digits=4))
    page.locator("#code").fill("1234")
    page.locator("#check").click()
    expect(hint).to_have_text(ru("Open the code on the phone first, then type it here."))
    code = phone.open_code()
    for left in (2, 1):
        page.locator("#code").fill(another(code))
        page.keyboard.press("Enter")
        expect(hint).to_have_text(ru("That is not the code. Attempts left: {left}.", left=left))
        expect(page.locator("#code")).to_be_focused()
        expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    guest.looks_well("panel-4-wrong")
    page.locator("#code").fill(another(code))
    page.keyboard.press("Enter")
    expect(hint).to_have_text(ru("The code was wrong too often and is worthless now. Ask for a new one."))
    expect(page.locator("#code")).to_be_disabled()
    expect(page.locator("#resend")).to_be_focused()
    guest.looks_well("panel-5-exhausted")
    page.get_by_role("button", name=ru("Ask for a new code")).click()
    expect(page.locator("#code")).to_be_enabled()
    expect(page.locator("#code")).to_have_value("")
    page.locator("#code").fill(phone.open_code())
    page.locator("#check").click()
    expect(page.locator("#signed-in")).to_be_visible()


def test_a_code_is_sent_again_when_its_time_has_come(welcome: Welcome, take_phone: TakePhone, service: Service) -> None:
    number, phone = "+77057548004", take_phone()
    guest = with_code(welcome, phone, number)
    page = guest.page
    expect(page.locator("#resend-words")).to_have_text(re.compile(r"через \d+ сек"))
    expect(page.locator("#resend")).to_be_disabled()
    let_it_be_sent_again(service.database, number)
    expect(page.locator("#resend")).to_be_enabled()
    page.locator("#resend").click()
    expect(page.locator("#resend")).to_be_disabled()
    assert len(guest.heard("sent")) == 2
    let_it_run_out(service.database, number, after=timedelta(seconds=-1))
    expect(page.locator("#hint")).to_have_text(ru("The code has expired. Ask for a new one."))
    page.get_by_role("button", name=ru("Ask for a new code")).click()
    expect(page.locator("#code-life")).to_have_text(re.compile(r"\d:\d\d"))
    expect(page.locator("#hint")).to_have_text("")
    first, again, anew = (each["verification"] for each in guest.heard("sent"))
    assert first == again != anew


def test_an_offer_that_has_ended_can_be_made_anew(welcome: Welcome, service: Service) -> None:
    guest = welcome()
    guest.ask_to_sign_in("+77057548005")
    first = guest.one_time_password()
    let_the_offer_end(service.database, "+77057548005")
    expect(guest.page.locator("pushhub-panel [role=status]")).to_have_text(ru("This invitation has ended."))
    expect(guest.page.locator("#one-time-password")).to_be_hidden()
    guest.looks_well("panel-6-renew")
    guest.page.get_by_role("button", name=ru("Show a new QR code and password")).click()
    expect(guest.page.locator("#one-time-password")).to_be_visible()
    assert guest.one_time_password() != first


def test_a_secret_that_has_ended_says_so_and_a_fresh_one_starts_anew(
    welcome: Welcome, service: Service, site: str, dastarkhan: Product
) -> None:
    guest = welcome()
    guest.ask_to_sign_in("+77057548006")
    first = guest.one_time_password()
    let_pass(service.database, "panels", "expires_at", "number = ?", "+77057548006")
    status = guest.page.locator("pushhub-panel [role=status]")
    expect(status).to_have_text(ru("This took too long or was ended. Open the page again and go on from there."))
    assert len(guest.heard("over")) == 1
    guest.looks_well("panel-7-over")
    fresh = dastarkhan.call("POST", "/v1/panels", {"number": "+77057548006", "purpose": "sign_in", "origin": site})
    guest.page.locator("pushhub-panel").evaluate("(panel, secret) => { panel.secret = secret }", fresh["secret"])
    assert guest.one_time_password() != first
    assert dastarkhan.call("GET", f"/v1/panels/{fresh['id']}")["status"] == "open"


WORDS = {
    "kk": ("Нөмірді растау", "Кодты жіберу"),
    "ru": ("Подтверждение номера", "Отправить код"),
    "en": ("Confirmation of the number", "Send the code"),
}


@every_look
def test_the_panel_speaks_three_languages_and_fits(
    welcome: Welcome, take_phone: TakePhone, language: str, width: int, scheme: str
) -> None:
    (title, send), number = WORDS[language], next(_numbers)
    guest, phone = welcome(width=width, height=800, language=language, scheme=scheme), take_phone()
    guest.ask_to_sign_in(number, language)
    expect(guest.page.locator("pushhub-panel [part=title]")).to_have_text(title)
    bind_words = guest.page.locator("pushhub-panel").evaluate("panel => panel.shadowRoot.textContent")
    assert "{" not in bind_words
    guest.one_time_password()
    guest.looks_well("panel-looks-1")
    bind(guest, phone, number)
    expect(guest.page.locator("#send")).to_have_text(send)
    guest.screenshot("panel-looks-2")
    assert guest.widest() <= 0
    guest.page.locator("#send").click()
    expect(guest.page.locator("#code")).to_be_visible()
    guest.screenshot("panel-looks-3")
    assert guest.widest() <= 0
    assert guest.small_targets() == []
    assert guest.violations() == []


def test_everything_can_be_done_with_the_keyboard(welcome: Welcome, take_phone: TakePhone) -> None:
    guest, phone = welcome(), take_phone()
    page = guest.page
    guest.open("/?lang=ru")
    page.locator("#number").focus()
    page.keyboard.type("+77057548007")
    page.keyboard.press("Enter")
    guest.one_time_password()
    assert focused(page) == "body", "nothing takes the focus by itself"
    bind(guest, phone, "+77057548007")
    expect(page.locator("#send")).to_be_visible()
    assert focused(page) == "body"
    for _ in range(8):
        page.keyboard.press("Tab")
        if focused(page) == "#send":
            break
    assert focused(page) == "#send"
    assert page.locator("#send").evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(phone.open_code())
    page.keyboard.press("Enter")
    expect(page.locator("#signed-in")).to_be_visible()


def focused(page: Page) -> str:
    return str(
        page.evaluate(
            """() => { let found = document.activeElement;
              while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
              return found.id ? `#${found.id}` : found.localName }"""
        )
    )


def test_countdowns_are_not_read_out_each_second(welcome: Welcome) -> None:
    guest = welcome()
    guest.ask_to_sign_in("+77057548008")
    guest.one_time_password()
    changes = """() => new Promise((done) => {
        const root = document.querySelector("pushhub-panel").shadowRoot, seen = [];
        const element = ({ target }) => (target.nodeType === 1 ? target : target.parentElement);
        const watch = new MutationObserver((all) =>
          seen.push(...all.filter((each) => element(each)?.closest("[role=status], [role=alert]"))));
        watch.observe(root, { subtree: true, childList: true, characterData: true });
        const words = root.querySelector("#password-changes"), shown = new Set();
        setInterval(() => shown.add(words.textContent).size > 2 && done(seen.length), 100);
        setTimeout(() => done("the countdown stands still"), 20_000);
      })"""
    assert guest.page.evaluate(changes) == 0


def test_without_a_connection_it_says_so_and_goes_on_by_itself(welcome: Welcome, take_phone: TakePhone) -> None:
    guest, phone = welcome(), take_phone()
    guest.ask_to_sign_in("+77057548009")
    password = guest.one_time_password()
    status = guest.page.locator("pushhub-panel [role=status]")
    guest.context.set_offline(True)
    phone.type_number("+77057548009")
    phone.type_password(password)
    expect(status).to_have_text(
        ru("There is no connection. It goes on by itself as soon as there is one."), timeout=30_000
    )
    guest.screenshot("panel-8-offline")
    guest.context.set_offline(False)
    expect(status).to_contain_text("Устройство привязано")
    guest.without_a_network()


def test_a_page_of_another_origin_can_not_use_the_secret(welcome: Welcome, dastarkhan: Product) -> None:
    guest = welcome()
    guest.ask_to_sign_in("+77057548010")
    guest.one_time_password()
    body = {"number": "+77057548010", "purpose": "sign_in", "origin": "https://dastarkhan.example.kz"}
    theirs = dastarkhan.call("POST", "/v1/panels", body)
    panel = guest.page.locator("pushhub-panel")
    panel.evaluate("(panel, secret) => { panel.secret = secret }", theirs["secret"])
    expect(panel.locator("[role=status]")).to_have_text(
        ru("This page may not show the panel. Tell the operator of the site.")
    )
    assert guest.heard("error")[0]["code"] == "origin_refused"


def test_colours_follow_the_page_and_its_scheme(welcome: Welcome) -> None:
    guest = welcome(scheme="dark")
    guest.ask_to_sign_in("+77057548011")
    guest.one_time_password()
    paper = "panel => getComputedStyle(panel.shadowRoot.querySelector('.panel')).backgroundColor"
    panel = guest.page.locator("pushhub-panel")
    assert panel.evaluate(paper) == "rgb(255, 253, 249)", "the colour that the page has set"
    plain = """panel => { const other = document.createElement("pushhub-panel"); document.body.append(other);
      const probe = (scheme) => { other.style.colorScheme = scheme;
        return getComputedStyle(other).getPropertyValue("--pushhub-paper") + getComputedStyle(other).color };
      other.style.setProperty("--pushhub-ink", "initial"); return [probe("light"), probe("dark")] }"""
    light, dark = panel.evaluate(plain)
    assert light != dark


def test_the_module_is_small_and_kept_by_the_browser(welcome: Welcome) -> None:
    guest = welcome()
    guest.ask_to_sign_in("+77057548012")
    guest.one_time_password()
    files = [answer for answer in guest.loaded if "/panel" in answer.url and "/v1/" not in answer.url]
    scripts = [answer for answer in files if answer.url.endswith(".js")]
    assert len(scripts) == 4
    assert sum(len(answer.body()) for answer in scripts) <= 30_000
    for answer in files:
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["etag"]
    etag = scripts[0].headers["etag"]
    again = guest.page.request.get(scripts[0].url, headers={"If-None-Match": etag})
    assert again.status == 304
