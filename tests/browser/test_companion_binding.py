"""The companion app on the way to a binding: number, consent, QR code, one-time password."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.companion import Owner, Product, TakePhone, film_of, photo_of
from tests.browser.people import another, ru
from tests.browser.service import Service


def test_a_kazakh_number_is_masked_while_it_is_typed(take_phone: TakePhone) -> None:
    page = take_phone().page
    expect(page.locator("#number-form .ghost")).to_have_text("+7 (7__) ___-__-__")
    page.locator("#number").press_sequentially("705")
    expect(page.locator("#number")).to_have_value("+7 (705")
    expect(page.locator("#number-form .ghost")).to_have_text("+7 (705) ___-__-__")
    page.locator("#number").press_sequentially("7546868")
    expect(page.locator("#number")).to_have_value("+7 (705) 754-68-68")
    expect(page.locator("#number-form .ghost")).to_have_text("+7 (705) 754-68-68")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("87057546868", "+7 (705) 754-68-68"),
        ("+998901234567", "+998901234567"),
        ("+7 705 754 68 68", "+7 (705) 754-68-68"),
    ],
)
def test_a_number_is_understood_however_it_is_written(take_phone: TakePhone, typed: str, shown: str) -> None:
    page = take_phone().page
    page.locator("#number").fill(typed)
    expect(page.locator("#number")).to_have_value(shown)


def test_without_consent_and_a_whole_number_it_does_not_go_on(take_phone: TakePhone) -> None:
    page = take_phone().page
    expect(page.locator("#consent-text")).to_contain_text("30 дней")
    page.locator("#number").fill("+7705")
    page.locator("#number-form [type=submit]").click()
    expect(page.locator("#consent-error")).to_be_visible()
    expect(page.locator("#number-error")).to_be_visible()
    expect(page.locator("#number")).to_have_value("+7 (705")
    page.locator("#number").fill("+77051112201")
    page.locator("#number-form [type=submit]").click()
    expect(page.locator("#number-error")).to_be_hidden()
    expect(page.locator("#consent-error")).to_be_visible()
    page.locator("#consent").check()
    page.locator("#number-form [type=submit]").click()
    expect(page.locator("#password-number")).to_have_text("+7 (705) 111-22-01")


def test_the_password_goes_in_groups_and_a_slip_costs_no_try(take_phone: TakePhone, product: Product) -> None:
    owner = take_phone()
    page, offer = owner.page, product.offer("+77051112202")
    tries: list[str] = []
    page.on("request", lambda request: tries.append(request.url) if request.url.endswith("/bindings") else None)
    owner.type_number("+77051112202")
    expect(page.locator("#password-hint")).to_contain_text("12")
    right = offer["password"]
    page.locator("#password").press_sequentially(right[:11])
    expect(page.locator("#password-form .ghost")).to_have_text(re.compile(r"_$"))
    page.locator("#password").press_sequentially(another(right[11]))
    expect(page.locator("#password")).to_have_value(re.compile(r"^(\d{3} ){3}\d{3}$"))
    expect(page.locator("#password-hint")).to_have_attribute("data-state", "bad")
    page.locator("#password-form [type=submit]").click()
    expect(page.locator("#password-error")).to_have_text(
        ru("There is a slip in the digits. Compare them with the screen; this does not count.")
    )
    assert tries == []

    page.locator("#password").fill(product.call("GET", f"/v1/offers/{offer['id']}")["password"])
    expect(page.locator("#password-hint")).to_have_attribute("data-state", "good")
    page.locator("#password-form [type=submit]").click()
    expect(page.locator("[data-screen=bound] h1")).to_have_text(
        re.compile(r"Устройство успешно привязано к номеру:\s+\+7 \(705\) 111-22-02")
    )
    assert len(tries) == 1


def test_another_number_can_be_typed_and_the_phones_back_button_leads_back(take_phone: TakePhone) -> None:
    owner = take_phone()
    page = owner.page
    owner.type_number("+77051112203")
    page.locator("#other-number").click()
    expect(page.locator("#number")).to_have_value("+7 (705) 111-22-03")
    owner.type_number("+998901234567")
    expect(page.locator("#password-number")).to_have_text("+998901234567")
    page.reload()
    expect(page.locator("#password-number")).to_have_text("+998901234567")
    page.go_back()
    expect(page.locator("#number")).to_have_value("+998901234567")


def test_a_lost_answer_is_asked_for_again(take_phone: TakePhone, product: Product) -> None:
    owner = take_phone()
    page = owner.page
    offer = product.offer("+77051113222")

    def lose(route: Route) -> None:
        route.fetch()  # the service binds the phone
        route.abort()  # and the phone hears nothing of it

    page.route("**/mobile/v1/bindings", lose, times=1)
    owner.type_number("+77051113222")
    owner.type_password(offer["password"])
    expect(page.locator("#password-problem")).to_have_text(ru("No answer from the service. Try again."))
    owner.complaints.clear()
    assert product.call("GET", f"/v1/offers/{offer['id']}")["status"] == "used"
    page.locator("#password-form [type=submit]").click()
    expect(page.locator("#bound-continue")).to_be_visible()
    page.locator("#bound-continue").click()
    product.ask("+77051113222")
    owner.open_code()


def test_a_used_password_is_refused_in_words(take_phone: TakePhone) -> None:
    owner = take_phone()
    owner.type_number("+77051112204")
    owner.type_password("000000000001")
    expect(owner.page.locator("#password-problem")).to_contain_text("не принят")


def test_the_qr_code_is_read_from_a_photo(take_phone: TakePhone, product: Product) -> None:
    owner = take_phone()
    page, offer = owner.page, product.offer("+77051112205")
    owner.type_number("+77051112205")
    page.locator("#scan").click()
    expect(page.locator("#scan-status")).to_be_visible()  # this browser has no camera
    owner.show_picture(photo_of(offer["qr"]["link"]))
    expect(page.locator("#bound-number")).to_have_text("+7 (705) 111-22-05")


def test_a_photo_without_a_code_and_a_file_that_is_none(take_phone: TakePhone) -> None:
    owner = take_phone()
    page = owner.page
    owner.type_number("+77051112206")
    page.locator("#scan").click()
    expect(page.locator("#scan-back")).to_be_visible()
    owner.show_picture(b"no picture")
    expect(page.locator("#scan-status")).to_have_text(ru("This file is not a picture that the browser can show."))
    owner.show_picture(page.screenshot())
    expect(page.locator("#scan-status")).to_have_text(
        ru("There is no QR code to be found in this photo. Take it nearer and without glare.")
    )
    page.locator("#scan-back").click()
    expect(page.locator("#password")).to_be_visible()


def test_a_qr_code_of_another_host_is_refused_before_it_costs_a_try(take_phone: TakePhone, product: Product) -> None:
    owner = take_phone()
    page, offer = owner.page, product.offer("+77051112207")
    tries: list[str] = []
    page.on("request", lambda request: tries.append(request.url) if request.url.endswith("/bindings") else None)
    foreign = "https://codes.elsewhere.test/app/bind/v1#" + offer["qr"]["link"].partition("#")[2]
    owner.type_number("+77051112207")
    page.locator("#scan").click()
    expect(page.locator("#scan-back")).to_be_visible()
    owner.show_picture(photo_of(foreign))
    expect(page.locator("#scan-status")).to_have_text(
        ru("This QR code is not one of ours. Scan the one on the page of the cabinet.")
    )
    assert tries == []


def test_a_qr_code_for_another_number_than_was_typed_binds_nothing(take_phone: TakePhone, product: Product) -> None:
    owner = take_phone()
    page, offer = owner.page, product.offer("+77051112208")
    owner.type_number("+77051112209")
    page.locator("#scan").click()
    expect(page.locator("#scan-back")).to_be_visible()
    owner.show_picture(photo_of(offer["qr"]["link"]))
    expect(page.locator("#scan-problem")).to_contain_text("Проверьте и номер")
    assert product.call("GET", f"/v1/offers/{offer['id']}")["status"] == "pending"


def test_the_phones_own_reader_is_used_where_there_is_one(take_phone: TakePhone, product: Product) -> None:
    offer = product.offer("+77051112210")
    before = """globalThis.BarcodeDetector = class {
      static async getSupportedFormats() { return ["qr_code"]; }
      async detect() { return [{ rawValue: %r }]; }
    };""" % (offer["qr"]["link"])  # noqa: UP031 - braces belong to the script
    owner = take_phone(before=before)
    page = owner.page
    owner.type_number("+77051112210")
    page.locator("#scan").click()
    expect(page.locator("#scan-back")).to_be_visible()
    owner.show_picture(page.screenshot())  # whatever it is
    expect(page.locator("#bound-number")).to_have_text("+7 (705) 111-22-10")
    assert not [answer.url for answer in owner.loaded if "vendor" in answer.url]


def test_the_camera_reads_the_qr_code(
    launch: Callable[..., Browser], service: Service, product: Product, tmp_path: Path
) -> None:
    film = tmp_path / "camera.y4m"
    film_of(product.offer("+77051112211")["qr"]["link"], film)
    browser = launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    try:
        owner = Owner(browser, service.url, width=390, height=844)
        owner.open("/app")
        owner.type_number("+77051112211")
        owner.page.locator("#scan").click()
        expect(owner.page.locator("#bound-number")).to_have_text("+7 (705) 111-22-11")
        # The camera is let go.
        assert owner.page.evaluate("document.getElementById('video').srcObject") is None
        owner.leave()
    finally:
        browser.close()


def test_a_camera_that_is_not_allowed_leaves_photo_and_password(take_phone: TakePhone) -> None:
    before = """navigator.mediaDevices.getUserMedia = async () => {
      throw new DOMException("no", "NotAllowedError");
    };"""
    owner = take_phone(before=before)
    owner.type_number("+77051112212")
    owner.page.locator("#scan").click()
    expect(owner.page.locator("#scan-status")).to_contain_text("нельзя пользоваться камерой")
    expect(owner.page.locator("#photo")).to_be_attached()
    owner.page.go_back()
    expect(owner.page.locator("#password")).to_be_visible()


def test_another_number_too_soon_is_refused_with_its_date(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051112213")
    page = owner.page
    allowed = datetime.now(UTC) + timedelta(days=30)
    page.locator("#open-settings").click()
    expect(page.locator("#feed-rebind")).to_contain_text(str(allowed.year))
    page.locator("#unbind").click()
    page.locator("#unbind-form [value=yes]").click()
    page.locator("#bind-again").click()
    offer = product.offer("+77051112214")
    owner.type_number("+77051112214")
    owner.type_password(offer["password"])
    expect(page.locator("#password-problem")).to_contain_text(f"{allowed.day} ")
    expect(page.locator("#password-problem")).to_contain_text(str(allowed.year))
    # The same number is not limited.
    page.locator("#other-number").click()
    offer = product.offer("+77051112213")
    owner.type_number("+77051112213")
    owner.type_password(offer["password"])
    expect(page.locator("#bound-number")).to_have_text("+7 (705) 111-22-13")


def link_of(offer: dict[str, Any]) -> str:
    """Where the phone's own camera leads with the QR code of this offer."""
    return "/app/bind/v1#" + str(offer["qr"]["link"]).partition("#")[2]


