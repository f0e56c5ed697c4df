"""The main job, from nothing to an approved code."""

from __future__ import annotations

import pytest

from tests.support.actors import NUMBER, Phone, Shop, assert_problem
from tests.support.dispatching import Dispatch

pytestmark = pytest.mark.both_engines  # the whole way of a code


def test_a_number_without_the_app_is_bound_and_then_gets_its_code(shop: Shop, phone: Phone, dispatch: Dispatch) -> None:
    refused = shop.call("POST", "/v1/verifications", {"number": NUMBER, "purpose": "sign_in"})
    assert assert_problem(refused, 409, "number_unreachable")["reason"] == "never_bound"

    offer = shop.offer()
    bound = phone.bind(number=NUMBER, password=offer["password"])
    assert bound["binding"]["number"] == NUMBER
    assert shop.show_offer(offer)["status"] == "used"

    verification = shop.ask()
    dispatch()
    assert [delivery["status"] for delivery in shop.show(verification)["deliveries"]] == ["accepted"]

    checked = shop.check(verification, phone.read_code())
    assert checked == {"valid": True, "status": "approved", "attempts_left": 2}
    assert shop.show(verification)["deliveries"][0]["status"] == "received"
