"""What is not right is refused with a sentence that helps, and then nobody gets anything."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from pushhub.delivery.models import Delivery
from pushhub.notifications.models import Notification
from tests.notifications.senders import WORDS, Sender, number
from tests.support.actors import NUMBER, OTHER_NUMBER, MakeShop, Shop, assert_problem
from tests.support.rows import values

FOREIGN = "+12025550123"
LONG = "x" * 4096


def nothing_sent(sender: Sender) -> bool:
    """Whether the tables are as empty as they were."""
    return values(sender.app, sa.select(Notification.id)) == values(sender.app, sa.select(Delivery.id)) == []


#: (what is sent instead, the field that is at fault)
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"to": None}, "to"),
    ({"to": ""}, "to"),
    ({"to": 77057546868}, "to"),
    ({"to": {"number": NUMBER}}, "to"),
    ({"to": []}, "to"),
    ({"to": [NUMBER, None]}, "to"),
    ({"to": [NUMBER, [OTHER_NUMBER]]}, "to"),
    ({"to": [NUMBER, LONG]}, "to"),
    ({"to": LONG}, "to"),
    ({"title": ""}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": 5}, "title"),
    ({"body": ""}, "body"),
    ({"body": "x" * 2001}, "body"),
    ({"body": None}, "body"),
    ({"data": []}, "data"),
    ({"data": {"n": 1}}, "data"),
    ({"data": {"n": None}}, "data"),
    ({"data": {"n": {"m": "x"}}}, "data"),
    ({"data": {"kind": "code"}}, "data"),
    ({"data": {"aps": "x"}}, "data"),
    ({"data": {"google.c.a.e": "1"}}, "data"),
    ({"data": {"n": "x" * 1000}}, "data"),
    ({"data": {f"n{turn}": "x" for turn in range(21)}}, "data"),
    ({"texts": []}, "texts"),
    ({"texts": {"de": WORDS}}, "texts"),
    ({"texts": {"kk": {"title": "x"}}}, "texts"),
    ({"texts": {"kk": WORDS | {"data": {}}}}, "texts"),
    ({"texts": {"kk": None}}, "texts"),
    ({"texts": {"kk": {"title": "", "body": "x"}}}, "texts"),
    ({"ttl": 59}, "ttl"),
    ({"ttl": 2_419_201}, "ttl"),
    ({"ttl": -1}, "ttl"),
    ({"ttl": 60.5}, "ttl"),
    ({"ttl": "3600"}, "ttl"),
    ({"ttl": True}, "ttl"),
    ({"ttl": None}, "ttl"),
    ({"send_at": "soon"}, "send_at"),
    ({"send_at": "2026-11-21T09:00:00"}, "send_at"),
    ({"send_at": 1795000000}, "send_at"),
    ({"send_at": "10000-01-01T00:00:00Z"}, "send_at"),
    ({"send_at": "0001-01-01T00:00:00+14:00"}, "send_at"),
    ({"send_at": "9999-12-31T23:59:59-14:00"}, "send_at"),
    ({"surprise": 1}, "surprise"),
]


def test_a_field_that_is_not_right_is_named(sender: Sender, subtests: pytest.Subtests) -> None:
    for changes, field in WRONG:
        with subtests.test(str(changes)[:60]):
            refused = sender.shop.call("POST", "/v1/notifications", {"to": NUMBER} | WORDS | changes)
            problem = assert_problem(refused, 422, "invalid_request")
            assert set(problem["errors"]) == {field}
            assert NUMBER not in refused.get_data(as_text=True)
    assert nothing_sent(sender)


def test_a_field_that_is_missing_is_named(sender: Sender) -> None:
    for missing in ("to", "title", "body"):
        body = {name: value for name, value in ({"to": NUMBER} | WORDS).items() if name != missing}
        refused = sender.shop.call("POST", "/v1/notifications", body)
        assert set(assert_problem(refused, 422, "invalid_request")["errors"]) == {missing}


def test_one_number_that_is_none_is_refused(sender: Sender) -> None:
    for to in ("call me", "ALL", "+77", "87057546868", "+77057546868;ext=5", "+٧٧٠٥٧٥٤٦٨٦٨٠"):
        assert_problem(sender.post(to), 422, "number_invalid")
    assert_problem(sender.post(FOREIGN), 422, "number_country_not_allowed")
    assert nothing_sent(sender)


def test_wrong_numbers_of_a_list_are_named_by_their_places_alone(sender: Sender) -> None:
    written = [number(place) for place in range(100)]
    for place in (3, 40, 99):
        written[place] = f"+7705{place}"
    refused = sender.post(written)
    problem = assert_problem(refused, 422, "number_invalid")
    assert (problem["positions"], problem["wrong"]) == ([3, 40, 99], 3)
    assert "+7" not in refused.get_data(as_text=True).replace("+77011234567", "")  # the example in the text
    foreign = assert_problem(sender.post([NUMBER, FOREIGN, *[FOREIGN] * 20]), 422, "number_country_not_allowed")
    assert (foreign["positions"], foreign["wrong"]) == (list(range(1, 11)), 21)
    assert foreign["countries"] == ["KZ"]
    assert nothing_sent(sender)


def test_a_product_of_another_country_sends_there(make_shop: MakeShop) -> None:
    everywhere = Sender(make_shop("SAKURA", countries=[]))
    assert everywhere.send([FOREIGN, NUMBER])["accepted"] == 2


def test_a_list_that_is_too_long_is_refused_with_a_sentence(sender: Sender) -> None:
    refused = sender.post([NUMBER] * 10_001)
    errors = assert_problem(refused, 422, "invalid_request")["errors"]
    assert errors == {"to": ["Send at most 10,000 numbers in one request; here are 10,001."]}
    assert_problem(sender.post([NUMBER] * 100_000), 413, "body_too_large")


def test_only_the_sending_of_notifications_takes_a_long_body(sender: Sender, shop: Shop) -> None:
    long = {"number": NUMBER, "purpose": "sign_in", "surprise": "x" * 65_536}
    assert_problem(shop.call("POST", "/v1/verifications", long), 413, "body_too_large")
    assert_problem(shop.call("POST", "/v1/notifications/ntf_x/cancel", long), 404, "not_found")
    taken = sender.send([number(place) for place in range(9_999)] + [f"  {NUMBER[:2]} (705) 754-68-68  "])
    assert taken["accepted"] == 10_000


def test_the_longest_that_may_be_sent_is_taken(sender: Sender) -> None:
    words = {"title": "\U0001f600" * 100, "body": "\U0001f600" * 800}  # on the wire twelve characters each
    everyone = [number(place) for place in range(10_000)]
    assert sender.send(everyone, texts={"kk": words, "ru": words, "en": words}, **words)["accepted"] == 10_000


def test_what_is_another_products_or_a_test_keys_does_not_exist(
    sender: Sender, shop: Shop, make_shop: MakeShop
) -> None:
    sent = sender.send(NUMBER, send_at="2026-11-22T09:00:00Z")
    stranger = make_shop("SAKURA")
    for who, key in ((stranger, None), (shop, shop.test_key)):
        assert_problem(who.call("GET", f"/v1/notifications/{sent['id']}", key=key), 404, "not_found")
        assert_problem(who.call("POST", f"/v1/notifications/{sent['id']}/cancel", key=key), 404, "not_found")
    assert sender.show(sent)["status"] == "scheduled"


def test_no_answer_and_no_log_line_holds_a_number(sender: Sender, caplog: pytest.LogCaptureFixture) -> None:
    sent = sender.send([NUMBER, OTHER_NUMBER, *(number(place) for place in range(30))])
    sender.fan_out()
    shown = sender.shop.call("GET", f"/v1/notifications/{sent['id']}").get_data(as_text=True)
    for text in (NUMBER, OTHER_NUMBER, number(7)):
        assert text not in shown
        assert text not in caplog.text
