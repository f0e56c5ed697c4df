"""What a product does with its webhooks over HTTP, and what an operator does at the command line."""

from __future__ import annotations

import base64
import json
import socket
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask

from pushhub.commands import webhook as webhook_commands
from pushhub.events.models import Tag
from pushhub.kernel.db import db
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.kernel.settings import Settings
from pushhub.products import products
from pushhub.webhooks.resolver import Resolver, look_up, use
from tests.support.actors import NUMBER, MakeShop, Shop, assert_problem, expect
from tests.support.applications import MakeApp
from tests.support.databases import FakeClock
from tests.support.environments import least_of
from tests.webhooks.receiver import Receiver
from tests.webhooks.relaying import Webhooks

pytestmark = pytest.mark.both_engines  # guarded statements

URL = "https://localhost:9/hook"


def create(shop: Shop, key: str | None = None, **body: Any) -> Any:
    return shop.call("POST", "/v1/webhooks", {"url": URL, **body}, key=key)


def test_a_webhook_from_registration_to_its_end(shop: Shop, now: FakeClock) -> None:
    made = expect(create(shop, events=["verification.approved", "offer.used", "offer.used"]), 201)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert made["id"].startswith("whk_")
    asked_for = {"url": URL, "events": ["offer.used", "verification.approved"], "enabled": True}
    assert (asked_for | dict.fromkeys(("disabled_reason", "disabled_at", "old_secret_until"))).items() <= made.items()
    path = f"/v1/webhooks/{made['id']}"
    assert expect(shop.call("GET", path), 200) == made
    assert expect(shop.call("GET", "/v1/webhooks"), 200) == {"items": [made]}

    changed = expect(shop.call("PATCH", path, {"url": "https://localhost:9/other", "events": []}), 200)
    assert changed == made | {"url": "https://localhost:9/other", "events": []}
    now.forward(seconds=5)
    off = expect(shop.call("PATCH", path, {"enabled": False}), 200)
    assert (off["enabled"], off["disabled_reason"]) == (False, "switched_off")
    assert off["disabled_at"] > made["created_at"]
    assert expect(shop.call("PATCH", path, {}), 200) == off
    assert_problem(shop.call("POST", f"{path}/test"), 409, "webhook_disabled")
    assert expect(shop.call("PATCH", path, {"enabled": True}), 200) == changed

    assert shop.call("DELETE", path).status_code == 204
    for method, suffix in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")):
        body = {} if method == "PATCH" else None
        assert_problem(shop.call(method, path + suffix, body), 404, "not_found")
    assert_problem(shop.call("GET", f"{path}/deliveries"), 404, "not_found")
    assert expect(shop.call("GET", "/v1/webhooks"), 200) == {"items": []}


def test_the_secret_is_in_no_answer_but_the_two_that_make_one(shop: Shop) -> None:
    answer = create(shop)
    made = expect(answer, 201)
    assert answer.headers["Cache-Control"] == "no-store"
    path = f"/v1/webhooks/{made['id']}"
    for method, where, body in (("GET", path, None), ("GET", "/v1/webhooks", None), ("PATCH", path, {"events": []})):
        assert "whsec_" not in shop.call(method, where, body).get_data(as_text=True)
    rotated = shop.call("POST", f"{path}/rotate")
    assert rotated.headers["Cache-Control"] == "no-store"
    assert expect(rotated, 200)["secret"] != made["secret"]


def test_the_secret_lies_sealed_in_the_database(shop: Shop, app: Flask) -> None:
    secret = expect(create(shop), 201)["secret"]
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    with app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT sealed FROM webhook_secrets")).scalars().all()
    assert len(rows) == 1
    assert secret.encode() not in bytes(rows[0])
    assert raw not in bytes(rows[0])


def test_a_rotation_tells_until_when_the_old_secret_signs(shop: Shop, now: FakeClock) -> None:
    path = f"/v1/webhooks/{expect(create(shop), 201)['id']}"
    rotated = expect(shop.call("POST", f"{path}/rotate"), 200)
    assert rotated["old_secret_until"] > rotated["created_at"]
    now.forward(hours=25)
    assert expect(shop.call("GET", path), 200)["old_secret_until"] is None


def test_a_repeated_request_makes_one_webhook_and_shows_its_secret_again(shop: Shop) -> None:
    first = expect(create(shop), 201)
    answers = [shop.call("POST", "/v1/webhooks", {"url": URL}, Idempotency_Key="registration-1") for _ in range(2)]
    made, repeated = (expect(answer, 201) for answer in answers)
    assert made == repeated
    assert made["id"] != first["id"]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    other = shop.call("POST", "/v1/webhooks", {"url": f"{URL}2"}, Idempotency_Key="registration-1")
    assert_problem(other, 422, "idempotency_key_reused")


