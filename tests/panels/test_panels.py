"""Panels as the product's server makes them and as its pages use them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
import zxingcpp
from flask import Flask
from PIL import Image

from pushhub.dispatcher.housekeeping import sweep
from pushhub.kernel.db import reading
from pushhub.kernel.sealing import secret_digest
from pushhub.panels.models import Panel
from tests.panels.conftest import SITE, Page, PanelMaker
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, Phone, Shop, assert_problem, expect
from tests.support.bodies import wrong
from tests.support.databases import FakeClock
from tests.support.rows import values

KEY = "5d9c2b1e-4f63-4a21-9d3b-0a52f0c1d001"


@pytest.mark.both_engines
def test_a_panel_binds_a_phone_and_confirms_its_code(maker: PanelMaker, phone: Phone, page: Page) -> None:
    assert page.panel["secret"].startswith("phs_")
    assert page.panel["script"] == "https://codes.test/panel.js"
    assert page.panel["number_masked"] == "+770****6868"
    before = page.state()
    assert (before["status"], before["way"], before["reason"]) == ("open", None, "never_bound")
    assert before["offer"] is None

    offer = page.have("offer")["offer"]
    assert page.have("offer")["offer"]["id"] == offer["id"], "a second click makes no second offer"
    assert len(offer["qr"]["rows"]) == offer["qr"]["size"]
    phone.bind(number=NUMBER, password=offer["password"])
    bound = page.state()
    assert (bound["status"], bound["way"], bound["reason"]) == ("bound", "push", None)
    assert bound["offer"]["status"] == "used"
    assert bound["offer"]["password"] is bound["offer"]["qr"] is bound["offer"]["link"] is None
    assert maker.look(page)["status"] == "bound"

    sent = page.have("send")["verification"]
    assert (sent["status"], sent["digits"], sent["armed"], sent["attempts_left"]) == ("pending", 4, False, 3)
    checked = page.check(phone.read_code())
    assert checked["valid"] is True
    assert checked["status"] == "approved"
    told = maker.look(page)
    assert told["status"] == "approved"
    assert told["approved_at"]
    assert told["verification"] == sent["id"]
    assert told["offer"] == offer["id"]
    assert "secret" not in told
    assert page.state()["status"] == "approved", "a page that is loaded again sees it"


def test_the_qr_code_of_a_panel_is_the_one_of_its_offer(maker: PanelMaker, phone: Phone) -> None:
    """Drawn from the rows as the module draws it, read as a phone reads it."""
    offer = maker.make().have("offer")["offer"]
    size, rows = offer["qr"]["size"], offer["qr"]["rows"]
    picture = Image.new("L", (size + 8, size + 8), 255)
    for y, row in enumerate(rows):
        bits = "".join(f"{int(digit, 16):04b}" for digit in row)
        for x, bit in enumerate(bits):
            if bit == "1":
                picture.putpixel((x + 4, y + 4), 0)
    (read,) = zxingcpp.read_barcodes(picture.resize(((size + 8) * 6, (size + 8) * 6), Image.Resampling.NEAREST))
    assert read.text == offer["link"]
    assert phone.bind(qr=read.text)["binding"]["number"] == NUMBER


def test_a_panel_that_only_binds_sends_no_codes_and_says_nothing_of_the_number(
    maker: PanelMaker, bound: Phone, make_phone: MakePhone
) -> None:
    page = maker.make(purpose=None)
    state = page.state()
    assert (state["purpose"], state["way"], state["reason"]) == (None, None, None)
    assert_problem(page.call("POST", "/panel/v1/send"), 404, "not_found")
    make_phone().bind(qr=page.have("offer")["offer"]["link"])
    assert page.state()["status"] == "bound"
    assert page.have("offer")["offer"]["status"] == "used", "what was reached stays"
    assert maker.look(page)["status"] == "bound"


@pytest.mark.both_engines
def test_a_used_offer_is_followed_by_another_where_the_number_was_lost_again(phone: Phone, page: Page) -> None:
    first = page.have("offer")["offer"]
    phone.bind(qr=first["link"])
    phone.unbind()
    assert page.state()["reason"] == "unbound"
    assert page.have("offer")["offer"]["id"] != first["id"]


def test_an_expired_offer_can_be_made_anew(now: FakeClock, page: Page) -> None:
    first = page.have("offer")["offer"]
    now.forward(seconds=601)
    assert page.state()["offer"]["status"] == "expired"
    assert page.have("offer")["offer"]["id"] != first["id"]
    assert page.state()["offer"]["status"] == "pending"


def test_wrong_codes_cost_attempts_and_too_many_end_the_code(maker: PanelMaker, bound: Phone, page: Page) -> None:
    page.have("send")
    assert_problem(page.call("POST", "/panel/v1/check", {"code": "1234"}), 409, "not_armed")
    code = bound.read_code()
    assert_problem(page.call("POST", "/panel/v1/check", {"code": "12345"}), 422, "code_malformed")
    for left in (2, 1):
        checked = page.check(wrong(code))
        assert (checked["valid"], checked["verification"]["attempts_left"]) == (False, left)
    assert page.check(wrong(code))["verification"]["status"] == "exhausted"
    assert page.check(code)["valid"] is False
    assert maker.look(page)["status"] == "open"
    assert page.have("send")["verification"]["status"] == "pending"


@pytest.mark.both_engines
def test_a_code_is_sent_again_after_its_wait_and_not_before(bound: Phone, now: FakeClock, page: Page) -> None:
    sent = page.have("send")["verification"]
    response = page.call("POST", "/panel/v1/resend")
    assert assert_problem(response, 429, "resend_too_early")["retry_at"] == sent["resend_at"]
    assert int(response.headers["Retry-After"]) == 60
    now.forward(seconds=61)
    again = page.have("resend")["verification"]
    assert again["id"] == sent["id"]
    assert again["resends_left"] == sent["resends_left"] - 1


def test_nothing_can_be_checked_or_sent_again_before_a_code_was_sent(bound: Phone, page: Page) -> None:
    assert_problem(page.call("POST", "/panel/v1/check", {"code": "1234"}), 404, "not_found")
    assert_problem(page.call("POST", "/panel/v1/resend"), 404, "not_found")


def test_after_the_code_was_right_nothing_more_is_done(bound: Phone, page: Page) -> None:
    page.have("send")
    page.check(bound.read_code())
    for what, body in (("send", None), ("resend", None), ("offer", None), ("check", {"code": "1234"})):
        problem = assert_problem(page.call("POST", f"/panel/v1/{what}", body), 409, "verification_closed")
        assert problem["verification_status"] == "approved"


def test_a_number_that_nothing_reaches_is_refused_with_the_reason(page: Page) -> None:
    assert assert_problem(page.call("POST", "/panel/v1/send"), 409, "number_unreachable")["reason"] == "never_bound"
    assert page.state()["verification"] is None


def test_a_code_that_was_right_in_another_page_is_no_proof_of_this_one(maker: PanelMaker, bound: Phone) -> None:
    """Two people may have panels for one number; they share the code on its way, and only one of them has it."""
    owner, stranger = maker.make(), maker.make()
    first = owner.have("send")["verification"]
    assert stranger.have("send")["verification"]["id"] == first["id"]
    code = bound.read_code()
    assert owner.check(code)["valid"] is True
    assert maker.look(stranger)["status"] == "open"
    assert maker.look(stranger)["approved_at"] is None
    seen = stranger.state()
    assert (seen["status"], seen["verification"]["status"]) == ("open", "cancelled")
    assert stranger.check(code)["valid"] is False
    assert maker.look(stranger)["status"] == "open"


def test_a_code_that_the_products_server_checked_approves_no_panel(maker: PanelMaker, bound: Phone, page: Page) -> None:
    sent = page.have("send")["verification"]
    assert maker.shop.check(sent, bound.read_code())["valid"] is True
    assert maker.look(page)["status"] == "open"


def test_a_test_keys_panel_reaches_nobody(maker: PanelMaker, bound: Phone) -> None:
    page = maker.make(key=maker.shop.test_key)
    assert page.panel["live"] is False
    state = page.have("offer")
    with pytest.raises(Exception, match="offer_not_accepted"):
        bound.bind(number=NUMBER, password=state["offer"]["password"])
    assert page.have("send")["verification"]["armed"] is True
    assert page.check("0000")["valid"] is True
    assert maker.look(page, maker.shop.test_key)["status"] == "approved"
    assert bound.feed() == []
    assert maker.shop.call("GET", f"/v1/panels/{page.panel['id']}").status_code == 404, "a live key knows it not"


def test_a_test_keys_panel_is_told_nothing_about_anybody(maker: PanelMaker, bound: Phone) -> None:
    known, unknown = (maker.make(number, key=maker.shop.test_key).state() for number in (NUMBER, OTHER_NUMBER))
    for name in ("way", "reason", "may_bind", "status", "offer", "verification"):
        assert known[name] == unknown[name], name


def test_a_number_that_has_no_app_is_reached_by_the_products_next_way(make_maker: Callable[..., PanelMaker]) -> None:
    page = make_maker("BY SMS", route=["push:20", "sms"]).make()
    state = page.state()
    assert (state["way"], state["reason"]) == ("sms", "never_bound")
    assert page.have("send")["verification"]["way"] == "sms"


def test_a_panel_says_where_binding_through_it_would_not_help(
    make_maker: Callable[..., PanelMaker], phone: Phone
) -> None:
    maker = make_maker("PROVEN", proven_purposes=["sign_in"])
    phone.bind_to(maker.shop, assurance="anonymous_offer")
    anonymous, proven = maker.make(assurance="anonymous_offer"), maker.make(assurance="signed_in")
    assert anonymous.state()["reason"] == proven.state()["reason"] == "assurance_too_low"
    assert anonymous.state()["may_bind"] is False
    assert proven.state()["may_bind"] is True


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"number": "+7705"}, 422, "number_invalid"),
        ({"number": "+14155552671"}, 422, "number_country_not_allowed"),
        ({"number": NUMBER, "purpose": "holiday"}, 422, "unknown_purpose"),
        ({"number": NUMBER, "assurance": "operator"}, 403, "assurance_not_allowed"),
        ({"number": NUMBER, "locale": "de"}, 422, "invalid_request"),
        ({"number": NUMBER, "origin": "http://cabinet.example.kz"}, 422, "invalid_request"),
        ({"number": NUMBER, "origin": "https://cabinet.example.kz/page"}, 422, "invalid_request"),
        ({"number": NUMBER, "origin": "https://user@cabinet.example.kz"}, 422, "invalid_request"),
        ({"number": NUMBER, "origin": "null"}, 422, "invalid_request"),
        ({"number": NUMBER, "origin": "*"}, 422, "invalid_request"),
        ({"number": NUMBER, "secret": "phs_mine"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
    ],
)
def test_a_panel_that_could_not_work_is_not_made(
    app: Flask, shop: Shop, body: dict[str, str], status: int, code: str
) -> None:
    assert_problem(shop.call("POST", "/v1/panels", body), status, code)
    assert values(app, sa.select(sa.func.count()).select_from(Panel)) == [0]


def test_an_origin_is_kept_as_browsers_write_it(shop: Shop) -> None:
    for given, kept in (
        ("https://Cabinet.Example.kz", SITE),
        (f"{SITE}:443/", SITE),
        ("http://localhost:5000", "http://localhost:5000"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ):
        assert expect(shop.call("POST", "/v1/panels", {"number": NUMBER, "origin": given}), 201)["origin"] == kept


@pytest.mark.both_engines
def test_a_repeated_request_gets_the_same_panel_with_the_same_secret(shop: Shop, now: FakeClock) -> None:
    body = {"number": NUMBER, "purpose": "sign_in"}
    first = shop.call("POST", "/v1/panels", body, Idempotency_Key=KEY)
    now.forward(seconds=5)
    again = shop.call("POST", "/v1/panels", body, Idempotency_Key=KEY)
    assert expect(again, 201) == expect(first, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    other = shop.call("POST", "/v1/panels", body | {"number": OTHER_NUMBER}, Idempotency_Key=KEY)
    assert_problem(other, 422, "idempotency_key_reused")
    assert expect(shop.call("POST", "/v1/panels", body), 201)["secret"] != first.get_json()["secret"]


def test_the_database_holds_no_secret_of_a_panel(app: Flask, page: Page) -> None:
    with app.app_context(), reading() as session:
        (row,) = session.execute(sa.select(Panel.__table__)).all()
    assert page.secret not in repr(tuple(row))
    assert secret_digest(page.secret) in tuple(row)


@pytest.mark.both_engines
def test_old_panels_are_forgotten_and_their_codes_are_not(
    app: Flask, maker: PanelMaker, bound: Phone, now: FakeClock, page: Page
) -> None:
    sent = page.have("send")["verification"]
    now.forward(seconds=15 * 60 + 24 * 3600 - 10)
    with app.app_context():
        sweep()
    assert maker.look(page)["status"] == "expired"
    now.forward(seconds=20)
    with app.app_context():
        sweep()
    assert_problem(maker.shop.call("GET", f"/v1/panels/{page.panel['id']}"), 404, "not_found")
    assert maker.shop.show(sent)["status"] == "expired"
