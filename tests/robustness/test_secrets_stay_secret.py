"""No secret, code, password, push target or full number in a log, an error, a metric, or in clear in the database.

The whole story is told with secrets that can be recognised; then everything that came out is searched for them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask, Response, request
from sqlalchemy.exc import IntegrityError

from pushhub.binding.bind import Bound, PasswordShown, QrScanned
from pushhub.binding.offer_lookup import Presented
from pushhub.binding.offers import ShownOffer
from pushhub.channels.contract import ChannelDown, Message, Outcome, PushKind, PushTarget, Rejected, Retry, TargetDead
from pushhub.channels.recording import RecordingChannel
from pushhub.devices.devices import DeviceDescription
from pushhub.devices.models import Binding, Device, Offer, OfferStatus
from pushhub.feed.receipts import FeedItem, Opened
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import transaction
from pushhub.kernel.logs import JsonFormatter, redact
from pushhub.kernel.settings import Settings
from pushhub.products.models import Product
from pushhub.products.products import NewKey, NewProduct
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, refusal
from tests.support.applications import MakeApp
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch
from tests.support.logs import everything_in
from tests.support.rows import stored_rows
from tests.support.statements import before_each

TARGET = "recognisable-push-target-0123456789"
NEW_TARGET = "recognisable-push-target-9876543210"
HARDWARE = "recognisable-hardware-id-0123456789"
#: Kept because the service needs them to do its work: the number that is bound and where its pushes go.
NEEDED = {"number", "digits", "national", "target", "new target"}


@dataclass
class Told:
    """What the story had to hide, and everything that came out of it."""

    secrets: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def hide(self, **secrets: str) -> None:
        self.secrets |= secrets

    def found_in(self, text: str) -> set[str]:
        return {name for name, secret in self.secrets.items() if secret in text}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, log_level="DEBUG")


@pytest.fixture
def app(make_app: MakeApp, now: FakeClock) -> Flask:
    return make_app(own=True)


@pytest.fixture
def told(app: Flask) -> Told:
    told = Told()

    def keep_errors(response: Response) -> Response:
        if response.status_code >= 400:
            told.errors.append(f"{request.path}\n{response.headers}\n{response.get_data(as_text=True)}")
        return response

    app.after_request(keep_errors)
    return told


@pytest.fixture
def shop(make_shop: MakeShop) -> Shop:
    return make_shop(code_digits=8)  # eight digits are in no other number by accident


@pytest.fixture
def phone(make_phone: MakePhone) -> Phone:
    return make_phone(push_target={"kind": "fcm_token", "value": TARGET}, hardware_id=HARDWARE)


def bind_with_slips(told: Told, shop: Shop, phone: Phone) -> None:
    """Bind after everything that can go wrong at it."""
    first = shop.offer()
    shop.call("POST", "/v1/offers", {"number": f"{NUMBER}0", "assurance": "signed_in"})
    shop.call("POST", "/v1/offers", {"number": [NUMBER], "locale": NUMBER, "extra": NUMBER})
    shop.call("GET", f"/v1/numbers/{NUMBER}")
    shop.call("GET", f"/v1/numbers/{quote(NUMBER)}", key=f"{shop.key}x")
    shop.call("GET", f"/v1/numbers/{NUMBER}/nothing")
    shop.call("PUT", f"/v1/numbers/{NUMBER}")
    shop.call("POST", "/v1/verifications", {"number": NUMBER, "purpose": "sign_in"})
    offer = shop.offer()
    for suffix in ("", "/qr.svg", "/qr.png"):
        shop.call("GET", f"/v1/offers/{offer['id']}{suffix}")
        shop.call("GET", f"/v1/offers/{offer['id']}{suffix}", key=shop.test_key)
    qr_secret, first_qr = (urlsplit(entry["qr"]["link"]).fragment for entry in (offer, first))
    told.hide(password=offer["password"], qr_secret=qr_secret, old_password=first["password"], old_qr=first_qr)
    slip = offer["password"][:-1] + str((int(offer["password"][-1]) + 1) % 10)
    for password in (slip, first["password"]):
        refusal(lambda password=password: phone.bind(number=NUMBER, password=password))
    refusal(lambda: phone.bind(qr=first["qr"]["link"]))
    refusal(lambda: phone.bind(number=NUMBER, password=offer["qr"]["link"]))
    phone.bind(number=NUMBER, password=offer["password"])
    refusal(lambda: phone.bind(qr=offer["qr"]["link"]))
    told.hide(device_secret=str(phone.secret))


def check_a_code(told: Told, shop: Shop, phone: Phone, now: FakeClock) -> None:
    """Ask, open, mistype, resend, approve."""
    asked = shop.ask()
    path = f"/v1/verifications/{asked['id']}"
    shop.call("POST", f"{path}/check", {"code": "00000000"})
    code = phone.read_code()
    told.hide(code=code)
    shop.call("POST", f"{path}/check", {"code": f"{code}x"})
    shop.call("POST", f"{path}/check", {"code": int(code)})
    shop.call("POST", f"{path}/check", {"code": code, "extra": code})
    shop.call("POST", f"{path}/check", {"code": f"{code[1:]}{(int(code[0]) + 1) % 10}"})
    now.forward(seconds=61)
    shop.call("POST", f"{path}/resend")
    shop.call("GET", path)
    assert shop.check(asked, code)["valid"]
    shop.call("POST", f"{path}/check", {"code": code})
    shop.call("POST", f"{path}/cancel")


def show_a_panel(told: Told, shop: Shop, phone: Phone) -> None:
    """A page of the product, with its slips."""
    panel = shop.call("POST", "/v1/panels", {"number": NUMBER, "purpose": "confirm"}).get_json()
    secret = panel["secret"]
    told.hide(panel_secret=secret, panel_digits=secret[4:])
    shop.call("POST", "/v1/panels", {"number": f"{NUMBER}0", "purpose": NUMBER, "origin": NUMBER})
    offer = shop.call("POST", "/panel/v1/offer", key=secret).get_json()["offer"]
    told.hide(panel_password=offer["password"], panel_qr=urlsplit(offer["link"]).fragment)
    shop.call("GET", "/panel/v1/state", key=f"{secret}x")
    shop.call("GET", "/v1/events", key=secret)
    shop.call("POST", "/panel/v1/send", key=secret)
    code = phone.read_code()
    told.hide(panel_code=code)
    for typed in (code[::-1], f"{code}x", code):
        shop.call("POST", "/panel/v1/check", {"code": typed}, secret)
    shop.call("POST", "/panel/v1/resend", key=secret)
    shop.call("DELETE", f"/v1/panels/{panel['id']}")
    shop.call("GET", "/panel/v1/state", key=secret)


def use_the_phone(phone: Phone) -> None:
    """What an app reports, right and wrong."""
    at = "2026-11-21T09:00:00Z"
    seen = [{"delivery_id": item["delivery_id"], "event": "seen", "at": at} for item in phone.feed()]
    phone._signed("POST", "/mobile/v1/receipts", {"receipts": seen})
    phone._signed("POST", "/mobile/v1/receipts", {"receipts": [{"delivery_id": TARGET, "event": TARGET, "at": TARGET}]})
    phone.binding()
    phone.update(push_target={"kind": "fcm_token", "value": NEW_TARGET})
    refusal(lambda: phone.update(push_target={"kind": NEW_TARGET, "value": NEW_TARGET, "extra": NEW_TARGET}))
    refusal(lambda: phone.update(hardware_id=HARDWARE))
    secret, phone.secret = phone.secret, f"{phone.secret}x"
    refusal(phone.binding)
    phone.secret = secret


async def explode(message: Message) -> Outcome:
    """What a channel with a bug does, which the lane has to survive."""
    raise RuntimeError(f"can't send {message!r}")


def fail_to_deliver(
    shop: Shop, fcm: RecordingChannel, dispatch: Dispatch, now: FakeClock, patch: pytest.MonkeyPatch
) -> None:
    """A code for every way in which sending can fail."""
    for outcome in (Retry("UNAVAILABLE"), ChannelDown("credentials"), Rejected("INVALID_ARGUMENT"), None):
        asked = shop.ask()
        if outcome is not None:
            fcm.script(outcome)
            dispatch()
        else:
            with patch.context() as exploding:
                exploding.setattr(fcm, "send", explode)
                dispatch()
        shop.call("GET", f"/v1/verifications/{asked['id']}")
        shop.call("POST", f"/v1/verifications/{asked['id']}/cancel")
        now.forward(seconds=61)
    shop.ask()
    fcm.script(TargetDead("UNREGISTERED"))
    dispatch()
    shop.call("POST", "/v1/verifications", {"number": NUMBER, "purpose": "confirm"})


def break_a_view(app: Flask, shop: Shop) -> None:
    """A bug of ours, with secrets in the caller's hands and in the error's words."""

    def buggy(_: str) -> None:
        number = PhoneNumber.parse(NUMBER)
        raise RuntimeError(f"{number.e164} {number!r} {shop.key}")

    with before_each(app, "FROM bindings", buggy):
        assert shop.call("GET", f"/v1/numbers/{NUMBER}").status_code == 500


@pytest.fixture
def story(
    told: Told,
    app: Flask,
    shop: Shop,
    phone: Phone,
    now: FakeClock,
    fcm: RecordingChannel,
    dispatch: Dispatch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Told:
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    told.hide(key=shop.key, test_key=shop.test_key, hardware=HARDWARE, installation=phone.installation_id)
    told.hide(target=TARGET, number=NUMBER, digits=NUMBER[1:], national=NUMBER[2:])
    told.secrets["new target"] = NEW_TARGET
    bind_with_slips(told, shop, phone)
    check_a_code(told, shop, phone, now)
    show_a_panel(told, shop, phone)
    dispatch()
    use_the_phone(phone)
    fail_to_deliver(shop, fcm, dispatch, now, monkeypatch)
    break_a_view(app, shop)
    phone.unbind()
    refusal(phone.unbind)
    return told


def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [*caplog.get_records("setup"), *caplog.get_records("call")]


@pytest.mark.both_engines  # each driver has words of its own
def test_no_log_line_holds_a_secret(story: Told, caplog: pytest.LogCaptureFixture) -> None:
    lines = [JsonFormatter().format(record) for record in records(caplog)]
    assert {name for line in lines for name in story.found_in(line)} == set()
    # The search is worth something: it covers requests, a channel's bug and a view's bug, with their traces.
    assert len([line for line in lines if '"event": "request"' in line]) > 40
    assert any("can't send Message(" in line for line in lines)
    assert any('"event": "unhandled error"' in line and "in buggy" in line for line in lines)


@pytest.mark.both_engines  # each driver has words of its own
def test_nothing_secret_is_passed_to_a_logger_in_the_first_place(story: Told, caplog: pytest.LogCaptureFixture) -> None:
    for record in records(caplog):
        if record.getMessage() != "unhandled error":  # the words of that one are the test's own
            assert story.found_in(everything_in([record])) == set(), record.getMessage()


def test_no_error_holds_a_secret(story: Told) -> None:
    bodies = [error.partition("\n")[2] for error in story.errors]
    assert len(bodies) > 25
    assert {name for body in bodies for name in story.found_in(body)} == set()


def test_an_address_holds_no_secret_but_the_number_that_is_asked_for(story: Told) -> None:
    for error in story.errors:
        address = error.partition("\n")[0]
        found = story.found_in(address)
        assert not found or (address.startswith("/v1/numbers/") and found <= {"number", "digits", "national"})


def test_no_metric_holds_a_secret(story: Told, app: Flask) -> None:
    metrics = app.test_client().get("/metrics").get_data(as_text=True)
    assert story.found_in(metrics) == set()
    assert 'route="/v1/numbers/<number>"' in metrics


def test_no_row_holds_in_clear_what_need_not_be_known(story: Told, app: Flask) -> None:
    found = {(table, name) for table, row in stored_rows(app) for name in story.found_in(row)}
    assert {name for _, name in found} <= NEEDED
    keepers = {"offers", "bindings", "verifications", "deliveries", "devices", "panels"}
    assert {table for table, _ in found} <= keepers
    assert ("bindings", "number") in found  # the search finds what is there


def test_a_code_under_way_and_an_open_offer_are_sealed_in_the_database(
    told: Told, app: Flask, shop: Shop, bound: Phone
) -> None:
    offer = shop.offer(OTHER_NUMBER)
    shop.ask()
    code = bound.read_code()
    told.hide(code=code, password=offer["password"], qr=urlsplit(offer["qr"]["link"]).fragment, key=shop.key)
    told.hide(secret=str(bound.secret), hardware=HARDWARE, installation=bound.installation_id, test_key=shop.test_key)
    assert {name for _, row in stored_rows(app) for name in told.found_in(row)} == set()


@pytest.mark.both_engines  # each driver has words of its own
def test_a_row_that_the_database_refuses_is_not_logged(
    told: Told, bound: Phone, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL tells the whole failing row in its error."""
    told.hide(target=TARGET, number=NUMBER)

    def spoil() -> None:
        with transaction() as session:
            session.execute(sa.update(Device).values(model="two\nlines", os_version=None))

    app = make_app(own=True)
    app.add_url_rule("/spoil", view_func=spoil)
    assert app.test_client().get("/spoil").status_code == 500
    (bug,) = [record for record in caplog.records if record.getMessage() == "unhandled error"]
    assert isinstance(bug.exc_info and bug.exc_info[1], IntegrityError)
    line = JsonFormatter().format(bug)
    assert told.found_in(line) == set()
    assert "os_version" in line