def test_a_repeated_rotation_rotates_once(shop: Shop) -> None:
    path = f"/v1/webhooks/{expect(create(shop), 201)['id']}/rotate"
    once, twice = (expect(shop.call("POST", path, Idempotency_Key="rotation-1"), 200) for _ in range(2))
    assert once["secret"] == twice["secret"]
    assert expect(shop.call("POST", path), 200)["secret"] != once["secret"]


def test_ten_webhooks_for_live_and_ten_for_test_keys(make_shop: MakeShop) -> None:
    shop, other = make_shop("INDIGO"), make_shop("SAKURA")
    for key in (shop.key, shop.test_key):
        made = [expect(create(shop, key), 201) for _ in range(10)]
        assert assert_problem(create(shop, key), 409, "too_many_webhooks")["limit"] == 10
        assert shop.call("DELETE", f"/v1/webhooks/{made[0]['id']}", key=key).status_code == 204
        expect(create(shop, key), 201)
    expect(create(other), 201)


def test_a_live_key_and_a_test_key_see_each_its_own_and_no_product_sees_anothers(make_shop: MakeShop) -> None:
    shop, stranger = make_shop("INDIGO"), make_shop("SAKURA")
    live, test = expect(create(shop), 201), expect(create(shop, shop.test_key), 201)
    for who, key, own, foreign in (
        (shop, shop.key, [live["id"]], test),
        (shop, shop.test_key, [test["id"]], live),
        (stranger, stranger.key, [], live),
    ):
        listed = expect(who.call("GET", "/v1/webhooks", key=key), 200)["items"]
        assert [one["id"] for one in listed] == own
        path = f"/v1/webhooks/{foreign['id']}"
        for method, suffix in (("GET", ""), ("GET", "/deliveries"), ("DELETE", ""), ("POST", "/rotate")):
            assert_problem(who.call(method, path + suffix, key=key), 404, "not_found")
        assert_problem(who.call("PATCH", path, {"enabled": False}, key=key), 404, "not_found")
        assert_problem(who.call("POST", f"{path}/test", key=key), 404, "not_found")
    assert expect(shop.call("GET", f"/v1/webhooks/{live['id']}"), 200)["enabled"]


def test_a_key_needs_the_scope(app: Flask, shop: Shop) -> None:
    with app.app_context():
        products.revoke_key(products.list_products()[0][1][0].id)
    key = shop.add_key(scopes=["events"])
    assert assert_problem(create(shop, key), 403, "missing_scope")["scope"] == "webhooks"
    expect(shop.call("GET", "/v1/events", key=key), 200)
    key = shop.add_key(scopes=["webhooks"])
    assert assert_problem(shop.call("GET", "/v1/events", key=key), 403, "missing_scope")["scope"] == "events"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": 5},
        {"url": f"https://a.kz/{'a' * 2000}"},
        {"url": URL, "events": "offer.used"},
        {"url": URL, "events": ["offer.lost"]},
        {"url": URL, "events": ["webhook.test"]},
        {"url": URL, "events": None},
        {"url": URL, "secret": "whsec_bXkgb3du"},
        {"url": URL, "enabled": False},
    ],
)
def test_what_is_not_a_webhook(shop: Shop, body: dict[str, Any]) -> None:
    assert_problem(shop.call("POST", "/v1/webhooks", body), 422, "invalid_request")


@pytest.mark.parametrize("body", [{"url": None}, {"enabled": "yes"}, {"events": ["x"]}, {"id": "whk_1"}])
def test_what_is_not_a_change(shop: Shop, body: dict[str, Any]) -> None:
    path = f"/v1/webhooks/{expect(create(shop), 201)['id']}"
    assert_problem(shop.call("PATCH", path, body), 422, "invalid_request")


def known_names(host: str, port: int) -> list[str]:
    """A DNS in which what the tests ask for is found or not, wherever they run."""
    if host == "nowhere.test":
        raise socket.gaierror(socket.EAI_NONAME, "not known")
    known = {"inside.test": ["8.8.8.8", "192.168.0.1"], "cabinet.example.kz": ["8.8.8.8"]}
    return known.get(host) or look_up(host, port)


