"""Every screen of the companion app in every look: axe finds nothing, nothing is wider than the window, and pictures
are kept where `SCREENSHOTS` names a directory."""

from __future__ import annotations

import re
from itertools import count

import pytest
from playwright.sync_api import expect

from tests.browser.companion import Product, TakePhone, photo_of
from tests.browser.looks import every_look
from tests.browser.people import another, weight_of

_numbers = map("+{}".format, count(77051116600))


@every_look
def test_every_screen(take_phone: TakePhone, product: Product, language: str, width: int, scheme: str) -> None:
    owner = take_phone(f"/app?lang={language}", language=language, width=width, height=780, scheme=scheme)
    page, number = owner.page, next(_numbers)
    seen: list[str] = []

    def look(name: str) -> None:
        expect(page.locator("[data-screen]:visible")).to_have_count(1)
        owner.looks_well(f"app-{name}")
        seen.append(page.locator("body").inner_text())

    expect(page.locator("#number")).to_be_visible()
    look("01-number")
    page.locator("#number").fill("+7705")
    page.locator("#number-form [type=submit]").click()
    look("02-number-wrong")

    offer = product.offer(number)
    owner.type_number(number)
    expect(page.locator("#password")).to_be_visible()
    look("03-password")
    owner.type_password(offer["password"][:-1] + another(offer["password"][-1]))
    look("04-password-slip")
    owner.type_password("000000000001")
    expect(page.locator("#password-problem")).to_be_visible()
    look("05-password-refused")

    page.locator("#scan").click()
    expect(page.locator("#scan-status")).to_be_visible()
    look("06-scan-no-camera")
    owner.show_picture(photo_of(offer["qr"]["link"]))
    expect(page.locator("#bound-continue")).to_be_visible()
    look("07-bound")
    page.locator("#bound-continue").click()
    expect(page.locator("#feed-empty")).to_be_visible()
    look("08-feed-empty")

    used = product.ask(number)
    product.check(used, owner.open_code())
    product.notify(number, "Балдәурен", "Направление в детский сад № 24 «Балдәурен» готово. Получите его до 28.11.")
    product.ask(number)
    owner.look_at_phone()
    expect(page.locator("[data-part=over]:visible")).to_have_count(1)
    expect(page.locator(".item")).to_have_count(3)
    look("09-feed")
    owner.open_code()
    look("10-code")

    page.locator("#open-settings").click()
    look("11-settings")
    page.locator("#unbind").click()
    look("12-unbind")
    page.locator("#unbind-form [value=yes]").click()
    expect(page.locator("#ended-reason")).to_be_visible()
    look("13-unbound")

    strange = re.compile(r"[А-Яа-яЁё]{2,}" if language == "en" else r"\b[A-Za-z]{2,}\b")
    known = {"INDIGO", "SAKURA", "QR", "English"}
    for words in seen:
        plain = re.sub("Қазақша|Русский|Балдәурен|Направление .* до 28.11.", "", words)
        assert set(strange.findall(plain)) <= known, "a text is not translated"


@pytest.mark.parametrize("why", ["storage", "offline"])
def test_what_is_shown_when_nothing_can_be_done(take_phone: TakePhone, why: str) -> None:
    broken = {"storage": "IDBFactory.prototype.open = () => { throw new Error() };", "offline": ""}[why]
    owner = take_phone("/healthz", before=broken)
    if why == "offline":
        owner.context.route("**/mobile/v1/config", lambda route: route.abort())
    owner.open("/app")
    expect(
        owner.page.locator("[data-screen=unsupported], [data-screen=trouble]").locator("visible=true")
    ).to_have_count(1)
    owner.looks_well(f"app-14-{why}")
    owner.complaints.clear()


def test_the_scanner_with_a_camera(take_phone: TakePhone) -> None:
    before = """navigator.mediaDevices.getUserMedia = async () => {
      const canvas = document.createElement("canvas");
      canvas.getContext("2d").fillRect(0, 0, 300, 150);
      return canvas.captureStream(5);
    };"""
    owner = take_phone(before=before)
    owner.type_number("+77051115599")
    owner.page.locator("#scan").click()
    expect(owner.page.locator("#viewer")).to_be_visible()
    owner.page.wait_for_function("() => document.getElementById('video').videoWidth > 0")
    owner.looks_well("app-06-scan")


def test_the_keyboard_reaches_everything_and_focus_is_seen(take_phone: TakePhone) -> None:
    page = take_phone().page
    expect(page.locator("#number")).to_be_visible()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", reached[-1]
    assert {"number", "consent", "Продолжить"} <= set(reached)


def test_the_first_load_is_light(take_phone: TakePhone, product: Product) -> None:
    owner = take_phone()
    expect(owner.page.locator("#number")).to_be_visible()
    assert 40_000 < weight_of(owner.page) < 95_000
    assert not [answer.url for answer in owner.loaded if "vendor" in answer.url or "scan.js" in answer.url]
    owner.bind_to(product, "+77051115598")
    owner.page.reload()
    expect(owner.page.locator("#feed-empty")).to_be_visible()
    assert 40_000 < weight_of(owner.page) < 100_000
