"""Binding a device to a number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.delivery import outbox
from pushhub.devices.models import Binding, Device
from pushhub.kernel.clock import rfc3339
from reference_device import Answer
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, refusal
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch
from tests.support.rows import rows, values

pytestmark = pytest.mark.both_engines  # unique indexes decide who has a number

#: A password whose check digits fit (1 modulo 97) and that no offer shows in these tests.
WRONG = "000000000001"


def test_a_phone_is_bound_by_the_password(shop: Shop, phone: Phone, now: FakeClock) -> None:
    offer = shop.offer()
    bound = phone.bind(number="+7 (705) 754-68-68", password=offer["password"])
    assert bound["binding"]["number"] == NUMBER
    assert bound["binding"]["bound_at"] == rfc3339(now())
    assert bound["binding"]["rebind_allowed_at"] == rfc3339(now() + timedelta(days=30))
    assert bound["device"]["secret"].startswith("phd_")
    used = shop.show_offer(offer)
    assert used["status"] == "used"
    assert used["password"] is None
    assert used["qr"] is None
    assert used["binding"]["id"] == bound["binding"]["id"]
    assert used["binding"]["device"] == {"platform": "android", "model": "Reference device"}


def test_a_phone_is_bound_by_the_qr_code_without_typing_a_number(shop: Shop, phone: Phone) -> None:
    assert phone.bind(qr=shop.offer()["qr"]["link"])["binding"]["number"] == NUMBER


def test_the_previous_password_is_still_accepted_and_the_one_before_is_not(
    shop: Shop, make_phone: MakePhone, now: FakeClock
) -> None:
    first = shop.offer()["password"]
    now.forward(seconds=30)
    make_phone().bind(number=NUMBER, password=first)
    second = shop.offer()["password"]
    now.forward(seconds=60)
    assert refusal(lambda: make_phone().bind(number=NUMBER, password=second)).code == "offer_not_accepted"


def test_wrong_used_expired_and_never_made_are_answered_alike(
    shop: Shop, make_phone: MakePhone, now: FakeClock
) -> None:
    offer = shop.offer()
    answers = [refusal(lambda: make_phone().bind(number=NUMBER, password=WRONG))]
    answers.append(refusal(lambda: make_phone().bind(number=OTHER_NUMBER, password=offer["password"])))
    make_phone().bind(number=NUMBER, password=offer["password"])
    answers.append(refusal(lambda: make_phone().bind(number=NUMBER, password=offer["password"])))
    answers.append(refusal(lambda: make_phone().bind(qr=offer["qr"]["link"])))
    late = shop.offer()
    now.forward(minutes=10)
    answers.append(refusal(lambda: make_phone().bind(number=NUMBER, password=late["password"])))
    answers.append(refusal(lambda: make_phone().bind(qr=late["qr"]["link"])))
    assert {(answer.status, answer.code, str(answer.problem)) for answer in answers} == {
        (422, "offer_not_accepted", str(answers[0].problem))
    }


def test_a_slip_is_told_apart_and_costs_no_try(shop: Shop, phone: Phone) -> None:
    password = shop.offer()["password"]
    slip = password[:-1] + str((int(password[-1]) + 1) % 10)
    for _ in range(8):
        assert refusal(lambda: phone.bind(number=NUMBER, password=slip)).code == "password_mistyped"
    assert phone.bind(number=NUMBER, password=password)


def test_five_wrong_passwords_end_the_offer(shop: Shop, phone: Phone) -> None:
    offer = shop.offer()
    for _ in range(4):
        refusal(lambda: phone.bind(number=NUMBER, password=WRONG))
    assert shop.show_offer(offer)["status"] == "pending"
    refusal(lambda: phone.bind(number=NUMBER, password=WRONG))
    ended = shop.show_offer(offer)
    assert (ended["status"], ended["reason"], ended["password"]) == ("cancelled", "too_many_tries", None)
    assert refusal(lambda: phone.bind(number=NUMBER, password=offer["password"])).code == "offer_not_accepted"


def test_four_wrong_passwords_leave_the_right_one_its_chance(shop: Shop, phone: Phone) -> None:
    offer = shop.offer()
    for _ in range(4):
        refusal(lambda: phone.bind(number=NUMBER, password=WRONG))
    assert phone.bind(number=NUMBER, password=offer["password"])


def test_an_address_that_guesses_at_many_numbers_is_stopped(shop: Shop, phone: Phone, now: FakeClock) -> None:
    for _ in range(20):
        assert refusal(lambda: phone.bind(number=OTHER_NUMBER, password=WRONG)).code == "offer_not_accepted"
    stopped = refusal(lambda: phone.bind(number=OTHER_NUMBER, password=WRONG))
    assert (stopped.status, stopped.code) == (429, "too_many_tries")
    assert stopped.problem["retry_at"] == rfc3339(now().replace(minute=0) + timedelta(hours=1))
    now.forward(hours=1)
    assert phone.bind_to(shop)


def test_guesses_from_one_ipv6_network_are_counted_together(phone: Phone, app: Flask) -> None:
    client, send, addresses = app.test_client(), phone.send, count(1)

    def send_from_another_address(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        if method == "GET":
            return send(method, url, headers, body)
        here = {"REMOTE_ADDR": f"2001:db8:1:2::{next(addresses):x}"}
        path = urlsplit(url).path
        answer = client.open(path, method=method, headers=dict(headers), data=body, environ_base=here)
        return Answer(answer.status_code, {}, answer.get_data())

    phone.send = send_from_another_address
    for _ in range(20):
        assert refusal(lambda: phone.bind(number=OTHER_NUMBER, password=WRONG)).code == "offer_not_accepted"
    assert refusal(lambda: phone.bind(number=OTHER_NUMBER, password=WRONG)).code == "too_many_tries"


@pytest.fixture
def deaf(phone: Phone) -> Phone:
    """A phone that hears the answer to a binding only when it asks for the second time."""
    send, lost = phone.send, []

    def send_and_lose(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        answer = send(method, url, headers, body)
        if url.endswith("/bindings") and not lost:
            lost.append(answer)
            assert answer.status == 201
            raise ConnectionError
        return answer

    phone.send = send_and_lose
    return phone


@pytest.mark.parametrize("way", ["password", "qr"])
def test_a_phone_that_heard_no_answer_asks_again_and_is_bound(shop: Shop, deaf: Phone, app: Flask, way: str) -> None:
    offer = shop.offer()
    shown = {"qr": offer["qr"]["link"]} if way == "qr" else {"number": NUMBER, "password": offer["password"]}
    with pytest.raises(ConnectionError):
        deaf.bind(**shown)
    made = deaf.bind(**shown)
    assert deaf.binding()["binding"]["id"] == made["binding"]["id"]
    assert shop.show_offer(offer)["status"] == "used"
    shop.ask()
    assert deaf.read_code()
    assert values(app, sa.select(sa.func.count()).select_from(Binding)) == [1]


def test_only_the_very_key_is_told_of_the_binding_and_only_for_an_hour(
    shop: Shop, deaf: Phone, make_phone: MakePhone, now: FakeClock
) -> None:
    offer = shop.offer()
    with pytest.raises(ConnectionError):
        deaf.bind(number=NUMBER, password=offer["password"])
    key, deaf.next_key = deaf.next_key, None
    assert refusal(lambda: deaf.bind(number=NUMBER, password=offer["password"])).code == "offer_not_accepted"
    deaf.next_key = key
    assert refusal(lambda: deaf.bind(number=OTHER_NUMBER, password=offer["password"])).code == "offer_not_accepted"
    assert refusal(lambda: deaf.bind(qr=shop.offer(OTHER_NUMBER)["qr"]["link"])).code == "rebind_too_soon"
    now.forward(minutes=61)
    assert refusal(lambda: deaf.bind(number=NUMBER, password=offer["password"])).code == "offer_not_accepted"
    # The number has moved meanwhile: nothing is given back to the phone that had it.
    make_phone().bind_to(shop)
    assert refusal(lambda: deaf.bind(number=NUMBER, password=offer["password"])).code == "offer_not_accepted"


def test_a_right_password_works_once_even_where_the_rules_refuse_it(shop: Shop, bound: Phone, now: FakeClock) -> None:
    offer = shop.offer(OTHER_NUMBER)
    assert refusal(lambda: bound.bind(number=OTHER_NUMBER, password=offer["password"])).code == "rebind_too_soon"
    assert refusal(lambda: bound.bind(number=OTHER_NUMBER, password=offer["password"])).code == "offer_not_accepted"
    now.forward(seconds=30)
    fresh = shop.show_offer(offer)
    assert fresh["status"] == "pending"
    assert refusal(lambda: bound.bind(number=OTHER_NUMBER, password=fresh["password"])).code == "rebind_too_soon"


def test_a_device_changes_its_number_once_in_thirty_days(shop: Shop, bound: Phone, now: FakeClock) -> None:
    now.forward(days=30, seconds=-1)
    too_soon = refusal(lambda: bound.bind_to(shop, OTHER_NUMBER))
    assert (too_soon.status, too_soon.code) == (409, "rebind_too_soon")
    assert too_soon.problem["retry_at"] == rfc3339(now() + timedelta(seconds=1))
    assert bound.binding()["binding"]["number"] == NUMBER
    now.forward(seconds=1)
    assert bound.bind_to(shop, OTHER_NUMBER)["binding"]["number"] == OTHER_NUMBER
    assert refusal(lambda: bound.bind_to(shop, NUMBER)).code == "rebind_too_soon"


def test_the_same_number_again_is_free_and_does_not_start_the_days_anew(
    shop: Shop, phone: Phone, now: FakeClock
) -> None:
    first = phone.bind_to(shop)["binding"]
    now.forward(days=20)
    again = phone.bind_to(shop)["binding"]
    assert again["rebind_allowed_at"] == first["rebind_allowed_at"]
    assert phone.binding()["binding"]["rebind_allowed_at"] == first["rebind_allowed_at"]
    now.forward(days=10)
    assert phone.bind_to(shop, OTHER_NUMBER)


def test_unbinding_does_not_shorten_the_thirty_days(shop: Shop, bound: Phone) -> None:
    bound.unbind()
    assert refusal(lambda: bound.bind_to(shop, OTHER_NUMBER)).code == "rebind_too_soon"
    assert bound.bind_to(shop, NUMBER)


def test_a_reinstalled_app_is_recognised_by_the_phone_it_is_on(shop: Shop, make_phone: MakePhone) -> None:
    before = make_phone(hardware_id="a-phone-of-flesh").bind_to(shop)
    reinstalled = make_phone(hardware_id="a-phone-of-flesh")
    assert refusal(lambda: reinstalled.bind_to(shop, OTHER_NUMBER)).code == "rebind_too_soon"
    after = reinstalled.bind_to(shop, assurance=None)  # an anonymous offer suffices: no other device loses anything
    assert after["device"]["id"] == before["device"]["id"]


def test_the_old_installation_can_do_nothing_after_a_reinstall(shop: Shop, make_phone: MakePhone) -> None:
    old = make_phone(hardware_id="a-phone-of-flesh")
    old.bind_to(shop)
    make_phone(hardware_id="a-phone-of-flesh").bind_to(shop)
    assert refusal(old.binding).code == "bad_device_secret"


def test_a_backup_restored_on_another_phone_is_another_phone(shop: Shop, make_phone: MakePhone) -> None:
    original = make_phone(hardware_id="the-first-phone", installation_id="carried-by-backup")
    original.bind_to(shop)
    copy = make_phone(hardware_id="the-second-phone", installation_id="carried-by-backup")
    assert refusal(lambda: copy.bind_to(shop, assurance=None)).code == "number_bound_elsewhere"
    assert copy.bind_to(shop, OTHER_NUMBER)
    assert original.binding()["bound"]


def test_a_number_moves_to_a_new_phone_and_the_old_one_is_told(
    shop: Shop, make_phone: MakePhone, dispatch: Dispatch, now: FakeClock
) -> None:
    old, new = make_phone(locale="en"), make_phone()
    old.bind_to(shop)
    now.forward(minutes=5)
    new.bind_to(shop)
    dispatch()
    state = old.binding()
    assert state == {"bound": False, "binding": None, "ended": {"reason": "moved", "at": rfc3339(now())}}
    (told,) = old.feed()
    assert told["kind"] == "notification"
    assert "+770****6868" in told["body"]
    assert NUMBER not in told["body"]
    assert new.feed() == []
    assert new.binding()["bound"]


def test_an_old_phone_whose_channel_this_installation_does_not_have_is_told_in_its_feed(
    shop: Shop, make_phone: MakePhone, app: Flask, dispatch: Dispatch
) -> None:
    old = make_phone(push_target={"kind": "hms", "value": "huawei-target-0001"}, locale="en")
    old.bind_to(shop)
    make_phone().bind_to(shop)
    dispatch()
    (told,) = old.feed()
    assert "+770****6868" in told["body"]
    with app.app_context():
        assert outbox.QUEUE.waiting() == 0


def test_an_anonymous_offer_takes_no_number_from_another_phone(shop: Shop, make_phone: MakePhone) -> None:
    old, new = make_phone(), make_phone()
    old.bind_to(shop)
    offer = shop.offer(assurance=None)
    assert offer["assurance"] == "anonymous_offer"
    assert refusal(lambda: new.bind(number=NUMBER, password=offer["password"])).code == "number_bound_elsewhere"
    assert refusal(lambda: new.bind(qr=offer["qr"]["link"])).code == "number_bound_elsewhere"
    assert old.binding()["bound"]


def test_a_password_of_one_product_costs_another_products_offer_nothing(
    make_shop: MakeShop, phone: Phone, now: FakeClock
) -> None:
    first, second = make_shop("INDIGO"), make_shop("SAKURA")
    waiting = second.offer()
    for _ in range(6):
        phone.bind_to(first)
        now.forward(seconds=30)
    assert phone.bind(number=NUMBER, password=second.show_offer(waiting)["password"])


def test_the_consent_that_was_given_is_kept_with_the_binding(bound: Phone, app: Any) -> None:
    [(version, assurance)] = rows(app, sa.select(Binding.consent_version, Binding.assurance))
    assert version == bound.config()["consent"]["version"]
    assert assurance == "signed_in"


def test_an_outdated_consent_is_refused_with_the_version_to_show(shop: Shop, phone: Phone) -> None:
    real = phone.config
    phone.config = lambda: real() | {"consent": {"version": "2001-01"}}  # type: ignore[method-assign]
    refused = refusal(lambda: phone.bind_to(shop))
    assert (refused.status, refused.code) == (409, "consent_outdated")
    assert refused.problem["consent_version"] == real()["consent"]["version"]


def test_a_test_offer_binds_nobody(shop: Shop, phone: Phone) -> None:
    offer = shop.call("POST", "/v1/offers", {"number": NUMBER}, key=shop.test_key).get_json()
    assert refusal(lambda: phone.bind(number=NUMBER, password=offer["password"])).code == "offer_not_accepted"
    assert refusal(lambda: phone.bind(qr=offer["qr"]["link"])).code == "offer_not_accepted"


def test_hardware_and_installation_ids_are_not_kept(shop: Shop, make_phone: MakePhone, app: Any) -> None:
    make_phone(hardware_id="hardware-of-one-person", installation_id="installation-1").bind_to(shop)
    (device,) = values(app, sa.select(Device))
    assert "hardware-of-one-person" not in str(vars(device))
    assert "installation-1" not in str(vars(device))


def test_a_device_reports_a_new_push_target_and_language(shop: Shop, bound: Phone) -> None:
    changed = bound.update(push_target={"kind": "apns", "value": "ab" * 32, "environment": "sandbox"}, locale="kk-KZ")
    assert (changed["push_kind"], changed["locale"]) == ("apns", "kk")
    state = shop.call("GET", f"/v1/numbers/{NUMBER}").get_json()
    assert [channel["channel"] for channel in state["channels"]] == ["apns"]