@pytest.fixture
def strict(make_app: MakeApp, settings: Settings, now: FakeClock) -> Shop:
    """A product of an installation that calls no private addresses."""
    app = make_app(replace(settings, webhook_private_addresses=False))
    use(app, Resolver(known_names))
    return Shop.new(app)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1/hook", "private_address"),
        ("https://localhost/hook", "private_address"),
        ("https://10.1.2.3/hook", "private_address"),
        ("https://169.254.169.254/latest/meta-data", "private_address"),
        ("https://2130706433/hook", "private_address"),
        ("https://0x7f.1/hook", "private_address"),
        ("https://[::ffff:127.0.0.1]/hook", "private_address"),
        ("https://[fd00::1]/hook", "private_address"),
        ("https://inside.test/hook", "private_address"),
        ("https://nowhere.test/hook", "name_not_found"),
        ("http://cabinet.example.kz/hook", "not_https"),
        ("http://localhost/hook", "not_https"),
        ("https://user:secret@cabinet.example.kz/", "has_credentials"),
        ("https://cabinet.example.kz/#x", "malformed"),
    ],
)
def test_an_address_that_is_not_called_is_refused_when_it_is_registered(strict: Shop, url: str, reason: str) -> None:
    problem = assert_problem(strict.call("POST", "/v1/webhooks", {"url": url}), 422, "webhook_url_refused")
    assert problem["reason"] == reason
    assert "secret@" not in json.dumps(problem)
    good = expect(strict.call("POST", "/v1/webhooks", {"url": "https://cabinet.example.kz/hook"}), 201)
    changed = strict.call("PATCH", f"/v1/webhooks/{good['id']}", {"url": url})
    assert assert_problem(changed, 422, "webhook_url_refused")["reason"] == reason
    shown = expect(strict.call("GET", f"/v1/webhooks/{good['id']}"), 200)
    assert shown["url"] == "https://cabinet.example.kz/hook"


def test_deliveries_are_the_last_fifty_newest_first(shop: Shop, webhooks: Webhooks, receiver: Receiver) -> None:
    webhook = webhooks.register(receiver.url(), events=["offer.created"])
    offers = [shop.offer(f"+770575468{number:02}") for number in range(52)]
    webhooks.tell()
    shown = webhooks.deliveries(webhook)
    assert len(shown) == 50
    ids = {request.headers["webhook-id"]: json.loads(request.body) for request in receiver.received}
    newest = [offer["id"] for offer in reversed(offers)][:50]
    assert [ids[one["event_id"]]["data"]["offer_id"] for one in shown] == newest
    assert {one["type"] for one in shown} == {"offer.created"}


def test_metrics_count_what_waits_and_what_was_given_up(app: Flask, shop: Shop, webhooks: Webhooks) -> None:
    def metric(status: str) -> str:
        text = app.test_client().get("/metrics").get_data(as_text=True)
        begin = f'pushhub_webhook_messages{{status="{status}"'
        (line,) = [line for line in text.splitlines() if line.startswith(begin)]
        return line.rpartition(" ")[2]

    webhook = webhooks.register(URL, events=["offer.created"])
    shop.offer()
    shop.offer()
    webhooks.relay()
    assert (metric("waiting"), metric("failed")) == ("2.0", "0.0")
    webhooks.change(webhook, enabled=False)
    assert (metric("waiting"), metric("failed")) == ("0.0", "2.0")


def test_every_tag_can_be_told_and_is_in_the_document(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").get_json()
    schemas = document["components"]["schemas"]
    assert set(schemas["Event"]["properties"]["type"]["enum"]) == set(Tag)
    assert set(schemas["NewWebhook"]["properties"]["events"]["items"]["enum"]) == set(Tag) - {"webhook.test"}
    assert "secret" not in schemas["Webhook"]["properties"]


def test_an_operator_lists_webhooks_and_enables_one(settings: Settings, shop: Shop, webhooks: Webhooks) -> None:
    webhook = webhooks.register(URL)
    webhooks.register(URL, key=shop.test_key)
    webhooks.change(webhook, enabled=False)
    run = CliRunner(env=least_of(settings))
    printed = run.invoke(webhook_commands.group, ["list", "--product", "INDIGO"]).output
    assert f"{webhook['id']}  live  disabled: switched_off  {URL}" in printed
    assert "test  enabled" in printed
    assert "whsec_" not in printed
    assert run.invoke(webhook_commands.group, ["enable", webhook["id"]]).exit_code == 0
    listed = json.loads(run.invoke(webhook_commands.group, ["list", "--product", "INDIGO", "--json"]).output)
    assert [(one["kind"], one["enabled"]) for one in listed] == [("live", True), ("test", True)]
    assert run.invoke(webhook_commands.group, ["enable", public_id(Prefix.WEBHOOK, new_key())]).exit_code == 1


def test_requests_of_strangers_tell_nothing(shop: Shop) -> None:
    for path in ("/v1/events", "/v1/webhooks"):
        assert_problem(shop.call("GET", path, key="phk_live_wrong"), 401, "bad_api_key")
    assert_problem(shop.call("GET", "/v1/webhooks/whk_1"), 404, "not_found")
    assert_problem(shop.call("GET", f"/v1/webhooks/{NUMBER}"), 404, "not_found")
