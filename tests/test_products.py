"""Products, API keys, policies."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.kernel.errors import ConfigurationError, NotFound
from pushhub.kernel.ids import new_key
from pushhub.products import products
from pushhub.products.models import ApiKey
from pushhub.products.rules import Policy, attempts_for, policy_document, policy_from
from tests.support.actors import NUMBER, MakeShop, Phone, Shop, assert_problem, expect
from tests.support.rows import values

pytestmark = pytest.mark.both_engines  # guarded statements and unique names

LOOK = ("GET", f"/v1/numbers/{NUMBER}")


def test_a_product_has_a_live_and_a_test_key(shop: Shop) -> None:
    assert shop.key.startswith("phk_live_")
    assert shop.test_key.startswith("phk_test_")
    assert shop.call(*LOOK).status_code == 200
    assert shop.call(*LOOK, key=shop.test_key).status_code == 200


def test_keys_are_kept_as_digests_only(shop: Shop, app: Flask) -> None:
    kept = values(app, sa.select(ApiKey))
    assert len(kept) == 2
    for key in kept:
        assert shop.key not in str(vars(key))
        assert len(key.digest) == 64


def test_two_keys_of_a_kind_live_side_by_side_and_a_third_has_to_wait(shop: Shop) -> None:
    second = shop.add_key()
    with pytest.raises(ConfigurationError, match="First revoke one"):
        shop.add_key()
    shop.add_key(live=False)
    assert shop.call(*LOOK).status_code == 200
    assert shop.call(*LOOK, key=second).status_code == 200


def test_a_revoked_key_is_refused_from_the_next_request_on(shop: Shop, app: Flask) -> None:
    with app.app_context():
        second = products.add_key(shop.product.id, live=True)
        first = next(key for key in products.list_products()[0][1] if key.live and key.id != second.id)
        products.revoke_key(first.id)
        products.revoke_key(first.id)
        third = products.add_key(shop.product.id, live=True)
    assert_problem(shop.call(*LOOK), 401, "bad_api_key")
    assert shop.call(*LOOK, key=second.text).status_code == 200
    assert shop.call(*LOOK, key=third.text).status_code == 200


def test_a_key_does_only_what_its_scopes_allow(shop: Shop) -> None:
    narrow = shop.add_key(scopes=["numbers"])
    assert shop.call(*LOOK, key=narrow).status_code == 200
    refused = shop.call("POST", "/v1/offers", {"number": NUMBER}, key=narrow)
    assert assert_problem(refused, 403, "missing_scope")["scope"] == "offers"


@pytest.mark.parametrize("key", ["", "phk_live_unknown", "phk_test_", "Basic", "phd_something"])
def test_an_unknown_key_is_refused(shop: Shop, key: str) -> None:
    response = shop.call(*LOOK, key=key or " ")
    assert_problem(response, 401, "bad_api_key")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_that_calls_too_fast_waits_and_is_told_its_quota(make_shop: MakeShop) -> None:
    shop = make_shop("SAKURA", requests_per_minute=2)
    path = "/v1/offers/off_00000000000000000000000000"
    first = shop.call("GET", path)
    assert first.headers["RateLimit-Policy"] == '"requests";q=2;w=60'
    assert first.headers["RateLimit"].startswith('"requests";r=1;t=')
    shop.call("GET", path)
    refused = shop.call("GET", path)
    assert assert_problem(refused, 429, "too_many_requests")["quota"] == "requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_a_test_key_learns_nothing_of_real_numbers(shop: Shop, phone: Phone) -> None:
    before = expect(shop.call(*LOOK, key=shop.test_key), 200)
    phone.bind_to(shop)
    after = expect(shop.call(*LOOK, key=shop.test_key), 200)
    assert before == after
    assert after["channels"][0]["channel"] == "recording"


def test_looking_up_numbers_has_a_smaller_quota_of_its_own(shop: Shop) -> None:
    for _ in range(60):
        assert shop.call(*LOOK).status_code == 200
    assert assert_problem(shop.call(*LOOK), 429, "too_many_requests")["quota"] == "lookups"
    expect(shop.call("POST", "/v1/offers", {"number": NUMBER}), 201)


def test_two_products_can_not_have_one_name(app: Flask) -> None:
    with app.app_context():
        products.create_product("INDIGO")
        with pytest.raises(ConfigurationError, match="already"):
            products.create_product(" INDIGO ")


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "line\nbreak"])
def test_a_name_that_people_can_not_read_is_refused(app: Flask, name: str) -> None:
    with app.app_context(), pytest.raises(ConfigurationError, match="1 to 60"):
        products.create_product(name)


def test_a_policy_changes_only_what_is_named(shop: Shop, app: Flask) -> None:
    with app.app_context():
        products.set_policy(shop.product.id, {"code_digits": 6})
        changed = products.set_policy(shop.product.id, {"resend_after_seconds": 80})
    assert (changed.code_digits, changed.resend_after_seconds, changed.code_seconds) == (6, 80, 300)
    assert policy_from(policy_document(changed)) == changed


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code_digits": 3}, "from 4 to 8"),
        ({"code_digits": "4"}, "whole number"),
        ({"code_digits": True}, "whole number"),
        ({"code_seconds": 601}, "from 60 to 600"),
        ({"code_push": "sealed"}, "one of: fetch, inline"),
        ({"countries": ["Kazakhstan"]}, "ISO 3166-1"),
        ({"countries": "KZ"}, "list of texts"),
        ({"purposes": []}, "at least one"),
        ({"assurances": ["sworn"]}, "some of: anonymous_offer"),
        ({"purposes": ["Sign In"]}, "small letters"),
        ({"colour": "blue"}, "has no 'colour'"),
    ],
)
def test_a_policy_that_can_not_be_is_refused_when_it_is_set(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        policy_from(changes)


def test_the_default_policy_is_the_one_of_the_manuals() -> None:
    policy = Policy()
    assert (policy.code_digits, policy.code_seconds, policy.resend_after_seconds) == (4, 300, 60)
    assert [attempts_for(digits) for digits in (4, 5, 6, 8)] == [3, 3, 5, 5]


def test_what_is_not_there_is_named(app: Flask) -> None:
    with app.app_context():
        for attempt in (
            lambda: products.find_product("nobody"),
            lambda: products.revoke_key(new_key()),
            lambda: products.add_key(new_key(), live=True),
            lambda: products.set_policy(new_key(), {}),
        ):
            with pytest.raises(NotFound):
                attempt()
