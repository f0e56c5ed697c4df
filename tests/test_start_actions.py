"""What stands behind the start page, without a browser."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask

from demo.start.product import demo_product
from pushhub.kernel.settings import Settings
from pushhub.products.products import list_products
from tests.support.actors import NUMBER, assert_problem, expect
from tests.support.applications import MakeApp


@pytest.fixture
def story(make_app: MakeApp, settings: Settings) -> Flask:
    """An application with the start page."""
    return make_app(replace(settings, start_page=True))


def test_first_requests_at_the_same_time_make_one_product(story: Flask) -> None:
    def first_use(_: int) -> str:
        with story.app_context():
            return demo_product().product_name

    with ThreadPoolExecutor(8) as visitors:
        assert set(visitors.map(first_use, range(8))) == {"Demo"}
    with story.app_context():
        assert [product.name for product, _ in list_products()] == ["Demo"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.test"},
        {"Origin": "null"},
    ],
)
def test_another_site_can_not_ask(story: Flask, headers: dict[str, str]) -> None:
    refused = story.test_client().post("/start/offers", json={"number": NUMBER}, headers=headers)
    assert_problem(refused, 403, "forgery_refused")


def test_our_own_page_can_ask(story: Flask) -> None:
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "https://codes.test"}):
        made = story.test_client().post("/start/offers", json={"number": NUMBER}, headers=headers)
        document = expect(made, 201)
        assert "number" not in document
        assert document["number_masked"] == "+770****6868"


def test_a_form_can_not_ask(story: Flask) -> None:
    refused = story.test_client().post("/start/offers", data={"number": NUMBER})
    assert_problem(refused, 415, "unsupported_media_type")


def test_an_offer_of_the_page_is_kept_by_no_cache(story: Flask) -> None:
    client = story.test_client()
    offer = expect(client.post("/start/offers", json={"number": NUMBER}), 201)
    picture = client.get(offer["qr"]["svg"])
    assert picture.headers["Cache-Control"] == "no-store"
    assert picture.content_type == "image/svg+xml"
    assert client.get(f"/start/offers/{offer['id']}").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("body", [{}, {"number": 7}, [], "text"])
def test_a_body_without_a_number_is_refused(story: Flask, body: object) -> None:
    assert story.test_client().post("/start/verifications", json=body).status_code in (400, 422)


def test_the_language_is_kept_in_a_cookie_that_travels_safely(story: Flask) -> None:
    client = story.test_client()
    chosen = client.get("/?lang=kk")
    cookie = chosen.headers["Set-Cookie"]
    assert all(word in cookie for word in ("lang=kk", "Secure", "HttpOnly", "SameSite=Lax"))
    assert client.get("/app", base_url="https://localhost").headers["Content-Language"] == "kk"
    assert "Set-Cookie" not in story.test_client().get("/?lang=xx").headers


def test_without_the_setting_there_is_only_a_plain_page(make_app: MakeApp) -> None:
    client = make_app().test_client()
    assert b'href="/docs"' in client.get("/").data
    assert_problem(client.post("/start/offers", json={"number": NUMBER}), 404, "not_found")


@pytest.mark.parametrize("path", ["/", "/app", "/app/bind/v1"])
def test_pages_run_nothing_from_elsewhere_and_in_no_other_site(story: Flask, path: str) -> None:
    page = story.test_client().get(path)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
