"""What a panel's secret opens, from where, how long, how often: its panel, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask

from pushhub.context import AppContext, current
from pushhub.kernel.quotas import Quotas
from pushhub.kernel.settings import Settings
from tests.panels.conftest import SITE, Page, PanelMaker
from tests.support.actors import NUMBER, OTHER_NUMBER, Phone, Shop, assert_problem
from tests.support.applications import MakeApp
from tests.support.databases import FakeClock
from tests.support.statements import after_transaction

CALLS = [("GET", "state"), ("POST", "offer"), ("POST", "send"), ("POST", "resend"), ("POST", "check")]


def refused(page: Page, code: str = "panel_over", status: int = 401) -> None:
    """Every call of the panel is refused with this."""
    for method, what in CALLS:
        body = {"code": "1234"} if what == "check" else None
        assert_problem(page.call(method, f"/panel/v1/{what}", body), status, code)


def test_a_secret_ends_after_fifteen_minutes(maker: PanelMaker, now: FakeClock, page: Page) -> None:
    now.forward(seconds=15 * 60 - 1)
    assert page.state()["status"] == "open"
    now.forward(seconds=1)
    refused(page)
    assert maker.look(page)["status"] == "expired"


def test_a_closed_panel_is_over_and_so_is_its_offer(maker: PanelMaker, phone: Phone, page: Page) -> None:
    offer = page.have("offer")["offer"]
    maker.close(page)
    refused(page)
    with pytest.raises(Exception, match="offer_not_accepted"):
        phone.bind(number=NUMBER, password=offer["password"])
    assert maker.look(page)["status"] == "closed"
    maker.close(page)


def test_what_was_approved_stays_so_when_the_panel_is_closed(
    maker: PanelMaker, bound: Phone, now: FakeClock, page: Page
) -> None:
    page.have("send")
    page.check(bound.read_code())
    maker.close(page)
    now.forward(seconds=16 * 60)
    assert maker.look(page)["status"] == "approved"


@pytest.mark.parametrize("secret", ["phs_", "phs_0000", "", "phs_ä", "x" * 5000])
def test_a_secret_that_was_never_given_opens_nothing(page: Page, secret: str) -> None:
    page.secret = secret.encode().decode("latin-1")
    refused(page)


def test_a_key_is_no_secret_of_a_panel(maker: PanelMaker, page: Page) -> None:
    for page.secret in (maker.shop.key, maker.shop.test_key):
        refused(page)


def test_another_product_can_neither_see_nor_close_a_panel(
    maker: PanelMaker, make_maker: Callable[..., PanelMaker]
) -> None:
    page, other = maker.make(), make_maker("Another product")
    for method in ("GET", "DELETE"):
        assert_problem(other.shop.call(method, f"/v1/panels/{page.panel['id']}"), 404, "not_found")
    assert page.state()["status"] == "open"


def test_a_panels_secret_shows_its_own_panel_alone(maker: PanelMaker, make_maker: Callable[..., PanelMaker]) -> None:
    page, neighbour = maker.make(), maker.make(OTHER_NUMBER)
    neighbour.have("offer")
    other = make_maker("Another product").make()
    other.have("offer")
    assert page.state()["offer"] is None
    assert page.state()["number_masked"] == "+770****6868"
    assert neighbour.state()["id"] != page.state()["id"]


def test_the_secret_opens_no_other_address_of_the_service(
    make_app: MakeApp, settings: Settings, maker: PanelMaker
) -> None:
    """Every address that wants credentials is tried with the secret in each form that it may have."""
    page = maker.make(assurance="signed_in")
    made = page.have("offer")
    ids = {
        "offer_id": made["offer"]["id"],
        "panel_id": page.panel["id"],
        "number": NUMBER,
        "verification_id": "ver_00000000000000000000000000",
    }
    whole = make_app(replace(settings, start_page=True, cabinets=("indigo",)))
    tried = 0
    for rule in whole.url_map.iter_rules():
        if not re.match(r"/(mobile/)?v1/", rule.rule) or rule.endpoint == "app_config.show_config":
            continue
        address = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids.get(found[1], "anything"), rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            for scheme in ("Bearer", "DPoP"):
                headers = {"Authorization": f"{scheme} {page.secret}", "Origin": SITE}
                response = whole.test_client().open(address, method=method, headers=headers)
                assert response.status_code == 401, f"{method} {address}: {response.status_code}"
                tried += 1
    assert tried > 60
    cookie = {"Cookie": f"indigo-session={page.secret}; __Host-indigo-session={page.secret}"}
    assert whole.test_client().get("/cabinet/indigo/feed", headers=cookie).status_code in (303, 503)
    assert page.state()["offer"]["status"] == "pending", "nothing of it had an effect"


def test_cookies_and_addresses_carry_no_secret(app: Flask, maker: PanelMaker) -> None:
    page, client = maker.make(), app.test_client()
    for sent in (
        {"query_string": {"secret": page.secret, "access_token": page.secret}},
        {"headers": {"Cookie": f"secret={page.secret}"}},
        {"headers": {"Authorization": f"Basic {page.secret}"}},
    ):
        assert_problem(client.get("/panel/v1/state", **sent), 401, "panel_over")  # type: ignore[arg-type]
    assert "Set-Cookie" not in page.call("GET", "/panel/v1/state").headers


# From which origin.


def test_a_panel_with_an_origin_works_on_pages_of_that_origin_alone(maker: PanelMaker) -> None:
    page = maker.make(origin=SITE)
    answer = page.call("GET", "/panel/v1/state")
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    for origin in ("https://evil.example", "null", "http://cabinet.example.kz", f"{SITE}:8443", None):
        page.origin = origin
        refused(page, "origin_refused", 403)
    page.origin = SITE
    assert page.state()["offer"] is None


def test_a_page_of_our_own_origin_is_known_although_its_browser_names_none(app: Flask, maker: PanelMaker) -> None:
    with app.app_context():
        ours = current().settings.public_url
    page, other = maker.make(origin=ours), maker.make(origin=SITE)
    page.origin = other.origin = None
    same = {"Sec-Fetch-Site": "same-origin"}
    assert page.call("GET", "/panel/v1/state", **same).status_code == 200
    assert_problem(other.call("GET", "/panel/v1/state", **same), 403, "origin_refused")
    for site in ("same-site", "cross-site", "none"):
        assert_problem(page.call("GET", "/panel/v1/state", **{"Sec-Fetch-Site": site}), 403, "origin_refused")
    page.origin = "https://evil.example"
    assert_problem(page.call("GET", "/panel/v1/state", **same), 403, "origin_refused")


def test_a_panel_without_an_origin_works_on_every_page(maker: PanelMaker) -> None:
    page = maker.make(page_at="https://anywhere.example")
    assert page.call("GET", "/panel/v1/state").headers["Access-Control-Allow-Origin"] == "*"
    page.origin = None
    assert page.state()["status"] == "open"


def test_a_browser_may_ask_and_read_times_but_send_no_cookie(app: Flask, maker: PanelMaker) -> None:
    page = maker.make(origin=SITE)
    asked = {"Origin": SITE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for _, what in CALLS:
        preflight = app.test_client().options(f"/panel/v1/{what}", headers=asked)
        assert preflight.status_code == 200
        assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].lower()
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    maker.close(page)
    for response in (preflight, maker.make().call("GET", "/panel/v1/state"), page.call("GET", "/panel/v1/state")):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert {"Date", "Retry-After"} <= set(response.headers["Access-Control-Expose-Headers"].split(", "))
        assert "Origin" in response.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"


def test_the_products_own_calls_are_not_for_browsers(maker: PanelMaker) -> None:
    response = maker.shop.call("GET", f"/v1/panels/{maker.make().panel['id']}", Origin=SITE)
    assert "Access-Control-Allow-Origin" not in response.headers


# How often.


def test_the_number_of_codes_to_one_number_is_limited_as_everywhere(
    make_app: MakeApp, settings: Settings, now: FakeClock, maker: PanelMaker, bound: Phone
) -> None:
    narrow = make_app(replace(settings, codes_per_10_minutes=2))
    made = [Page(narrow, maker.make(purpose=purpose).panel) for purpose in ("sign_in", "confirm", "sign_up")]
    made[0].have("send")
    made[1].have("send")
    response = made[2].call("POST", "/panel/v1/send")
    assert assert_problem(response, 429, "too_many_codes")["retry_at"]
    assert response.headers["Retry-After"]


def test_the_number_of_codes_for_one_browsers_address_is_limited(
    make_app: MakeApp, settings: Settings, now: FakeClock, maker: PanelMaker, bound: Phone
) -> None:
    narrow = make_app(replace(settings, codes_per_client_per_hour=1))
    first, second = (Page(narrow, maker.make(purpose=purpose).panel) for purpose in ("sign_in", "confirm"))
    first.have("send")
    assert_problem(second.call("POST", "/panel/v1/send"), 429, "too_many_codes")


def test_a_panel_that_asks_too_fast_is_told_to_wait(
    context: AppContext, maker: PanelMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "quotas", Quotas(panel_requests=3))
    page, other = maker.make(), maker.make()
    for _ in range(3):
        page.state()
    response = page.call("GET", "/panel/v1/state")
    assert_problem(response, 429, "too_many_requests")
    assert response.headers["Retry-After"]
    assert other.state()["status"] == "open"


# Two at once.


@pytest.mark.both_engines
def test_of_two_right_checks_at_once_one_is_right_and_the_panel_is_approved_once(
    maker: PanelMaker, bound: Phone, page: Page
) -> None:
    page.have("send")
    code = bound.read_code()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: page.call("POST", "/panel/v1/check", {"code": code}), range(8)))
    valid = [answer for answer in answers if answer.status_code == 200 and answer.get_json()["valid"]]
    assert len(valid) == 1
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert maker.look(page)["status"] == "approved"


@pytest.mark.both_engines
def test_of_two_panels_that_check_one_code_at_once_one_is_approved(maker: PanelMaker, bound: Phone) -> None:
    pages = [maker.make() for _ in range(2)]
    for page in pages:
        page.have("send")
    code = bound.read_code()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda page: page.call("POST", "/panel/v1/check", {"code": code}), pages))
    assert sorted(maker.look(page)["status"] for page in pages) == ["approved", "open"]


@pytest.mark.both_engines
def test_a_panel_that_was_closed_while_its_code_was_looked_at_leaves_the_code_unused(
    app: Flask, maker: PanelMaker, bound: Phone
) -> None:
    page, next_page = maker.make(), maker.make()
    sent = page.have("send")["verification"]
    next_page.have("send")
    code = bound.read_code()
    with after_transaction(app, "UPDATE verifications", lambda: maker.close(page)):  # an attempt has been spent
        assert_problem(page.call("POST", "/panel/v1/check", {"code": code}), 401, "panel_over")
    assert maker.look(page)["status"] == "closed"
    assert maker.shop.show(sent)["status"] == "pending"
    assert next_page.check(code)["valid"] is True


@pytest.mark.both_engines
def test_offers_that_are_asked_for_at_once_leave_one_that_can_be_used(phone: Phone, page: Page) -> None:
    with ThreadPoolExecutor(4) as pool:
        statuses = {answer.status_code for answer in pool.map(lambda _: page.call("POST", "/panel/v1/offer"), range(4))}
    assert statuses <= {200, 503}
    offer = page.have("offer")["offer"]
    assert offer["status"] == "pending"
    assert phone.bind(qr=offer["link"])["binding"]["number"] == NUMBER


def test_a_key_must_be_allowed_to_do_what_its_panel_does(shop: Shop) -> None:
    offers_only, body = shop.add_key(scopes=["offers"]), {"number": NUMBER}
    assert shop.call("POST", "/v1/panels", body, offers_only).status_code == 201
    refused = shop.call("POST", "/v1/panels", body | {"purpose": "sign_in"}, offers_only)
    assert assert_problem(refused, 403, "missing_scope")["scope"] == "verifications"
