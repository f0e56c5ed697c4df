"""Reading what happened by cursor."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.binding.bind import unbind_number
from pushhub.events.document import event_body, event_document
from pushhub.events.models import Event, Tag
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.ids import new_key
from pushhub.webhooks.rules import LARGEST_BODY
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, assert_problem, expect
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch
from tests.support.rows import change, values
from tests.webhooks.relaying import Relay, make_events

pytestmark = pytest.mark.both_engines  # reading by cursor


def page(shop: Shop, after: str | None = None, limit: int | None = None, key: str | None = None) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in (("after", after), ("limit", limit)) if value is not None)
    return expect(shop.call("GET", f"/v1/events?{query}", key=key), 200)


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def test_polling_goes_on_where_it_stopped(shop: Shop, relay: Relay) -> None:
    relay()
    start = page(shop)["next"]
    empty = page(shop, start)
    assert empty == {"items": [], "next": start}
    offers = [shop.offer(number) for number in (NUMBER, OTHER_NUMBER)]
    assert page(shop, start)["items"] == []  # not before they have their number
    relay()
    first = page(shop, start, limit=1)
    second = page(shop, first["next"], limit=1)
    last = page(shop, second["next"], limit=1)
    assert [one["data"]["offer_id"] for one in first["items"] + second["items"]] == [one["id"] for one in offers]
    assert last == {"items": [], "next": second["next"]}
    assert page(shop, start)["items"] == first["items"] + second["items"]  # a cursor may be used again


def test_an_event_is_a_document_of_four_members(shop: Shop, relay: Relay, now: FakeClock) -> None:
    relay()
    start = page(shop)["next"]
    offer = shop.offer(assurance="signed_in")
    relay()
    (event,) = page(shop, start)["items"]
    assert event["id"].startswith("evt_")
    assert event == {
        "id": event["id"],
        "type": "offer.created",
        "timestamp": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {"offer_id": offer["id"], "assurance": "signed_in"},
    }
    assert datetime.fromisoformat(event["timestamp"])


def test_each_product_and_each_side_reads_its_own(make_shop: MakeShop, relay: Relay) -> None:
    shop, other = make_shop("INDIGO"), make_shop("SAKURA")
    relay()
    start = page(shop)["next"]
    live = shop.offer()
    test = expect(shop.call("POST", "/v1/offers", {"number": NUMBER}, key=shop.test_key), 201)
    strange = other.offer()
    relay()

    def offers(who: Shop, key: str | None = None) -> list[str]:
        items = page(who, start, key=key)["items"]
        return [one["data"]["offer_id"] for one in items if one["type"] == "offer.created"]

    assert offers(shop) == [live["id"]]
    assert offers(shop, shop.test_key) == [test["id"]]
    assert offers(other) == [strange["id"]]
    assert offers(other, other.test_key) == []


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "0",
        "evt_01jd6",
        "!!!!",
        "%00",
        "ZTE6MQ==",
        *map(_encoded, ["e1:", "e2:1", "e1:-1", "e1:+1", "e1:01", "e1: 1", "e1:1 ", "e1:٣", "1", "e1:1e3"]),
        *map(_encoded, [f"e1:{2**63}", f"e1:{10**40}"]),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused_with_what_to_do(shop: Shop, cursor: str) -> None:
    problem = assert_problem(shop.call("GET", f"/v1/events?after={cursor}"), 422, "cursor_malformed")
    assert "next" in problem["detail"]


def test_cursors_of_places_that_do_not_exist_yet_are_taken(shop: Shop, relay: Relay) -> None:
    relay()
    far = _encoded(f"e1:{2**63 - 1}")
    assert page(shop, far) == {"items": [], "next": far}
    assert types(page(shop, _encoded("e1:0"))["items"]) == ["api_key.created"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=" + "x" * 200])
def test_a_query_that_is_not_right(shop: Shop, query: str) -> None:
    assert_problem(shop.call("GET", f"/v1/events?{query}"), 422, "invalid_request")


def test_a_page_has_a_hundred_events_if_nothing_else_is_said(app: Flask, shop: Shop, relay: Relay) -> None:
    make_events(app, shop.product.id, 600)
    relay()
    assert len(page(shop)["items"]) == 100
    assert len(page(shop, limit=500)["items"]) == 500
    seen, cursor = [], None
    while items := (found := page(shop, cursor, limit=77))["items"]:
        seen += items
        cursor = found["next"]
    assert len(seen) == len({one["id"] for one in seen}) == 601


def test_a_number_is_not_given_twice_after_the_newest_events_were_deleted(app: Flask, shop: Shop, relay: Relay) -> None:
    shop.offer()
    relay()
    cursor = page(shop)["next"]
    change(app, sa.delete(Event))
    offer = shop.offer(OTHER_NUMBER)
    relay()
    (event,) = page(shop, cursor)["items"]
    assert event["data"]["offer_id"] == offer["id"]


def test_the_product_that_bound_a_number_is_told_that_the_binding_has_ended(
    app: Flask, make_shop: MakeShop, make_phone: MakePhone, relay: Relay
) -> None:
    first, second = make_shop("INDIGO"), make_shop("SAKURA")
    old_phone, new_phone = make_phone(), make_phone()
    old = old_phone.bind_to(first)["binding"]
    new = new_phone.bind_to(second)["binding"]
    with app.app_context():
        unbind_number(PhoneNumber.parse(NUMBER), reason="lost phone of +77057546868, ticket 123")
    relay()

    def ended(shop: Shop) -> list[dict[str, Any]]:
        return [one["data"] for one in page(shop)["items"] if one["type"] == "binding.ended"]

    assert ended(first) == [{"binding_id": old["id"], "reason": "moved"}]
    assert ended(second) == [{"binding_id": new["id"], "reason": "operator"}]
    told = json.dumps([page(shop) for shop in (first, second)])
    assert "ticket" not in told
    assert NUMBER not in told
    kept = values(app, sa.select(Event.data).where(Event.tag == Tag.BINDING_ENDED))
    assert any("ticket 123" in data.get("note", "") for data in kept)  # for the operators it is


def test_a_binding_that_its_owner_ends_is_told_too(shop: Shop, phone: Phone, relay: Relay) -> None:
    binding = phone.bind_to(shop)["binding"]
    phone.unbind()
    relay()
    (event,) = [one for one in page(shop)["items"] if one["type"] == "binding.ended"]
    assert event["data"] == {"binding_id": binding["id"], "reason": "unbound"}


def test_every_kind_of_event_has_a_document_that_names_its_subject(now: FakeClock) -> None:
    for tag in Tag:
        event = Event(id=new_key(), tag=str(tag), subject_id=new_key(), data={"note": "x", "reason": "y"}, at=now())
        document = event_document(event)
        (name, value), reason = list(document["data"].items())
        assert name == f"{tag.partition('.')[0]}_id"
        assert value[3] == "_"
        assert reason == ("reason", "y")
        assert json.loads(event_body(event)) == document
        assert len(event_body(event)) < LARGEST_BODY / 20


def test_what_a_test_key_does_is_told_to_test_keys_only(shop: Shop, dispatch: Dispatch, relay: Relay) -> None:
    asked = shop.call("POST", "/v1/verifications", {"number": NUMBER, "purpose": "sign_in"}, key=shop.test_key)
    verification = asked.get_json()
    dispatch()
    shop.call("POST", f"/v1/verifications/{verification['id']}/check", {"code": "1111"}, key=shop.test_key)
    shop.call("POST", f"/v1/verifications/{verification['id']}/check", {"code": "0000"}, key=shop.test_key)
    relay()
    told = {key: types(page(shop, key=key)["items"]) for key in (shop.key, shop.test_key)}
    about_codes = [kind for kind in told[shop.test_key] if kind.startswith(("verification", "delivery"))]
    assert about_codes == ["verification.created", "delivery.accepted", "verification.approved"]
    assert not [kind for kind in told[shop.key] if kind.startswith(("verification", "delivery"))]
