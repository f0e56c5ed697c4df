"""A forgotten password of the portals: by a link in a letter, and by a code to the phone."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from collections.abc import Callable, Iterator
from itertools import count
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.cabinet import new_iin
from tests.browser.companion import TakePhone
from tests.browser.looks import every_look
from tests.browser.meanwhile import let_pass
from tests.browser.people import Visitors, another
from tests.browser.recovering import KINDERGARTEN, NEW, OLD, PORTAL, Forgetful
from tests.browser.service import Service

Visit = Callable[..., Forgetful]
_person = count(1)


@pytest.fixture
def visit(service: Service, browser: Browser, visitors: Visitors) -> Visit:
    """Somebody opens a cabinet."""

    def open_page(path: str = PORTAL, **traits: object) -> Forgetful:
        return visitors.come(Forgetful(browser, service.url, **traits), path)  # type: ignore[arg-type]

    return open_page


@pytest.fixture
def address(service: Service) -> str:
    """The address of somebody with an account in the portal."""
    email = f"parent{next(_person)}@example.kz"
    service.make_account("portal", email=email, password=OLD)
    return email


def test_a_letter_comes_and_its_link_sets_a_new_password_once(visit: Visit, address: str) -> None:
    person = visit()
    person.page.locator("#forgotten").click()
    person.looks_well("recovery-1-email")
    person.page.locator("#email").fill(address)
    person.page.locator("#send").click()
    expect(person.page.get_by_role("heading", name="Проверьте почту")).to_be_visible()
    expect(person.page.locator("#mail")).to_be_hidden()
    person.looks_well("recovery-2-letter")

    opened = person.open_letter("MALAHIT: новый пароль", address)
    expect(opened.get_by_role("heading", name="Новый пароль")).to_be_visible()
    person.page = opened
    person.looks_well("recovery-3-link")
    link = opened.url
    person.set_password(NEW)
    expect(opened.get_by_text("Пароль обновлён. Войдите с новым паролем.")).to_be_visible()
    assert "phl_" not in opened.url
    person.enter(address, NEW)
    person.is_in_the_feed()

    opened.goto(link)
    expect(opened.get_by_role("heading", name="Эта ссылка уже использована")).to_be_visible()
    person.looks_well("recovery-4-used")
    opened.locator("#new-link").click()
    expect(opened.locator("#email")).to_be_focused()


def test_a_link_after_its_half_hour_says_so_and_how_to_go_on(visit: Visit, address: str, service: Service) -> None:
    person = visit()
    person.ask_for_letter(address)
    opened = person.open_letter("MALAHIT: новый пароль", address)
    let_pass(service.database, "account_links", "expires_at", "kind = ? AND used_at IS NULL", "recovery")
    person.set_password(NEW, page=opened)
    expect(opened.get_by_role("heading", name="Эта ссылка больше не действует")).to_be_visible()
    opened.locator("#new-link").click()
    opened.locator("#email").fill(address)
    opened.locator("#send").click()
    expect(opened.get_by_role("heading", name="Проверьте почту")).to_be_visible()


@pytest.fixture
def mail_server(service: Service) -> Iterator[Callable[[bool], None]]:
    """Lets the mail server of the local installation refuse everybody, or be itself again."""
    simulators = service.settings["PUSHHUB_SIMULATOR_URL"]

    def answers(well: bool) -> None:
        down = {
            "provider": "email",
            "times": None,
            "status": 421,
            "reason": "4.3.2 Down",
            "detail": {"stage": "connect"},
        }
        request = urllib.request.Request(
            f"{simulators}/scripts",
            method="DELETE" if well else "POST",
            data=None if well else json.dumps(down).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    yield answers
    answers(True)


def test_mail_that_is_down_is_told_by_the_page_itself_and_the_letter_comes_later(
    visit: Visit, address: str, mail_server: Callable[[bool], None]
) -> None:
    mail_server(False)
    person = visit()
    person.ask_for_letter(address)
    expect(person.page.get_by_role("heading", name="Проверьте почту")).to_be_visible()
    expect(person.page.locator("#mail")).to_have_text(
        "Почтовый сервер сейчас не отвечает. Письмо уйдёт, как только он ответит.", timeout=40_000
    )
    expect(person.page.locator("#mail")).to_be_visible(timeout=40_000)
    person.looks_well("recovery-10-mail-down")
    mail_server(True)
    expect(person.page.locator("#mail")).to_be_hidden(timeout=40_000)
    mailbox = person.new_page()
    mailbox.goto(f"{person.url}/start/mail")
    letters = mailbox.locator(".mail").filter(has_text=address)
    expect(letters).to_have_count(1, timeout=60_000)


def test_nobodys_address_shows_the_same_page(visit: Visit, address: str) -> None:
    seen = []
    for email in (address, f"nobody.{address}"):
        person = visit()
        person.ask_for_letter(email)
        expect(person.page.get_by_role("heading", name="Проверьте почту")).to_be_visible()
        seen.append(re.sub(r"\S+@\S+|\d\d:\d\d", "…", person.words()))
    assert seen[0] == seen[1]


def test_what_is_no_address_is_said_under_the_field_which_keeps_it(visit: Visit) -> None:
    person = visit()
    person.ask_for_letter("parent at example.kz")
    expect(person.page.locator("#email-problem")).to_contain_text("Это не адрес e-mail")
    expect(person.page.locator("#email")).to_have_value("parent at example.kz")
    expect(person.page.locator("#email")).to_be_focused()
    assert person.violations() == []


def test_a_code_to_the_phone_then_the_new_password(visit: Visit, take_phone: TakePhone, service: Service) -> None:
    number = "+77053330921"
    service.make_account("portal", email="phone@example.kz", number=number, password=OLD)
    person, phone = visit(), take_phone()
    person.ask_for_code("8 (705) 333-09-21")
    page = person.page
    expect(page.get_by_role("heading", name="Система не смогла отправить код подтверждения")).to_be_visible()
    person.bind_by_guide(phone, number)
    expect(page.get_by_text("+770****0921").first).to_be_visible()
    expect(page.locator("#password")).to_have_count(0)
    person.looks_well("recovery-5-code")
    assert number not in page.content()
    code = phone.open_code()
    person.confirm(another(code))
    expect(page.locator("#code-problem")).to_contain_text("Неверный код. Осталось попыток: 2")
    person.confirm(code)
    expect(page.get_by_text("Шаг 2 из 2: Новый пароль")).to_be_visible()
    expect(page.locator("#code")).to_have_count(0)
    person.looks_well("recovery-6-password")
    page.reload()
    person.set_password(NEW)
    expect(page.get_by_text("Пароль обновлён")).to_be_visible()
    expect(phone.page.locator("#items")).to_contain_text("Ваш пароль изменён")
    page.go_back()
    expect(page.get_by_text("Пароль обновлён")).to_be_visible()


def test_the_rule_is_ticked_while_one_types_and_the_like_of_old_passwords_is_refused(
    visit: Visit, address: str
) -> None:
    person = visit()
    for letters in (1, 2):
        person.open(PORTAL)
        person.ask_for_letter(address)
        expect(person.page.get_by_role("heading", name="Проверьте почту")).to_be_visible()
        person.page = person.open_letter("MALAHIT: новый пароль", address, count=letters)
        if letters == 1:
            person.set_password(NEW)
            expect(person.page.get_by_text("Пароль обновлён")).to_be_visible()
    page = person.page
    expect(page.locator("#checklist li")).to_have_count(6)
    expect(page.locator("#checklist li").last).to_have_text("Не похож ни на один из последних 6 ваших паролей")
    expect(page.locator("#checklist .met")).to_have_count(0)
    for typed, met in (
        ("qyran", ["lower"]),
        ("Qyran", ["lower", "upper"]),
        ("Qyran8", ["lower", "upper", "digit"]),
        ("Qyran8.", ["lower", "upper", "digit", "special"]),
        ("Qyran8.x", ["length", "lower", "upper", "digit", "special"]),
    ):
        page.locator("#password").fill(typed)
        expect(page.locator("#checklist .met")).to_have_count(len(met))
        assert page.locator("#checklist .met").evaluate_all("all => all.map(e => e.dataset.part)") == met
    for alike in (NEW, "qYRAN!tAU88", "Qyran!Tau89", "88Qyran!Tau", "Qyr@n!Tau88"):
        person.set_password(alike)
        expect(page.locator("#password-problem")).to_contain_text("слишком похож")
        expect(page.locator("#password")).to_have_value("")
    person.looks_well("recovery-7-alike")
    person.set_password("Zhuldyz@505")
    expect(page.get_by_text("Пароль обновлён")).to_be_visible()


def test_the_eye_shows_what_was_typed(visit: Visit, address: str) -> None:
    person = visit()
    person.ask_for_letter(address)
    page = person.open_letter("MALAHIT: новый пароль", address)
    for name in ("password", "repeat"):
        field = page.locator(f"#{name}")
        field.fill(NEW)
        eye = page.locator(".secret").filter(has=field).get_by_role("button")
        expect(field).to_have_attribute("type", "password")
        eye.click()
        expect(field).to_have_attribute("type", "text")
        expect(field).to_have_value(NEW)
        expect(eye).to_have_attribute("aria-pressed", "true")
        eye.click()
        expect(field).to_have_attribute("type", "password")


def test_in_the_kindergarten_portal_number_iin_and_consent_then_the_code_and_the_new_password(
    visit: Visit, take_phone: TakePhone, service: Service
) -> None:
    number, iin = "+77053330922", new_iin()
    service.make_account("balabaqsha", iin=iin, number=number, password="kunshuaq2026")
    person, phone = visit(f"{KINDERGARTEN}?lang=kk", language="kk", width=360, height=780), take_phone()
    page = person.page
    page.locator("#forgotten").click()
    person.looks_well("recovery-8-kindergarten")
    page.locator("#send").click()
    for name in ("number", "iin", "consent-data-policy"):
        expect(page.locator(f"#{name}-problem")).to_be_visible()
    page.locator("#number").fill(number)
    page.locator("#iin").fill(iin)
    page.locator("#consent-data-policy").check()
    page.locator("#send").click()
    person.bind_by_guide(phone, number)
    expect(page.locator("#resend-words")).to_have_text(re.compile(r"(7\d|80)"))
    person.screenshot("recovery-9-kindergarten-code")
    person.confirm(phone.open_code())
    person.set_password("kunshuaq2027")
    expect(page.locator(".note.good")).to_be_visible()
    person.enter(iin, "kunshuaq2027", by="iin")
    expect(page).to_have_url(re.compile("/feed$"))


def test_without_scripts_both_ways_can_be_chosen_and_gone(browser: Browser, service: Service, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="ru")
    page = context.new_page()
    page.goto(f"{service.url}{PORTAL}recovery")
    page.get_by_role("link", name="По телефону").click()
    page.locator("#number").fill("+77057546999")
    page.locator("#send").click()
    expect(page.locator("#code, #one-time-password").first).to_be_visible()
    page.goto(f"{service.url}{PORTAL}recovery")
    page.locator("#email").fill(address)
    page.locator("#send").click()
    expect(page.get_by_role("heading", name="Проверьте почту")).to_be_visible()
    page.locator("#again").click()
    expect(page.get_by_text("Письмо отправлено ещё раз")).to_be_visible()
    context.close()


@every_look
def test_the_pages_fit_phones_in_three_languages(
    visit: Visit, address: str, language: str, width: int, scheme: str
) -> None:
    person = visit(f"{PORTAL}recovery?lang={language}", language=language, width=width, height=760, scheme=scheme)
    page = person.page

    person.looks_well("fit-ask-email")
    page.locator("#email").fill(address)
    page.locator("#send").click()
    expect(page.locator("#again")).to_be_visible()
    person.looks_well("fit-letter")
    person.page = page = person.open_letter("MALAHIT", address)
    page.goto(f"{page.url}?lang={language}")
    person.set_password("weak")
    expect(page.locator("#password-problem")).to_be_visible()
    person.looks_well("fit-link")
    page.goto(f"{page.url[:-3]}?lang={language}")
    expect(page.locator("#new-link")).to_be_visible()
    person.looks_well("fit-unknown")
    page.goto(f"{person.url}{PORTAL}recovery?by=code&lang={language}")
    page.locator("#number").fill("1")
    page.locator("#send").click()
    expect(page.locator("#number-problem")).to_be_visible()
    person.looks_well("fit-ask-code")


def test_a_request_that_nobody_can_read_leaves_no_link_in_the_log(service: Service) -> None:
    """gunicorn quotes such requests in its own lines."""
    secret = "phl_ThisIsWhatALinkInALetterLooksLike_-0123456789"
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"GET/cabinet/portal/link/{secret}\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    log = service.log.read_text()
    assert "GET/cabinet/portal/link/phl_[hidden]" in log
    assert secret not in log
    assert secret[4:] not in log
