"""Who asks for what is not theirs, not now, or not with this key: refused by name, and nothing written."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from pushhub.devices.models import Offer
from pushhub.kernel.db import reading
from pushhub.kernel.ids import Prefix, new_key, parse_id, public_id
from pushhub.kernel.limits import LimitCounter
from tests.robustness.contents import assert_same, contents
from tests.robustness.world import HOOK, LONG, SERVER, World
from tests.support.actors import NUMBER, assert_problem
from tests.support.bodies import ASK, NOTIFY, a_binding, a_password

CODE = {"code": "1234"}

NO_NUMBERS = {
    "letters among the digits": "+7705ABC6868",
    "words before a number": "call +77057546868",
    "two numbers": "+77057546868/+77011234567",
    "no country code": "7057546868",
    "too many digits": "+770575468681234",
    "a number that nobody has": "+70000000000",
    "an extension": "+77057546868;ext=5",
    "only a plus": "+",
    "SQL": "' OR 1=1 --",
}


@pytest.mark.parametrize("what", NO_NUMBERS)
def test_what_is_not_a_number_is_never_read_as_another_one(world: World, what: str) -> None:
    number = NO_NUMBERS[what]
    with world.unchanged():
        for response in (
            world.product("POST", "/v1/offers", body={"number": number}),
            world.product("POST", "/v1/verifications", body=ASK | {"number": number}),
            world.operation("POST", "/mobile/v1/bindings", body=a_binding(number=number)),
        ):
            assert_problem(response, 422, "number_invalid")
        if "/" not in number:
            assert_problem(world.product("GET", f"/v1/numbers/{number}"), 422, "number_invalid")


@pytest.mark.parametrize(
    "written", ["+7 705 754-68-68", "+7 (705) 754.68.68", " +77057546868 ", "+7\u00a0705\u2011754 6868"]
)
def test_a_number_is_read_as_people_write_it(world: World, written: str) -> None:
    shown = world.product("GET", f"/v1/numbers/{written.strip()}")
    assert shown.get_json()["number"] == NUMBER


@pytest.mark.both_engines
@pytest.mark.parametrize(
    ("call", "by", "body", "status", "code"),
    [
        ("POST /v1/verifications/{unarmed}/check", "live", CODE, 409, "not_armed"),
        ("POST /v1/verifications/{pending}/check", "live", {"code": "١٢٣٤"}, 422, "code_malformed"),
        ("POST /v1/verifications/{pending}/check", "live", {"code": "1234\n"}, 422, "code_malformed"),
        ("POST /v1/verifications/{pending}/resend", "live", None, 429, "resend_too_early"),
        ("POST /v1/verifications/{closed}/resend", "live", None, 409, "verification_closed"),
        ("GET /v1/offers/{used_offer}/qr.svg", "live", None, 404, "not_found"),
        ("GET /v1/offers/{expired_offer}/qr.png", "live", None, 404, "not_found"),
        ("DELETE /mobile/v1/binding", "unbound_phone", None, 409, "device_unbound"),
        ("GET /mobile/v1/deliveries/{delivery}", "unbound_phone", None, 404, "not_found"),
        ("GET /mobile/v1/deliveries/{foreign_delivery}", "phone", None, 404, "not_found"),
        ("GET /mobile/v1/feed", "nobody", None, 401, "bad_device_secret"),
        ("PUT /mobile/v1/device", "nobody", {"locale": "kk"}, 401, "bad_device_secret"),
        ("POST /mobile/v1/bindings", "nobody", a_binding(), 401, "bad_proof"),
        ("POST /mobile/v1/bindings", "nobody", {}, 401, "bad_proof"),
    ],
)
def test_a_right_request_at_a_wrong_moment_is_refused(
    world: World, call: str, by: str, body: Any, status: int, code: str
) -> None:
    method, path = call.split(" ")
    with world.unchanged():
        ask = partial(world.device, by=by) if "/mobile/" in path else world.product
        assert_problem(ask(method, path, body=body), status, code)


#: Every operation of a product, with a body it would take, and the scope it needs.
OPERATIONS: list[tuple[str, Any, str]] = [
    ("GET /v1/numbers/%2B77057546868", None, "numbers"),
    ("POST /v1/offers", {"number": NUMBER}, "offers"),
    ("GET /v1/offers/{pending_offer}", None, "offers"),
    ("GET /v1/offers/{pending_offer}/qr.svg", None, "offers"),
    ("GET /v1/offers/{pending_offer}/qr.png", None, "offers"),
    ("DELETE /v1/offers/{pending_offer}", None, "offers"),
    ("POST /v1/verifications", ASK, "verifications"),
    ("GET /v1/verifications/{pending}", None, "verifications"),
    ("POST /v1/verifications/{pending}/check", CODE, "verifications"),
    ("POST /v1/verifications/{pending}/resend", None, "verifications"),
    ("POST /v1/verifications/{pending}/cancel", None, "verifications"),
    ("POST /v1/notifications", NOTIFY, "notifications"),
    ("GET /v1/notifications/{scheduled}", None, "notifications"),
    ("POST /v1/notifications/{scheduled}/cancel", None, "notifications"),
    ("GET /v1/events", None, "events"),
    ("GET /v1/webhooks", None, "webhooks"),
    ("POST /v1/webhooks", {"url": HOOK}, "webhooks"),
    ("GET /v1/webhooks/{webhook}", None, "webhooks"),
    ("PATCH /v1/webhooks/{webhook}", {"enabled": False}, "webhooks"),
    ("DELETE /v1/webhooks/{webhook}", None, "webhooks"),
    ("POST /v1/webhooks/{webhook}/rotate", None, "webhooks"),
    ("POST /v1/webhooks/{webhook}/test", None, "webhooks"),
    ("GET /v1/webhooks/{webhook}/deliveries", None, "webhooks"),
]


@pytest.mark.parametrize(("call", "body", "scope"), OPERATIONS)
def test_a_key_may_do_only_what_its_scopes_name(world: World, call: str, body: Any, scope: str) -> None:
    narrow = "numbers only" if scope == "offers" else "offers only"
    with world.unchanged():
        response = world.product(*call.split(" "), key=narrow, body=body)
        assert assert_problem(response, 403, "missing_scope")["scope"] == scope


@pytest.mark.parametrize("key", [None, "revoked", "", "phk_live_", f"phk_live_{'A' * 43}", f"phk_live_{LONG}", "a\xff"])
@pytest.mark.parametrize(("call", "body"), [row[:2] for row in OPERATIONS])
def test_a_key_that_is_not_valid_opens_nothing(world: World, call: str, body: Any, key: str | None) -> None:
    with world.unchanged():
        response = world.product(*call.split(" "), key=key, body=body)
        assert_problem(response, 401, "bad_api_key")
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("call", "body"), [row[:2] for row in OPERATIONS if "{" in row[0]])
@pytest.mark.parametrize("key", ["test", "another product's"])
def test_what_one_key_made_does_not_exist_for_another_product_nor_for_the_test_key(
    world: World, call: str, body: Any, key: str
) -> None:
    with world.unchanged():
        response = world.product(*call.split(" "), key=key, body=body)
        assert_problem(response, 404, "not_found")


@pytest.mark.parametrize(("call", "body"), [row[:2] for row in OPERATIONS if "{" in row[0]])
@pytest.mark.parametrize("what", ["another kind of thing", "capitals", "nothing"])
def test_an_id_that_is_nearly_right_names_nothing(world: World, call: str, body: Any, what: str) -> None:
    right = call.partition("{")[2].partition("}")[0]
    prefix = {
        "pending_offer": Prefix.OFFER,
        "pending": Prefix.VERIFICATION,
        "scheduled": Prefix.NOTIFICATION,
        "webhook": Prefix.WEBHOOK,
    }[right]
    name = {
        "another kind of thing": public_id(Prefix.BINDING, parse_id(prefix, world.ids[right])),
        "capitals": world.ids[right].upper(),
        "nothing": public_id(prefix, new_key()),
    }[what]
    with world.unchanged():
        response = world.product(*call.replace(f"{{{right}}}", name).split(" "), body=body or CODE)
        assert_problem(response, 404, "not_found")


NUMBERS = {"expired": "+77054440001", "used": "+77054440002", "cancelled": "+77054440003", "pending": "+77054440004"}


@pytest.mark.both_engines
@pytest.mark.parametrize("end", ["used", "expired", "cancelled"])
def test_an_offer_that_has_ended_is_answered_like_one_that_never_was(world: World, end: str) -> None:
    stranger = "https://codes.test/app/bind/v1#" + "A" * 22
    bodies = [
        a_binding(number=NUMBERS[end], password=world.passwords[end]),
        a_binding(number=None, password=None, qr=world.links[end]),
        a_binding(number=NUMBERS[end], password=a_password()),
        a_binding(number=None, password=None, qr=stranger),
        a_binding(),
    ]
    with world.unchanged():
        answers = [world.operation("POST", "/mobile/v1/bindings", body=body) for body in bodies]
    for answer in answers:
        assert_problem(answer, 422, "offer_not_accepted")
    assert len({answer.get_data() for answer in answers}) == 1


@pytest.mark.both_engines
def test_a_slip_in_the_password_costs_no_try_and_a_wrong_password_does(world: World) -> None:
    offer_id, password = parse_id(Prefix.OFFER, world.ids["pending_offer"]), world.passwords["pending"]

    def tries() -> tuple[int, int]:
        with world.app.app_context(), reading() as session:
            return session.get_one(Offer, offer_id).tries, session.query(LimitCounter).count()

    def typed(text: str) -> Any:
        body = a_binding(number=NUMBERS["pending"], password=text)
        return world.operation("POST", "/mobile/v1/bindings", body=body)

    before = tries()
    for place in range(12):
        one_wrong = password[:place] + str((int(password[place]) + 1) % 10) + password[place + 1 :]
        assert_problem(typed(one_wrong), 422, "password_mistyped")
        swapped = password[:place] + password[place : place + 2][::-1] + password[place + 2 :]
        if swapped != password:
            assert_problem(typed(swapped), 422, "password_mistyped")
    assert tries() == before
    assert_problem(typed(a_password("9876543210")), 422, "offer_not_accepted")
    assert tries()[0] == before[0] + 1


@pytest.mark.both_engines
def test_a_stale_or_replayed_proof_is_refused(world: World) -> None:
    phone, url = world.phone, f"{SERVER}/mobile/v1/binding"
    stale = phone.key.proof("GET", url, lambda: world.now().timestamp() - 61, phone.secret)
    once = phone.key.proof("GET", url, lambda: world.now().timestamp(), phone.secret)
    assert world.device("GET", "/mobile/v1/binding", headers={"DPoP": once}).status_code == 200
    with world.unchanged():
        for proof in (stale, once):
            response = world.device("GET", "/mobile/v1/binding", headers={"DPoP": proof})
            assert assert_problem(response, 401, "bad_proof")["server_time"]


@pytest.mark.both_engines
@pytest.mark.parametrize(
    "claims",
    [
        {"htu": [f"{SERVER}/mobile/v1/binding"]},
        {"htu": None},
        {"htm": {"GET": 1}},
        {"iat": 10**400},
        {"iat": -(10**400)},
        {"iat": 1e300},
        {"iat": True},
        {"jti": "\ud800" * 8},
        {"jti": "\0" * 8},
        {"jti": ["0123456789"]},
        {"jti": "x" * 256},
        {"ath": "\ud800"},
        {"ath": {"a": []}},
        {"ath": None},
    ],
    ids=lambda claims: ascii(claims)[:40],
)
def test_a_well_signed_proof_with_strange_claims_is_refused(world: World, claims: dict[str, Any]) -> None:
    with world.unchanged():
        response = world.device("GET", "/mobile/v1/binding", headers={"DPoP": world.proof_with(claims)})
        assert_problem(response, 401, "bad_proof")


@pytest.mark.both_engines
def test_a_used_idempotency_key_is_not_taken_for_another_request(world: World) -> None:
    first = {"headers": {"Idempotency-Key": "one"}, "body": {"number": "+77054440006"}}
    assert world.product("POST", "/v1/offers", **first).status_code == 201
    with world.unchanged():
        again = world.product("POST", "/v1/offers", **first)
        assert again.status_code == 201
        assert again.headers["Idempotent-Replayed"] == "true"
        changed = {"/v1/offers": {"number": NUMBER}, "/v1/verifications": ASK, "/v1/notifications": NOTIFY}
        for path, body in changed.items():
            response = world.product("POST", path, headers={"Idempotency-Key": "one"}, body=body)
            assert_problem(response, 422, "idempotency_key_reused")


def test_every_address_refuses_the_methods_it_does_not_take_and_names_the_others(world: World) -> None:
    allowed: dict[str, set[str]] = {}
    for rule in world.app.url_map.iter_rules():
        allowed.setdefault(rule.rule, set()).update(rule.methods or ())
    for rule, methods in allowed.items():
        path = rule.replace("<path:", "").replace("<", "").replace(">", "")
        for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - methods):
            response = world.product(method, path)
            assert_problem(response, 405, "method_not_allowed")
            assert set(response.headers["Allow"].split(", ")) == methods, (method, path)


@pytest.mark.parametrize(
    "call",
    [
        "GET /v1/numbers/%2B77057546868",
        "GET /v1/offers/{pending_offer}",
        "GET /mobile/v1/feed",
        "GET /mobile/v1/config",
    ],
)
def test_an_unknown_query_parameter_is_ignored(world: World, call: str) -> None:
    method, path = call.split(" ")
    assert world.operation(method, f"{path}?admin=1&%00=%ff&a=1&a=2&{LONG}").status_code == 200


@pytest.mark.both_engines
@pytest.mark.parametrize(
    ("call", "body", "table"),
    [
        ("POST /v1/offers", {"number": "+77054440007"}, "offers"),
        ("PATCH /v1/webhooks/{webhook}", {"enabled": False}, "webhooks"),
        ("DELETE /v1/webhooks/{webhook}", None, "webhooks"),
    ],
    ids=["one row more", "one value changed", "one row less"],
)
def test_the_comparison_of_all_tables_names_the_one_that_has_changed(
    world: World, call: str, body: Any, table: str
) -> None:
    with pytest.raises(AssertionError, match=f"written into .*{table}"), world.unchanged():
        assert world.product(*call.split(" "), body=body).status_code < 300


@pytest.mark.both_engines
def test_the_comparison_of_all_tables_overlooks_tries_alone(world: World) -> None:
    wrong = a_binding(number=NUMBERS["pending"], password=a_password("9876543210"))
    before = contents(world.app)
    with world.unchanged():
        assert_problem(world.operation("POST", "/mobile/v1/bindings", body=wrong), 422, "offer_not_accepted")
    with pytest.raises(AssertionError, match=r"written into offers$"):
        assert_same(before, contents(world.app))
