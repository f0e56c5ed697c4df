"""What a product shows: password, countdown, QR code."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
import zxingcpp
from flask import Flask
from PIL import Image

from pushhub.devices.models import Offer
from pushhub.kernel.clock import rfc3339
from tests.support.actors import NUMBER, OTHER_NUMBER, MakeShop, Phone, Shop, assert_problem, expect
from tests.support.databases import FakeClock
from tests.support.rows import rows

pytestmark = pytest.mark.both_engines  # guarded statements and unique indexes


def test_an_offer_shows_a_password_of_twelve_digits_and_when_it_changes(shop: Shop, now: FakeClock) -> None:
    now.forward(seconds=7)
    offer = shop.offer()
    assert offer["status"] == "pending"
    assert offer["number"] == NUMBER
    assert len(offer["password"]) == 12
    assert offer["password"].isdigit()
    assert int(offer["password"]) % 97 == 1
    assert offer["step_seconds"] == 30
    assert offer["password_changes_at"] == "2026-11-21T09:00:30.000Z"
    assert offer["expires_at"] == rfc3339(now() + timedelta(minutes=10))
    assert offer["binding"] is None


def test_the_password_changes_with_every_step(shop: Shop, now: FakeClock) -> None:
    offer = shop.offer()
    seen = [offer["password"]]
    for _ in range(3):
        now.forward(seconds=29)
        assert shop.show_offer(offer)["password"] == seen[-1]
        now.forward(seconds=1)
        seen.append(shop.show_offer(offer)["password"])
    assert len(set(seen)) == 4


def test_two_offers_never_share_a_password(shop: Shop) -> None:
    assert shop.offer(NUMBER)["password"] != shop.offer(OTHER_NUMBER)["password"]


def test_a_new_offer_for_the_number_ends_the_old_one(shop: Shop) -> None:
    old, new = shop.offer(), shop.offer()
    ended = shop.show_offer(old)
    assert (ended["status"], ended["reason"], ended["password"], ended["qr"]) == ("cancelled", "replaced", None, None)
    assert shop.show_offer(new)["status"] == "pending"


def test_another_products_offer_for_the_number_goes_on(make_shop: MakeShop) -> None:
    first, second = make_shop("INDIGO"), make_shop("SAKURA")
    offer = first.offer()
    second.offer()
    assert first.show_offer(offer)["status"] == "pending"


def test_an_offer_expires_after_ten_minutes(shop: Shop, now: FakeClock) -> None:
    offer = shop.offer()
    now.forward(minutes=10, seconds=-1)
    assert shop.show_offer(offer)["status"] == "pending"
    now.forward(seconds=1)
    ended = shop.show_offer(offer)
    assert (ended["status"], ended["password"], ended["qr"]) == ("expired", None, None)


def test_a_cancelled_offer_is_over_and_can_be_cancelled_again(shop: Shop) -> None:
    offer = shop.offer()
    for _ in range(2):
        assert shop.call("DELETE", f"/v1/offers/{offer['id']}").status_code == 204
    assert shop.show_offer(offer)["reason"] == "cancelled"


def test_the_secrets_of_an_offer_are_destroyed_with_it(shop: Shop, app: Flask) -> None:
    offer = shop.offer()
    shop.call("DELETE", f"/v1/offers/{offer['id']}")
    assert rows(app, sa.select(Offer.totp_secret, Offer.qr_secret)) == [(b"", b"")]


def decoded(picture: Image.Image) -> str:
    (found,) = zxingcpp.read_barcodes(picture)
    return str(found.text)


def test_a_real_decoder_reads_the_png_back(shop: Shop) -> None:
    offer = shop.offer()
    response = shop.call("GET", offer["qr"]["png"])
    assert response.content_type == "image/png"
    assert response.headers["Cache-Control"] == "no-store"
    link = decoded(Image.open(io.BytesIO(response.data)))
    assert link == offer["qr"]["link"]
    assert link.startswith("https://codes.test/app/bind/v1#")
    assert len(link.partition("#")[2]) == 22  # 128 bits in base64url
    assert NUMBER[1:] not in link


def test_a_real_decoder_reads_the_svg_back(shop: Shop) -> None:
    offer = shop.offer()
    response = shop.call("GET", offer["qr"]["svg"])
    assert response.content_type.startswith("image/svg+xml")
    assert response.headers["Cache-Control"] == "no-store"
    assert decoded(drawn(response.get_data(as_text=True))) == offer["qr"]["link"]


def drawn(svg: str) -> Image.Image:
    """Draw the squares of our SVG: one path of `MxV1HyVzHxz` moves, one unit a module."""
    view = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert view is not None
    picture = Image.new("L", (int(view[1]) * 8, int(view[2]) * 8), 255)
    squares = re.findall(r"M([\d.]+),([\d.]+)H([\d.]+)V([\d.]+)H", svg)
    assert squares
    for left, top, right, bottom in squares:
        box = tuple(round(float(edge) * 8) for edge in (left, top, right, bottom))
        picture.paste(0, box)
    return picture


def test_an_ended_offer_has_no_picture(shop: Shop) -> None:
    offer = shop.offer()
    shop.offer()
    assert_problem(shop.call("GET", f"/v1/offers/{offer['id']}/qr.png"), 404, "not_found")


def test_offers_belong_to_the_product_that_made_them(make_shop: MakeShop) -> None:
    mine, other = make_shop("INDIGO"), make_shop("SAKURA")
    path = f"/v1/offers/{mine.offer()['id']}"
    for method, address in (("GET", path), ("DELETE", path), ("GET", f"{path}/qr.png")):
        assert_problem(other.call(method, address), 404, "not_found")
    assert_problem(mine.call("GET", path, key=mine.test_key), 404, "not_found")


def test_repeating_the_request_gives_the_same_offer(shop: Shop) -> None:
    body = {"number": NUMBER}
    first = expect(shop.call("POST", "/v1/offers", body, Idempotency_Key="one"), 201)
    again = shop.call("POST", "/v1/offers", body, Idempotency_Key="one")
    assert expect(again, 201) == first
    assert again.headers["Idempotent-Replayed"] == "true"
    reused = shop.call("POST", "/v1/offers", {"number": OTHER_NUMBER}, Idempotency_Key="one")
    assert_problem(reused, 422, "idempotency_key_reused")


def test_an_idempotency_key_is_forgotten_after_a_day(shop: Shop, now: FakeClock) -> None:
    first = expect(shop.call("POST", "/v1/offers", {"number": NUMBER}, Idempotency_Key="one"), 201)
    now.forward(hours=24)
    assert expect(shop.call("POST", "/v1/offers", {"number": NUMBER}, Idempotency_Key="one"), 201)["id"] != first["id"]


def test_a_product_claims_only_the_assurance_it_may(make_shop: MakeShop) -> None:
    shop = make_shop("SAKURA", assurances=["anonymous_offer"])
    refused = shop.call("POST", "/v1/offers", {"number": NUMBER, "assurance": "signed_in"})
    assert assert_problem(refused, 403, "assurance_not_allowed")["assurances"] == ["anonymous_offer"]
    operator = make_shop("INDIGO").call("POST", "/v1/offers", {"number": NUMBER, "assurance": "operator"})
    assert_problem(operator, 403, "assurance_not_allowed")


@pytest.mark.parametrize("number", ["+14155552671", "+79161234567", "+996555123456"])
def test_numbers_of_other_countries_are_refused_where_the_product_serves_one(shop: Shop, number: str) -> None:
    refused = assert_problem(shop.call("POST", "/v1/offers", {"number": number}), 422, "number_country_not_allowed")
    assert refused["countries"] == ["KZ"]


def test_a_product_may_serve_other_countries(make_shop: MakeShop, phone: Phone) -> None:
    shop = make_shop("SAKURA", countries=["KZ", "KG"])
    assert phone.bind_to(shop, "+996555123456")["binding"]["number"] == "+996555123456"
