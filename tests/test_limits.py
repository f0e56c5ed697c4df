"""Limits that protect a person, counted over all products."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from pushhub.dispatcher import housekeeping
from pushhub.kernel.clock import rfc3339
from pushhub.kernel.limits import address_subject
from tests.support.actors import MakePhone, MakeShop, Phone, Shop, assert_problem, expect
from tests.support.bodies import wrong
from tests.support.databases import FakeClock

pytestmark = pytest.mark.both_engines  # counters are upserts


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("", "192.0.2.8", False),
    ],
)
def test_addresses_of_one_ipv6_network_are_counted_together(app: Flask, one: str, other: str, together: bool) -> None:
    with app.app_context():
        keyring = app.extensions["pushhub"].keyring
        assert (address_subject(keyring, one) == address_subject(keyring, other)) is together


def test_a_test_key_spends_nobodys_limits(settings: Any, shop: Shop, bound: Phone, app: Flask) -> None:
    app.extensions["pushhub"].settings = replace(settings, codes_per_10_minutes=5, codes_per_day=5)
    for _ in range(6):
        made = expect(shop.try_to_ask(key=shop.test_key), 201)
        for _ in range(3):
            shop.call("POST", f"/v1/verifications/{made['id']}/check", {"code": "1111"}, key=shop.test_key)
    assert shop.ask()["digits"] == 4


def test_one_number_gets_five_codes_in_ten_minutes_from_all_products(
    settings: Any, make_shop: MakeShop, phone: Phone, app: Flask, now: FakeClock
) -> None:
    app.extensions["pushhub"].settings = replace(settings, codes_per_10_minutes=5, codes_per_day=7)
    shops = [make_shop("INDIGO"), make_shop("SAKURA")]
    phone.bind_to(shops[0])
    purposes = ("sign_in", "sign_up", "confirm")
    for number in range(5):
        expect(shops[number % 2].try_to_ask(purpose=purposes[number // 2]), 201)
    refused = assert_problem(shops[1].try_to_ask(purpose="confirm"), 429, "too_many_codes")
    assert refused["retry_at"] == rfc3339(now() + timedelta(minutes=10))
    now.forward(minutes=10)
    for purpose in purposes[:2]:
        expect(shops[0].try_to_ask(purpose=purpose), 201)
    refused = assert_problem(shops[0].try_to_ask(purpose="confirm"), 429, "too_many_codes")
    assert refused["retry_at"] == rfc3339(now() + timedelta(days=1, minutes=-10))


def test_one_browser_asks_for_ten_codes_an_hour(make_shop: MakeShop, make_phone: MakePhone) -> None:
    shop = make_shop("SAKURA", purposes=[f"p{number}" for number in range(11)])
    make_phone().bind_to(shop)
    for number in range(10):
        expect(shop.try_to_ask(purpose=f"p{number}", client={"ip": "203.0.113.9"}), 201)
    assert_problem(shop.try_to_ask(purpose="p10", client={"ip": "203.0.113.9"}), 429, "too_many_codes")
    expect(shop.try_to_ask(purpose="p10", client={"ip": "203.0.113.10"}), 201)


def test_a_number_that_is_guessed_at_gets_longer_codes(shop: Shop, bound: Phone, now: FakeClock) -> None:
    for _ in range(4):
        verification = shop.ask()
        code = bound.read_code()
        for _ in range(verification["attempts_left"]):
            shop.check(verification, wrong(code))
    longer = shop.ask()
    assert longer["digits"] == 6
    assert shop.check(longer, bound.read_code())["valid"]
    now.forward(days=1)
    assert shop.ask()["digits"] == 4


def test_a_number_that_is_guessed_at_for_weeks_gets_longer_codes(
    app: Flask, shop: Shop, bound: Phone, now: FakeClock
) -> None:
    """Three a day are too few for the rule of one day, and what old counters are for is not forgotten."""
    for _ in range(10):
        assert shop.ask()["digits"] == 4
        code = bound.read_code()
        for _ in range(3):
            shop.check(shop.ask(), wrong(code))
        now.forward(days=2)
        with app.app_context():
            housekeeping.sweep()
    assert shop.ask()["digits"] == 6
    now.forward(days=31)
    assert shop.ask()["digits"] == 4
