"""Codes: ask, deliver, check, resend, cancel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.recording import RecordingChannel
from pushhub.dispatcher import housekeeping
from pushhub.events.models import Event
from pushhub.kernel.clock import rfc3339
from pushhub.verifications.models import Verification
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, assert_problem, expect, refusal
from tests.support.bodies import wrong
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch
from tests.support.rows import change, values
from tests.support.statements import after_transaction

pytestmark = pytest.mark.both_engines  # guarded statements count and use codes up


def path(verification: dict[str, Any], action: str = "") -> str:
    return f"/v1/verifications/{verification['id']}{action}"


def test_a_verification_tells_the_product_everything_but_the_code(shop: Shop, bound: Phone, now: FakeClock) -> None:
    response = shop.try_to_ask()
    asked = expect(response, 201)
    assert asked["status"] == "pending"
    assert asked["number_masked"] == "+770****6868"
    assert asked["expires_at"] == rfc3339(now() + timedelta(minutes=5))
    assert asked["resend_at"] == rfc3339(now() + timedelta(seconds=60))
    assert asked["attempts_left"] == 3
    assert [(entry["channel"], entry["status"]) for entry in asked["deliveries"]] == [("fcm", "queued")]
    assert bound.read_code() not in response.get_data(as_text=True).replace(asked["id"], "")


def test_asking_again_returns_the_live_verification(shop: Shop, bound: Phone) -> None:
    first = shop.ask()
    second = expect(shop.try_to_ask(), 200)
    assert second["id"] == first["id"]
    assert len(second["deliveries"]) == 1


def test_another_purpose_is_another_verification(shop: Shop, bound: Phone) -> None:
    assert shop.ask(purpose="sign_in")["id"] != shop.ask(purpose="password_reset")["id"]


def test_after_the_end_asking_again_makes_a_new_one(shop: Shop, bound: Phone, now: FakeClock) -> None:
    first = shop.ask()
    now.forward(minutes=5)
    assert shop.show(first)["status"] == "expired"
    second = shop.ask()
    assert second["id"] != first["id"]
    assert second["status"] == "pending"


def test_before_the_phone_has_opened_the_code_no_guess_is_looked_at(shop: Shop, bound: Phone) -> None:
    verification = shop.ask()
    for guess in range(20):
        assert_problem(shop.call("POST", path(verification, "/check"), {"code": f"{guess:04d}"}), 409, "not_armed")
    assert shop.show(verification)["attempts_left"] == 3
    assert shop.check(verification, bound.read_code())["valid"]


def test_a_check_in_the_moment_in_which_the_code_is_armed_looks_at_it(app: Flask, shop: Shop, bound: Phone) -> None:
    verification = shop.ask()
    codes: list[str] = []
    with after_transaction(app, "UPDATE verifications", lambda: codes.append(bound.read_code())):
        found = shop.check(verification, "0000")
    right = codes[0] == "0000"
    assert (found["valid"], found["status"]) == (right, "approved" if right else "pending")
    assert found["attempts_left"] == 2


def test_a_right_code_counts_once(shop: Shop, bound: Phone) -> None:
    verification = shop.ask()
    code = bound.read_code()
    assert shop.check(verification, code) == {"valid": True, "status": "approved", "attempts_left": 2}
    assert shop.check(verification, code) == {"valid": False, "status": "approved", "attempts_left": 0}


def test_three_wrong_codes_exhaust_it_and_the_right_one_comes_too_late(shop: Shop, bound: Phone) -> None:
    verification = shop.ask()
    code = bound.read_code()
    for status, left in (("pending", 2), ("pending", 1), ("exhausted", 0)):
        assert shop.check(verification, wrong(code)) == {"valid": False, "status": status, "attempts_left": left}
    assert shop.check(verification, code) == {"valid": False, "status": "exhausted", "attempts_left": 0}


def test_a_code_of_six_digits_allows_five_guesses(make_shop: MakeShop, phone: Phone) -> None:
    shop = make_shop("SAKURA", code_digits=6)
    phone.bind_to(shop)
    verification = shop.ask()
    code = phone.read_code()
    assert len(code) == 6
    assert verification["attempts_left"] == 5


def test_a_code_expires_after_five_minutes(shop: Shop, bound: Phone, now: FakeClock) -> None:
    verification = shop.ask()
    code = bound.read_code()
    now.forward(minutes=5)
    assert shop.check(verification, code) == {"valid": False, "status": "expired", "attempts_left": 0}


@pytest.mark.parametrize("typed", ["12a4", "123", "12345", "١٢٣٤", " 1234", "12.4", "-123"])
def test_what_can_not_be_the_code_costs_no_attempt(shop: Shop, bound: Phone, typed: str) -> None:
    verification = shop.ask()
    bound.read_code()
    refused = assert_problem(shop.call("POST", path(verification, "/check"), {"code": typed}), 422, "code_malformed")
    assert refused["digits"] == 4
    assert shop.show(verification)["attempts_left"] == 3


def test_resending_keeps_code_expiry_and_attempts(shop: Shop, bound: Phone, now: FakeClock, dispatch: Dispatch) -> None:
    verification = shop.ask()
    code = bound.read_code()
    shop.check(verification, wrong(code))
    now.forward(seconds=60)
    again = shop.resend(verification)
    assert again["id"] == verification["id"]
    assert again["expires_at"] == verification["expires_at"]
    assert again["attempts_left"] == 2
    assert again["resend_at"] == rfc3339(now() + timedelta(seconds=60))
    assert len(again["deliveries"]) == 2
    dispatch()
    assert bound.read_code() == code


def test_resending_too_early_tells_when(shop: Shop, bound: Phone, now: FakeClock) -> None:
    verification = shop.ask()
    now.forward(seconds=59)
    response = shop.call("POST", path(verification, "/resend"))
    assert assert_problem(response, 429, "resend_too_early")["retry_at"] == verification["resend_at"]
    assert response.headers["Retry-After"] == "1"


def test_the_wait_before_resending_is_the_products(make_shop: MakeShop, phone: Phone, now: FakeClock) -> None:
    shop = make_shop("Balabaqsha", resend_after_seconds=80)
    phone.bind_to(shop)
    assert shop.ask()["resend_at"] == rfc3339(now() + timedelta(seconds=80))


def test_a_code_is_sent_again_three_times_at_most(shop: Shop, bound: Phone, now: FakeClock) -> None:
    verification = shop.ask()
    for _ in range(3):
        now.forward(seconds=60)
        shop.resend(verification)
    now.forward(seconds=59)
    assert_problem(shop.call("POST", path(verification, "/resend")), 409, "resend_limit_reached")


@pytest.mark.parametrize("end", ["approved", "exhausted", "expired", "cancelled"])
def test_what_has_ended_stays_ended(shop: Shop, bound: Phone, now: FakeClock, end: str) -> None:
    verification = shop.ask()
    code = bound.read_code()
    if end == "approved":
        shop.check(verification, code)
    elif end == "exhausted":
        for _ in range(3):
            shop.check(verification, wrong(code))
    elif end == "expired":
        now.forward(minutes=5)
    else:
        assert shop.cancel(verification)["status"] == "cancelled"
    refused = assert_problem(shop.call("POST", path(verification, "/resend")), 409, "verification_closed")
    assert refused["verification_status"] == end
    if end == "cancelled":
        assert shop.cancel(verification)["status"] == end
    else:
        assert_problem(shop.call("POST", path(verification, "/cancel")), 409, "verification_closed")
    assert not shop.check(verification, code)["valid"]
    assert shop.show(verification)["status"] == end
    assert "code" not in bound.reveal(bound.feed()[-1]["delivery_id"])


def test_the_code_is_readable_nowhere_at_rest_and_erased_at_the_end(
    shop: Shop, bound: Phone, app: Flask, now: FakeClock
) -> None:
    verification = shop.ask()
    code = bound.read_code()
    (kept,) = values(app, sa.select(Verification))
    assert code.encode() not in (kept.code_sealed or b"")
    assert code not in (kept.code_digest, "")
    now.forward(minutes=5)
    with app.app_context():
        housekeeping.sweep()
    (erased,) = values(app, sa.select(Verification))
    assert (erased.status, erased.code_sealed) == ("expired", None)
    assert shop.show(verification)["status"] == "expired"


def test_a_closed_verification_is_not_sent_any_more(
    shop: Shop, bound: Phone, dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    verification = shop.ask()
    shop.cancel(verification)
    dispatch()
    (delivery,) = shop.show(verification)["deliveries"]
    assert (delivery["status"], delivery["error"], delivery["attempts"]) == ("expired", "verification_closed", [])
    assert not fcm.sent


def test_a_code_dies_when_its_number_leaves_the_phone(shop: Shop, bound: Phone, make_phone: MakePhone) -> None:
    verification = shop.ask()
    code = bound.read_code()
    new = make_phone()
    new.bind_to(shop)
    assert shop.check(verification, code) == {"valid": False, "status": "cancelled", "attempts_left": 0}
    again = shop.ask()
    assert again["id"] != verification["id"]
    assert shop.check(again, new.read_code())["valid"]


def test_binding_the_same_phone_again_keeps_the_code_that_is_under_way(shop: Shop, bound: Phone) -> None:
    verification = shop.ask()
    bound.bind_to(shop)
    assert shop.check(verification, bound.read_code())["valid"]


def test_a_number_that_anybody_could_have_bound_is_not_good_enough_where_the_product_says_so(
    make_shop: MakeShop, phone: Phone
) -> None:
    shop = make_shop("SAKURA", proven_purposes=["password_reset"])
    phone.bind_to(shop, assurance=None)
    expect(shop.try_to_ask(), 201)
    refused = assert_problem(shop.try_to_ask(purpose="password_reset"), 409, "number_unreachable")
    assert refused["reason"] == "assurance_too_low"
    phone.bind_to(shop, assurance="registry")
    expect(shop.try_to_ask(purpose="password_reset"), 201)


def test_an_idempotency_key_of_a_test_key_is_not_the_live_ones(shop: Shop, bound: Phone) -> None:
    body = {"number": NUMBER, "purpose": "sign_in"}
    test = expect(shop.call("POST", "/v1/verifications", body, key=shop.test_key, Idempotency_Key="k"), 201)
    live = expect(shop.call("POST", "/v1/verifications", body, Idempotency_Key="k"), 201)
    assert live["id"] != test["id"]


def test_a_verification_whose_attempts_are_spent_is_not_handed_out_again(shop: Shop, bound: Phone, app: Flask) -> None:
    verification = shop.ask()
    change(app, sa.update(Verification).values(attempts_used=3))
    assert shop.ask()["id"] != verification["id"]
    assert shop.show(verification)["status"] == "exhausted"


def test_another_product_sees_nothing(make_shop: MakeShop, phone: Phone) -> None:
    mine, other = make_shop("INDIGO"), make_shop("SAKURA")
    phone.bind_to(mine)
    verification = mine.ask()
    code = phone.read_code()
    for method, action, body in (
        ("GET", "", None),
        ("POST", "/check", {"code": code}),
        ("POST", "/resend", None),
        ("POST", "/cancel", None),
    ):
        assert_problem(other.call(method, path(verification, action), body), 404, "not_found")
    assert mine.check(verification, code)["valid"]


def test_an_unknown_purpose_is_refused_with_those_there_are(shop: Shop, bound: Phone) -> None:
    assert "sign_in" in assert_problem(shop.try_to_ask(purpose="lottery"), 422, "unknown_purpose")["purposes"]


def test_an_unreachable_number_is_refused_with_the_reason(shop: Shop, phone: Phone) -> None:
    def reason() -> str:
        return str(assert_problem(shop.try_to_ask(), 409, "number_unreachable")["reason"])

    assert reason() == "never_bound"
    phone.bind_to(shop)
    phone.update(notifications_allowed=False)
    assert reason() == "notifications_off"
    phone.update(notifications_allowed=True)
    shop.ask()
    phone.unbind()
    assert shop.call("GET", f"/v1/numbers/{NUMBER}").get_json()["reason"] == "unbound"


def test_with_a_test_key_nobody_is_reached_and_the_code_is_zeros(
    shop: Shop, dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    verification = expect(shop.try_to_ask(OTHER_NUMBER, key=shop.test_key), 201)
    assert verification["live"] is False
    dispatch()
    shown = expect(shop.call("GET", path(verification), key=shop.test_key), 200)
    assert [(entry["channel"], entry["status"]) for entry in shown["deliveries"]] == [("recording", "accepted")]
    assert not fcm.sent
    checked = shop.call("POST", path(verification, "/check"), {"code": "0000"}, key=shop.test_key)
    assert expect(checked, 200)["valid"]
    assert_problem(shop.call("GET", path(verification)), 404, "not_found")


def test_a_repeated_request_makes_one_verification(shop: Shop, bound: Phone) -> None:
    body = {"number": NUMBER, "purpose": "sign_in"}
    first = expect(shop.call("POST", "/v1/verifications", body, Idempotency_Key="k"), 201)
    shop.check(first, bound.read_code())
    again = shop.call("POST", "/v1/verifications", body, Idempotency_Key="k")
    assert expect(again, 201)["id"] == first["id"]
    assert expect(again, 201)["status"] == "approved"
    assert again.headers["Idempotent-Replayed"] == "true"


def test_inline_codes_are_armed_by_the_receipt(
    make_shop: MakeShop, phone: Phone, dispatch: Dispatch, fcm: RecordingChannel
) -> None:
    shop = make_shop("KazTransCom", code_push="inline")
    phone.bind_to(shop)
    verification = shop.ask()
    dispatch()
    (message,) = fcm.sent
    code = "".join(letter for letter in message.body if letter.isdigit())
    assert len(code) == 4
    assert_problem(shop.call("POST", path(verification, "/check"), {"code": code}), 409, "not_armed")
    phone.acknowledge([message.data["delivery_id"]])
    assert shop.check(verification, code)["valid"]


def test_what_happened_is_written_down_without_secrets(shop: Shop, bound: Phone, app: Flask) -> None:
    verification = shop.ask()
    code = bound.read_code()
    shop.check(verification, code)
    events = values(app, sa.select(Event).order_by(Event.position))
    tags = [event.tag for event in events]
    assert tags[2:] == [
        "offer.created",
        "offer.used",
        "binding.created",
        "verification.created",
        "delivery.received",
        "verification.armed",
        "verification.approved",
    ]
    assert NUMBER not in str([event.data for event in events])


def test_the_phone_refuses_nobody_elses_message(shop: Shop, bound: Phone, make_phone: MakePhone) -> None:
    shop.ask()
    delivery_id = bound.feed()[-1]["delivery_id"]
    stranger = make_phone()
    stranger.bind_to(shop, OTHER_NUMBER)
    assert refusal(lambda: stranger.reveal(delivery_id)).code == "not_found"
    assert refusal(lambda: stranger.acknowledge([delivery_id])).code == "not_found"


def test_no_cache_keeps_the_answer_that_holds_a_code(shop: Shop, bound: Phone) -> None:
    shop.ask()
    answer = bound._signed("GET", f"/mobile/v1/deliveries/{bound.feed()[-1]['delivery_id']}")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
