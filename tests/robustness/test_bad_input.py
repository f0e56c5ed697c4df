"""Whatever is sent, the answer is a problem document with a stable code, and nothing is half written.

What could reach a statement runs on both engines: PostgreSQL refuses texts, numbers and times that SQLite takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from pushhub.binding import consent
from tests.robustness.contents import assert_same, contents
from tests.robustness.world import LONG, World
from tests.support.actors import NUMBER, OTHER_NUMBER, assert_problem
from tests.support.bodies import ASK, DEVICE, NOTIFY

Send = Callable[..., TestResponse]

BIND = {"number": OTHER_NUMBER, "password": "000000000000", "device": DEVICE, "consent_version": consent.VERSION}
RECEIPT = {"delivery_id": "{delivery}", "event": "seen", "at": "2026-11-21T09:00:00Z"}

#: Every operation that takes a body, with one that is right in form.
WITH_BODY: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/offers", {"number": OTHER_NUMBER}),
    ("POST", "/v1/verifications", ASK | {"purpose": "confirm"}),
    ("POST", "/v1/verifications/{pending}/check", {"code": "0000"}),
    ("POST", "/v1/notifications", NOTIFY),
    ("POST", "/v1/webhooks", {"url": "https://8.8.8.8/hook"}),
    ("PATCH", "/v1/webhooks/{webhook}", {"url": "https://8.8.8.8/hook"}),
    ("POST", "/mobile/v1/bindings", BIND),
    ("PUT", "/mobile/v1/device", {"locale": "kk"}),
    ("POST", "/mobile/v1/receipts", {"receipts": [RECEIPT]}),
]


@pytest.fixture
def send(world: World) -> Send:
    """Send a request with the credentials that its address asks for, and see that nothing was written."""

    def send_it(
        method: str, path: str, body: Any = None, *, raw: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        if body is not None:
            raw = json.dumps(body).replace("{delivery}", world.ids["delivery"]).encode()
        before = contents(world.app)
        response = world.operation(method, path, raw=raw, headers=headers)
        assert_same(before, contents(world.app))
        return response

    return send_it


def with_text(body: dict[str, Any], text: str) -> bytes:
    """The body with `text` (JSON as it stands) in its last field."""
    *_, last = body
    return json.dumps(body | {last: "<here>"}).replace('"<here>"', text).encode()


BODIES: dict[str, tuple[Callable[[dict[str, Any]], bytes], int, str]] = {
    "cut short": (lambda body: json.dumps(body).encode()[:-1], 400, "malformed_body"),
    "no JSON at all": (lambda body: b"number=1", 400, "malformed_body"),
    "an array": (lambda body: json.dumps([body]).encode(), 400, "malformed_body"),
    "a text": (lambda body: b'"text"', 400, "malformed_body"),
    "a number": (lambda body: b"4", 400, "malformed_body"),
    "null": (lambda body: b"null", 400, "malformed_body"),
    "true": (lambda body: b"true", 400, "malformed_body"),
    "nested arrays": (lambda body: with_text(body, "[" * 9000 + "]" * 9000), 400, "malformed_body"),
    "nested objects": (lambda body: with_text(body, '{"a":' * 9000 + "1" + "}" * 9000), 400, "malformed_body"),
    "an escaped NUL": (lambda body: with_text(body, r'"a\u0000b"'), 400, "malformed_body"),
    "a bare NUL": (lambda body: with_text(body, '"a\0b"'), 400, "malformed_body"),
    "half a surrogate pair": (lambda body: with_text(body, r'"a\ud800b"'), 400, "malformed_body"),
    "half a pair in a name": (lambda body: json.dumps(body | {"\ud800": 1}).encode(), 400, "malformed_body"),
    "a NUL in a name": (lambda body: json.dumps(body | {"a\0": 1}).encode(), 400, "malformed_body"),
    "NaN": (lambda body: with_text(body, "NaN"), 400, "malformed_body"),
    "a repeated name": (lambda body: json.dumps(body).encode()[:-1] + b', "x": 1, "x": 2}', 400, "malformed_body"),
    "not UTF-8": (lambda body: json.dumps(body).encode()[:-1] + b', "x": "\xff\xfe"}', 400, "malformed_body"),
    "UTF-16": (lambda body: json.dumps(body).encode("utf-16"), 400, "malformed_body"),
    "a number of 5000 digits": (lambda body: with_text(body, "9" * 5000), 400, "malformed_body"),
    "a big number": (lambda body: with_text(body, "9" * 400), 422, "invalid_request"),
    "an endless fraction": (lambda body: with_text(body, "1e999"), 422, "invalid_request"),
    "an object for a text": (lambda body: with_text(body, '{"a": 1}'), 422, "invalid_request"),
    "null for a text": (lambda body: with_text(body, "null"), 422, "invalid_request"),
    "4096 bytes for a text": (lambda body: with_text(body, f'"{LONG}"'), 422, "invalid_request"),
    "an unknown field": (lambda body: json.dumps(body | {"surprise": 1}).encode(), 422, "invalid_request"),
    "more than 512 KiB": (lambda body: json.dumps(body | {"x": "x" * 524288}).encode(), 413, "body_too_large"),
}


@pytest.mark.both_engines
def test_a_body_that_is_not_right_is_refused(send: Send, subtests: pytest.Subtests) -> None:
    for what, (make, status, code) in BODIES.items():
        for method, path, body in WITH_BODY:
            with subtests.test(what, path=path):
                assert_problem(send(method, path, raw=make(body)), status, code)


def test_a_body_of_more_than_64_kib_is_for_lists_of_numbers_alone(send: Send, subtests: pytest.Subtests) -> None:
    for method, path, body in WITH_BODY:
        with subtests.test(path):
            refusal = (422, "invalid_request") if path == "/v1/notifications" else (413, "body_too_large")
            assert_problem(send(method, path, raw=json.dumps(body | {"x": "x" * 65536}).encode()), *refusal)


def test_a_body_that_is_not_called_json_is_refused(send: Send, subtests: pytest.Subtests) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", ""):
        for method, path, body in WITH_BODY:
            with subtests.test(media_type, path=path):
                refused = send(method, path, body, headers={"Content-Type": media_type})
                assert_problem(refused, 415, "unsupported_media_type")


def test_a_missing_body_is_refused_with_the_fields_that_it_lacks(send: Send) -> None:
    for method, path, _ in WITH_BODY:
        if path in ("/mobile/v1/device", "/v1/webhooks/{webhook}"):
            continue  # every field of it may be left out
        problem = assert_problem(send(method, path), 422, "invalid_request")
        assert problem["errors"], path
        assert assert_problem(send(method, path, {}), 422, "invalid_request")["errors"] == problem["errors"]


def test_the_errors_name_each_field_and_repeat_no_value(send: Send) -> None:
    refused = send("POST", "/v1/offers", {"number": 77057546868, "locale": "tlh", "assurance": "sure", "extra": NUMBER})
    problem = assert_problem(refused, 422, "invalid_request")
    assert set(problem["errors"]) == {"number", "locale", "assurance", "extra"}
    assert "7057546868" not in refused.get_data(as_text=True)


#: (what, method and address, body, status, code)
Case = tuple[str, str, Any, int, str]


def offers(what: str, body: dict[str, Any], code: str, status: int = 422) -> Case:
    return f"offer: {what}", "POST /v1/offers", {"number": OTHER_NUMBER} | body, status, code


def asks(what: str, body: dict[str, Any], code: str, status: int = 422) -> Case:
    return f"ask: {what}", "POST /v1/verifications", ASK | {"purpose": "confirm"} | body, status, code


def notifies(what: str, body: dict[str, Any], code: str) -> Case:
    return f"notify: {what}", "POST /v1/notifications", NOTIFY | body, 422, code


def checks(what: str, code_typed: Any, code: str) -> Case:
    return f"check: {what}", "POST /v1/verifications/{pending}/check", {"code": code_typed}, 422, code


def binds(what: str, body: dict[str, Any], code: str, status: int = 422) -> Case:
    return f"bind: {what}", "POST /mobile/v1/bindings", BIND | body, status, code


def device(what: str, changes: dict[str, Any]) -> Case:
    return f"bind: {what}", "POST /mobile/v1/bindings", BIND | {"device": DEVICE | changes}, 422, "invalid_request"


def updates(what: str, body: dict[str, Any]) -> Case:
    return f"device: {what}", "PUT /mobile/v1/device", body, 422, "invalid_request"


def receipts(what: str, receipts_sent: Any, code: str = "invalid_request", status: int = 422) -> Case:
    return f"receipts: {what}", "POST /mobile/v1/receipts", {"receipts": receipts_sent}, status, code


def gets(what: str, path: str, code: str, status: int) -> Case:
    return f"get: {what}", f"GET {path}", None, status, code


NOT_MINE = {"delivery_id": "dlv_01h455vb4pex5vsknk084sn02q"}
WRONG: list[Case] = [
    offers("words for a number", {"number": "call me"}, "number_invalid"),
    offers("too short a number", {"number": "+77"}, "number_invalid"),
    offers("a number without its country", {"number": "87057546868"}, "number_invalid"),
    offers("a number with an extension", {"number": "+77057546868;ext=5"}, "number_invalid"),
    offers("a number of no country", {"number": "+99912345678"}, "number_invalid"),
    offers("a number of another country", {"number": "+12025550123"}, "number_country_not_allowed"),
    offers("a Russian number, same country code", {"number": "+79161234567"}, "number_country_not_allowed"),
    offers("an empty number", {"number": ""}, "invalid_request"),
    offers("digits of another script", {"number": "+٧٧٠٥"}, "number_invalid"),
    offers("an unknown language", {"locale": "tlh"}, "invalid_request"),
    offers("an unknown assurance", {"assurance": "trust_me"}, "invalid_request"),
    asks("words for a number", {"number": "call me"}, "number_invalid"),
    asks("a number of another country", {"number": "+12025550123"}, "number_country_not_allowed"),
    asks("an unknown purpose", {"purpose": "fun"}, "unknown_purpose"),
    asks("a long purpose", {"purpose": LONG}, "invalid_request"),
    asks("no channel", {"channels": []}, "invalid_request"),
    asks("an unknown channel", {"channels": ["pigeon"]}, "invalid_request"),
    asks("an address that is none", {"client": {"ip": "300.1.1.1"}}, "invalid_request"),
    asks("a long user agent", {"client": {"user_agent": LONG}}, "invalid_request"),
    asks("an unknown field inside", {"client": {"surprise": 1}}, "invalid_request"),
    asks("a number that nobody bound", {"number": OTHER_NUMBER}, "number_unreachable", 409),
    notifies("words for a number", {"to": "call me"}, "number_invalid"),
    notifies("a number of another country in a list", {"to": [NUMBER, "+12025550123"]}, "number_country_not_allowed"),
    notifies("nobody", {"to": []}, "invalid_request"),
    notifies("10,001 numbers", {"to": [NUMBER] * 10_001}, "invalid_request"),
    notifies("more than a push holds", {"title": "я" * 200, "body": "я" * 1_800}, "notification_too_large"),
    notifies("a name of the service's own", {"data": {"delivery_id": "x"}}, "invalid_request"),
    notifies("an unknown language", {"texts": {"tlh": {"title": "x", "body": "x"}}}, "invalid_request"),
    notifies("a life of five weeks", {"ttl": 3_024_000}, "invalid_request"),
    notifies("a time that has passed", {"send_at": "2026-11-20T09:00:00Z"}, "invalid_request"),
    notifies("a time in two months", {"send_at": "2027-01-21T09:00:00Z"}, "invalid_request"),
    checks("letters", "12a4", "code_malformed"),
    checks("too short", "123", "code_malformed"),
    checks("a sign", "-123", "code_malformed"),
    checks("a number, no text", 1234, "invalid_request"),
    checks("empty", "", "invalid_request"),
    binds("words for a number", {"number": "call me"}, "number_invalid"),
    binds("a slip in the password", {"password": "703610887202"}, "password_mistyped"),
    binds("letters in the password", {"password": "70361088720x"}, "password_mistyped"),
    binds("a short password", {"password": "7036"}, "password_mistyped"),
    binds("an old consent", {"consent_version": "0"}, "consent_outdated", 409),
    binds("password and QR", {"qr": "https://codes.test/app/bind/v1#x"}, "invalid_request"),
    device("an unknown platform", {"platform": "symbian"}),
    device("no language tag", {"locale": "по-русски"}),
    device("a short installation id", {"installation_id": "1"}),
    device("a long hardware id", {"hardware_id": LONG}),
    device("a long model", {"model": LONG}),
    device("an empty version", {"app_version": ""}),
    device("an unknown push kind", {"push_target": {"kind": "pigeon", "value": "12345678"}}),
    device("a push target of 4097 characters", {"push_target": {"kind": "apns", "value": LONG + "x"}}),
    device("a push target of spaces", {"push_target": {"kind": "apns", "value": " " * 20}}),
    device("a push target without a value", {"push_target": {"kind": "fcm_token"}}),
    device("an unknown environment", {"push_target": {"kind": "apns", "value": "1" * 64, "environment": "moon"}}),
    updates("no push target", {"push_target": None}),
    updates("perhaps", {"notifications_allowed": "perhaps"}),
    updates("a list for a version", {"app_version": ["1.0.0"]}),
    receipts("none", []),
    receipts("101", [RECEIPT] * 101),
    receipts("no list", RECEIPT),
    receipts("an unknown event", [RECEIPT | {"event": "eaten"}]),
    receipts("a time without a zone", [RECEIPT | {"at": "2026-11-21T09:00:00"}]),
    receipts("a time that never is", [RECEIPT | {"at": "10000-01-01T00:00:00Z"}]),
    receipts("somebody else's after my own", [RECEIPT, RECEIPT | NOT_MINE], "not_found", 404),
    receipts("an id of nothing", [RECEIPT | {"delivery_id": "dlv_%"}], "not_found", 404),
    gets("words for a number", "/v1/numbers/call-me", "number_invalid", 422),
    gets("a long number", f"/v1/numbers/{LONG}", "number_invalid", 422),
    gets("a number with a NUL", "/v1/numbers/+7705%00", "number_invalid", 422),
    gets("a number that is not UTF-8", "/v1/numbers/%ff%fe", "number_invalid", 422),
    gets("a page after nothing", "/mobile/v1/feed?after=nothing", "not_found", 404),
    gets("a page after a NUL", "/mobile/v1/feed?after=%00", "not_found", 404),
    gets("a page after 4096 letters", f"/mobile/v1/feed?after={LONG}", "invalid_request", 422),
    gets("no such address", "/v1/nothing", "not_found", 404),
    gets("no such address of the app", "/mobile/v1/nothing", "not_found", 404),
    gets("an address that climbs", "/docs/ui/..%2f..%2fpyproject.toml", "not_found", 404),
    gets("a slash too many", "/v1/offers/{pending_offer}/", "not_found", 404),
]


@pytest.mark.both_engines
def test_a_wrong_request_is_refused(send: Send, subtests: pytest.Subtests) -> None:
    for what, request_line, body, status, code in WRONG:
        with subtests.test(what):
            method, _, path = request_line.partition(" ")
            assert_problem(send(method, path, body), status, code)


@pytest.mark.both_engines
def test_a_qr_code_of_somebody_else_is_refused(send: Send) -> None:
    typed = {name: value for name, value in BIND.items() if name not in ("number", "password")}
    for link in ("http://codes.test/app/bind/v1#" + "x" * 22, "hello", "https://codes.test/app/bind", "#" * 22):
        assert_problem(send("POST", "/mobile/v1/bindings", typed | {"qr": link}), 422, "qr_not_understood")
    assert_problem(send("POST", "/mobile/v1/bindings", typed | {"qr": LONG}), 422, "invalid_request")
    assert_problem(send("POST", "/mobile/v1/bindings", typed), 422, "invalid_request")


#: `???` stands for the right prefix.
IDS = [
    "???",
    "???_",
    "???_1",
    "???_" + "0" * 25,
    "???_8" + "0" * 25,
    "???_" + "u" * 26,
    "???_0" + "A" * 25,
    "???_0" + "٠" * 25,
    "???_01h455vb4pex5vsknk084sn02q",
    "%00",
    "???_%ff",
    "'; DROP TABLE offers; --",
    "x" * 2048,
]


@pytest.mark.both_engines
def test_an_id_of_nothing_is_not_found(send: Send, subtests: pytest.Subtests) -> None:
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/v1/verifications/{id}", None),
        ("POST", "/v1/verifications/{id}/check", {"code": "1234"}),
        ("POST", "/v1/verifications/{id}/resend", None),
        ("POST", "/v1/verifications/{id}/cancel", None),
        ("GET", "/v1/offers/{id}", None),
        ("GET", "/v1/offers/{id}/qr.svg", None),
        ("GET", "/v1/offers/{id}/qr.png", None),
        ("DELETE", "/v1/offers/{id}", None),
        ("GET", "/v1/notifications/{id}", None),
        ("POST", "/v1/notifications/{id}/cancel", None),
        ("GET", "/mobile/v1/deliveries/{id}", None),
    ]
    prefixes = {"v1/ver": "ver", "v1/off": "off", "v1/not": "ntf", "mobile": "dlv"}
    for method, path, body in requests:
        prefix = next(prefix for start, prefix in prefixes.items() if path.startswith(f"/{start}"))
        for name in IDS:
            with subtests.test(name[:40], path=path):
                address = path.replace("{id}", name.replace("???", prefix))
                assert_problem(send(method, address, body), 404, "not_found")


def test_another_kinds_or_products_id_is_not_found(send: Send, subtests: pytest.Subtests) -> None:
    for path in (
        "/v1/offers/{pending}",
        "/v1/offers/{foreign_offer}",
        "/v1/offers/{foreign_offer}/qr.svg",
        "/v1/verifications/{pending_offer}",
        "/v1/notifications/{pending}",
        "/v1/offers/{scheduled}",
        "/v1/verifications/{delivery}",
        "/mobile/v1/deliveries/{pending}",
    ):
        with subtests.test(path):
            assert_problem(send("GET", path), 404, "not_found")
    assert_problem(send("DELETE", "/v1/offers/{foreign_offer}"), 404, "not_found")


def test_a_wrong_method_is_told_the_right_ones(send: Send, subtests: pytest.Subtests) -> None:
    for method, path, allowed in (
        ("GET", "/v1/offers", {"POST"}),
        ("PUT", "/v1/verifications", {"POST"}),
        ("GET", "/v1/notifications", {"POST"}),
        ("PATCH", "/v1/offers/{pending_offer}", {"DELETE", "GET"}),
        ("DELETE", "/v1/verifications/{pending}", {"GET"}),
        ("POST", "/mobile/v1/binding", {"DELETE", "GET"}),
        ("BREW", "/mobile/v1/feed", {"GET"}),
        ("POST", "/healthz", {"GET"}),
    ):
        with subtests.test(method, path=path):
            refused = send(method, path)
            assert_problem(refused, 405, "method_not_allowed")
            assert set(refused.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == allowed


@pytest.mark.both_engines
def test_an_idempotency_key_that_can_not_be_used_is_refused(send: Send, subtests: pytest.Subtests) -> None:
    for key in ("", "x" * 256, "two words", "\xd0\xba", "a\tb", LONG):
        taken = {"/v1/offers": {"number": OTHER_NUMBER}, "/v1/verifications": ASK, "/v1/notifications": NOTIFY}
        for path, body in taken.items():
            with subtests.test(key[:20], path=path):
                refused = send("POST", path, body, headers={"Idempotency-Key": key})
                assert_problem(refused, 400, "idempotency_key_malformed")


@pytest.mark.both_engines
def test_credentials_that_can_not_be_any_are_refused(send: Send, subtests: pytest.Subtests) -> None:
    for secret in (LONG, f"phk_live_{LONG}", f"phd_{LONG}", "\xff\xfe", "phk_live_\xff", "phd_\xff", "\x80", " "):
        with subtests.test(secret[:20]):
            key = send("GET", "/v1/numbers/x", headers={"Authorization": f"Bearer {secret}"})
            assert_problem(key, 401, "bad_api_key")
            device = send("GET", "/mobile/v1/feed", headers={"Authorization": f"DPoP {secret}"})
            assert device.status_code == 401
            assert device.get_json(force=True)["code"] in ("bad_proof", "bad_device_secret")