def test_the_search_finds_a_secret_where_there_is_one(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    told.hide(target=TARGET, hardware=HARDWARE)
    logging.getLogger("pushhub.test").warning("sent to %s", TARGET, extra={"device": {"hardware": HARDWARE}})
    assert told.found_in(JsonFormatter().format(caplog.records[-1])) == {"target", "hardware"}
    assert told.found_in(everything_in(caplog.records[-1:])) == {"target", "hardware"}


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("to +77057546868 and back", "to +7705****6868 and back"),
        ("key phk_live_abc-DEF_123 used", "key phk_live_[hidden] used"),
        ("key phk_test_abc-DEF_123", "key phk_test_[hidden]"),
        ("secret phd_abc-DEF_123", "secret phd_[hidden]"),
        ("secret phs_0123456789abcdef", "secret phs_[hidden]"),
        ("proof eyJhbGciOi.eyJodG0i.c2ln", "proof [hidden]"),
        ("https://codes.test/app/bind/v1#abcdefghijklmnopqrstuv", "https://codes.test/app/bind/v1#[hidden]"),
    ],
)
def test_the_second_fence_takes_out_what_looks_like_a_secret(said: str, logged: str) -> None:
    assert redact(said) == logged


def described() -> Iterator[tuple[object, str]]:
    """Every value that carries a secret, with the secret."""
    moment, number = datetime(2026, 11, 21, tzinfo=UTC), PhoneNumber.parse(NUMBER)
    target = PushTarget(PushKind.FCM_TOKEN, TARGET)
    item = FeedItem(uuid4(), "code", uuid4(), "INDIGO", "INDIGO", "A code waits", moment, moment, None, None, None)
    key = NewKey(uuid4(), True, "phk_live_secret")
    offer = Offer(number=NUMBER, totp_secret=b"totp-secret", qr_secret=b"qr-secret")
    yield number, NUMBER[1:]
    yield from ((PasswordShown(number, "703610887203"), secret) for secret in ("703610887203", NUMBER[1:]))
    yield QrScanned("https://codes.test/app/bind/v1#secret"), "#secret"
    yield key, "phk_live_secret"
    yield NewProduct(Product(name="INDIGO"), key, key), "phk_live_secret"
    bound = Bound(Binding(number=NUMBER), Device(push_value=TARGET), moment, "phd_secret")
    yield from ((bound, secret) for secret in ("phd_secret", NUMBER[1:], TARGET))
    link = "https://codes.test/app/bind/v1#secret"
    shown = ShownOffer(offer, OfferStatus.PENDING, "703610887203", moment, link, None)
    yield from ((shown, secret) for secret in ("703610887203", "#secret", NUMBER[1:]))
    yield Presented(uuid4(), uuid4(), NUMBER, "signed_in", 1), NUMBER[1:]
    yield target, TARGET
    message = Message(uuid4(), "ver_1", target, "INDIGO", "1234 is your code", {"code": "1234"}, moment)
    yield from ((message, secret) for secret in (TARGET, "1234"))
    device = DeviceDescription("installation-1", HARDWARE, "android", "Phone", "16", "1.0.0", "ru", target)
    yield from ((device, secret) for secret in (HARDWARE, "installation-1", TARGET))
    yield Opened(item, "sign_in", "73519264"), "73519264"


def test_no_value_tells_its_secret_when_it_is_printed() -> None:
    for value, secret in described():
        for text in (repr(value), str(value), f"{value}", repr([value])):
            assert secret not in text, type(value).__name__


def test_the_settings_do_not_tell_the_databases_password(settings: Settings) -> None:
    kept = replace(settings, database_url="postgresql+psycopg://pushhub:recognisable@db.test/pushhub")
    assert "recognisable" not in repr(kept)