def test_a_qr_link_that_is_of_no_use_any_more_leaves_number_and_password(
    take_phone: TakePhone, product: Product
) -> None:
    replaced, offer = product.offer("+77051112215"), product.offer("+77051112215")
    owner = take_phone(link_of(replaced))
    page = owner.page
    expect(page.locator("#number-field")).to_be_hidden()
    owner.consent()
    expect(page.locator("#number-problem")).to_contain_text("не принят")
    expect(page.locator("#qr-found")).to_be_hidden()
    assert page.url == f"{owner.url}/app"
    page.locator("#number").fill("+77051112215")
    page.locator("#number-form [type=submit]").click()
    owner.type_password(offer["password"])
    expect(page.locator("#bound-number")).to_have_text("+7 (705) 111-22-15")


def test_a_bound_phone_can_leave_a_qr_link_that_is_of_no_use_any_more(
    take_bound_phone: TakePhone, product: Product
) -> None:
    owner = take_bound_phone("+77051112216")
    page = owner.page
    replaced = product.offer("+77051112216")
    product.offer("+77051112216")
    owner.open(link_of(replaced))
    owner.consent()
    expect(page.locator("#number-problem")).to_contain_text("не принят")
    # There is a way on, a way back from there, and the way out all the while.
    page.locator("#number").fill("+77051112216")
    page.locator("#number-form [type=submit]").click()
    expect(page.locator("#password")).to_be_visible()
    page.go_back()
    expect(page.locator("#number")).to_have_value("+7 (705) 111-22-16")
    page.locator("#qr-cancel").click()
    expect(page.locator("#feed-number")).to_have_text("+7 (705) 111-22-16")
    page.reload()
    expect(page.locator("#feed-number")).to_be_visible()
