"""The story of the start page, walked in a real browser with the phone beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.meanwhile import let_it_be_sent_again
from tests.browser.people import Visitor, another, ru, weight_of
from tests.browser.service import Service

Visit = Callable[..., Visitor]


def test_a_number_without_the_app_is_bound_and_its_code_approved(visit: Visit) -> None:
    visitor = visit()
    page, phone = visitor.page, visitor.phone
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    visitor.screenshot("1-number")

    visitor.ask("8 705 754 68 01")
    expect(page.locator("#bind-lead")).to_contain_text("+770****6801")
    expect(page.locator("#qr")).to_have_js_property("complete", True)
    expect(page.locator("#password-changes")).to_have_text(re.compile(r"через \d+ сек"))
    visitor.screenshot("2-offer")

    page.locator("#send-again").click()
    expect(page.locator("#bind-hint")).to_have_text(ru("No phone is bound to the number yet. Do step 2 first."))
    page.reload()
    expect(page.locator("#bind-lead")).to_contain_text("+770****6801")

    visitor.bind("+77057546801")
    expect(phone.locator("#bound-number")).to_have_text("+7 (705) 754-68-01")
    expect(page.locator("#bound")).to_contain_text("+770****6801")
    visitor.screenshot("3-bound")
    phone.locator("#bound-continue").click()

    page.locator("#send-again").click()
    expect(page.locator("#sent")).to_contain_text("+770****6801")
    expect(page.locator("#resend-hint")).to_have_text(re.compile(r"повторно через \d+ сек"))
    expect(page.locator("#resend")).to_be_disabled()
    visitor.type_code("0000")
    expect(page.locator("#code-hint")).to_have_text(ru("Open the code on the phone first, then type it here."))
    visitor.screenshot("4-not-armed")
    page.reload()
    code = visitor.open_code()
    expect(page.locator("#arrival")).to_have_text(ru("The code is open on the phone. Type it here."))
    expect(page.locator("#timeline li:not(.later)")).to_have_count(5)
    expect(page.locator("#timeline")).to_contain_text("FCM")
    visitor.type_code(another(code))
    expect(page.locator("#code-hint")).to_have_text(ru("That is not the code. Attempts left: {left}.", left="2"))
    visitor.screenshot("5-wrong-code")

    visitor.type_code(code)
    expect(page.locator("#approved")).to_have_text(ru("The number {number} is confirmed.", number="+770****6801"))
    visitor.screenshot("6-approved")
    page.reload()
    expect(page.locator("#approved")).to_be_visible()


def test_on_a_narrow_screen_the_phone_scans_the_qr_code(visit: Visit) -> None:
    visitor = visit(width=360, height=740)
    page, phone = visitor.page, visitor.phone
    visitor.screenshot("1-number")
    assert visitor.widest() <= 0

    visitor.ask("+77057546802")
    visitor.read_password()
    visitor.screenshot("2-offer")
    assert visitor.widest() <= 0
    page.locator("#scan").click()
    expect(page.locator(".left")).to_be_hidden()
    expect(phone.locator("#qr-found")).to_be_visible()
    expect(phone.locator("#number-field")).to_be_hidden()
    phone.locator("#number-form [type=submit]").click()
    expect(phone.locator("#consent-error")).to_be_visible()
    visitor.consent()
    expect(phone.locator("#bound-number")).to_have_text("+7 (705) 754-68-02")
    phone.locator("#bound-continue").click()
    visitor.screenshot("3-phone-bound")
    visitor.turn_to("site")
    expect(page.locator("#bound")).to_be_visible()

    page.locator("#send-again").click()
    expect(page.locator("[data-to=phone] .dot")).to_be_visible()
    visitor.screenshot("4-code")
    assert visitor.widest() <= 0
    visitor.turn_to("phone")
    code = visitor.open_code()
    visitor.screenshot("5-phone-code")
    expect(page.locator("[data-to=site] .dot")).to_be_visible()
    visitor.turn_to("site")
    visitor.type_code(code)
    expect(page.locator("#approved")).to_be_visible()


def test_three_wrong_codes_end_the_code_and_a_new_one_can_be_asked_for(visit: Visit) -> None:
    visitor = visit()
    bound_with_a_code(visitor, "+77057546803")
    code = visitor.open_code()
    for left in ("2", "1"):
        visitor.type_code(another(code))
        expect(visitor.page.locator("#code-hint")).to_have_text(
            ru("That is not the code. Attempts left: {left}.", left=left)
        )
    visitor.type_code(another(code))
    expect(visitor.page.locator("#code-hint")).to_have_text(
        ru("The code was wrong too often and is worthless now. Ask for a new one.")
    )
    visitor.page.locator("#resend").click()
    visitor.type_code(visitor.open_code())
    expect(visitor.page.locator("#approved")).to_be_visible()


def test_after_the_countdown_the_code_is_sent_again(visit: Visit, service: Service) -> None:
    visitor = visit()
    bound_with_a_code(visitor, "+77057546804")
    expect(visitor.phone.locator(".item")).to_have_count(1)
    expect(visitor.page.locator("#resend")).to_be_disabled()
    let_it_be_sent_again(service.database, "+77057546804")
    expect(visitor.page.locator("#resend-hint")).to_have_text(ru("You can send the code again."))
    visitor.page.locator("#resend").click()
    expect(visitor.phone.locator(".item")).to_have_count(2)
    expect(visitor.page.locator("#resend-hint")).to_have_text(re.compile(r"повторно через \d+ сек"))


def test_numbers_and_passwords_that_can_not_be_right_are_explained(visit: Visit) -> None:
    visitor = visit(width=360, height=740, scheme="dark")
    page, phone = visitor.page, visitor.phone
    visitor.ask("+7705")
    expect(page.locator("#number-hint")).to_have_text(
        ru("That is not a phone number. Write it with the country code: +7 (701) 123-45-67.")
    )
    visitor.screenshot("1-number-invalid")
    visitor.ask("+77057546805")
    password = visitor.read_password()

    visitor.turn_to("phone")
    visitor.type_number("+7705")
    expect(phone.locator("#number-error")).to_be_visible()
    phone.locator("#number").fill("+77057546805")
    phone.locator("#number-form [type=submit]").click()
    phone.locator("#password").fill(password[:-1] + another(password[-1]))
    expect(phone.locator("#password-hint")).to_have_attribute("data-state", "bad")
    phone.locator("#password-form [type=submit]").click()
    expect(phone.locator("#password-error")).to_have_text(
        ru("There is a slip in the digits. Compare them with the screen; this does not count.")
    )
    visitor.screenshot("2-password-mistyped")
    visitor.type_password("703610887203")
    expect(phone.locator("#password-error")).to_be_visible()
    visitor.type_password("000000000001")
    expect(phone.locator("#password-problem")).to_have_text(re.compile("не принят"))
    page.reload()
    visitor.turn_to("phone")
    expect(phone.locator("#password-number")).to_have_text("+7 (705) 754-68-05")
    phone.locator("#other-number").click()
    expect(phone.locator("#number")).to_have_value("+7 (705) 754-68-05")


def test_a_phone_tells_from_when_it_may_have_another_number(visit: Visit) -> None:
    visitor = visit()
    phone = visitor.phone
    bound_by_qr(visitor, "+77057546806")
    visitor.page.locator("#bind [data-begin]").click()
    visitor.ask("+77057546807")
    visitor.read_password()
    visitor.page.locator("#scan").click()
    expect(phone.locator("#qr-found")).to_be_visible()  # the phone loads the page of the QR code
    visitor.consent()
    allowed = datetime.now(UTC) + timedelta(days=30)
    expect(phone.locator("#number-problem")).to_contain_text(str(allowed.year))
    visitor.screenshot("1-rebind-too-soon")
    phone.locator("[data-new-phone]:visible").click()
    expect(phone.locator("#number")).to_be_visible()


def test_a_number_is_unbound_and_the_phone_says_so(visit: Visit) -> None:
    visitor = visit()
    phone = visitor.phone
    bound_by_qr(visitor, "+77057546808")
    phone.locator("#open-settings").click()
    phone.locator("#unbind").click()
    visitor.screenshot("1-unbind")
    phone.locator("#unbind-form [value=no]").click()
    expect(phone.locator("#unbind")).to_be_visible()
    phone.locator("#unbind").click()
    phone.locator("#unbind-form [value=yes]").click()
    expect(phone.locator("#ended-reason")).to_have_text(ru("You have unbound the number from this device."))
    visitor.screenshot("2-unbound")


def test_a_phone_with_a_wrong_clock_learns_the_time(visit: Visit) -> None:
    visitor = visit()
    bound_with_a_code(visitor, "+77057546809")
    visitor.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=3))
    visitor.page.reload()
    assert visitor.open_code()
    visitor.page.clock.set_fixed_time(datetime.now(UTC) - timedelta(hours=3))
    expect(visitor.phone.locator("#feed-problem")).to_be_hidden()
    visitor.phone.locator("#open-settings").click()
    visitor.phone.locator("#unbind").click()
    visitor.phone.locator("#unbind-form [value=yes]").click()
    expect(visitor.phone.locator("#ended-reason")).to_be_visible()


@pytest.mark.parametrize(("language", "scheme"), [("kk", "dark"), ("en", "light")])
def test_the_story_in_other_languages(visit: Visit, language: str, scheme: str) -> None:
    width = 360 if scheme == "dark" else 1280
    visitor = visit(f"/start/codes?lang={language}", language="de", scheme=scheme, width=width)
    visitor.name = visitor.name.replace("de", language)
    number = {"kk": "+77057546810", "en": "+77057546811"}[language]
    seen = [words_of(visitor)]
    visitor.screenshot("1-number")
    visitor.ask(number)
    visitor.read_password()
    seen.append(words_of(visitor))
    visitor.screenshot("2-offer")
    visitor.bind(number)
    visitor.phone.locator("#bound-continue").click()
    seen.append(words_of(visitor))
    visitor.page.locator("#send-again").click()
    code = visitor.open_code()
    seen.append(words_of(visitor))
    visitor.screenshot("3-code")
    visitor.type_code(code)
    expect(visitor.page.locator("#approved")).to_be_visible()
    seen.append(words_of(visitor))
    visitor.open("/start/codes")
    for html in (visitor.page.locator("html"), visitor.phone.locator("html")):
        expect(html).to_have_attribute("lang", language)
    latin = re.compile(r"\b[A-Za-z]{2,}\b")
    cyrillic = re.compile(r"[А-Яа-яЁё]{2,}")
    allowed = {"pushhub", "English", "QR", "FCM", "API", "Demo", "Қазақша", "Русский"}
    for words in seen:
        strange = (cyrillic if language == "en" else latin).findall(re.sub("Қазақша|Русский", "", words))
        assert set(strange) <= allowed, "a text is not translated"


def test_the_pages_are_light(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.phone.locator("[data-screen=number]")).to_be_visible()
    expect(visitor.page.locator("#ask")).to_be_visible()
    weights = [weight_of(frame) for frame in visitor.page.frames]
    assert len(weights) == 2
    assert all(10_000 < weight < 100_000 for weight in weights), "more than 100 kB for a page"


def bound_by_qr(visitor: Visitor, number: str) -> None:
    """Bind the phone to the number."""
    visitor.ask(number)
    visitor.page.locator("#scan").click()
    expect(visitor.phone.locator("#qr-found")).to_be_visible()  # the phone loads the page of the QR code
    visitor.consent()
    visitor.phone.locator("#bound-continue").click()


def bound_with_a_code(visitor: Visitor, number: str) -> None:
    """Bind the phone to the number and have a code sent to it."""
    bound_by_qr(visitor, number)
    visitor.page.locator("#send-again").click()
    expect(visitor.page.locator("#sent")).to_be_visible()


def words_of(visitor: Visitor) -> str:
    """Everything that can be read on phone and page."""
    visitor.turn_to("phone")
    expect(visitor.phone.locator("[data-screen]:visible")).to_have_count(1)
    on_the_phone = visitor.phone.locator("body").inner_text()
    visitor.turn_to("site")
    return visitor.page.locator("body").inner_text() + on_the_phone
