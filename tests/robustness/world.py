"""A small installation with one of everything, for requests that are to be refused.

Whoever is refused changes nothing, so all tests of a module share one world on each engine, and `unchanged`
proves it after each request.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from flask import Flask
from joserfc import jws
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from pushhub.app import create_app
from pushhub.channels.recording import RecordingChannel
from pushhub.kernel import clock
from pushhub.kernel.db import db
from pushhub.kernel.settings import Settings, load_settings
from pushhub.products import products
from pushhub.products.rules import Scope
from reference_device import DeviceKey
from tests.robustness.contents import assert_same, contents
from tests.support.actors import NUMBER, OTHER_NUMBER, Phone, Shop, expect
from tests.support.applications import faces_of
from tests.support.bodies import NOTIFY
from tests.support.databases import Databases, FakeClock
from tests.support.environments import PUBLIC_URL as SERVER
from tests.support.environments import least_settings

THIRD_NUMBER = "+77771234567"
#: An address on the open Internet that needs no DNS. Nothing is sent to it.
HOOK = "https://8.8.8.8/hook"
LONG = "x" * 4096
#: Columns that a refused request may write, beside the tables of `contents.COUNTERS`.
TRIES = ("tries", "last_step")


@dataclass
class World:
    """The installation, who takes part, and the names of what there is."""

    app: Flask
    now: FakeClock
    shop: Shop
    phone: Phone
    unbound_phone: Phone
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def product(self, method: str, path: str, *, key: str | None = "live", **sent: Any) -> TestResponse:
        """A request of a product; `key` names one of the world's API keys, None sends none."""
        headers = {"Authorization": f"Bearer {self.keys.get(key, key)}"} if key is not None else {}
        return self._open(method, path, headers, **sent)

    def device(self, method: str, path: str, *, by: str = "phone", **sent: Any) -> TestResponse:
        """A request signed by `phone`, by `unbound_phone`, by a `new` key, or by `nobody`."""
        path = path.format(**self.ids)
        url = f"{SERVER}{unquote(path.partition('?')[0])}"
        headers = {}
        if by == "new":
            headers["DPoP"] = DeviceKey.generate().proof(method, url, self._seconds)
        elif by != "nobody":
            phone: Phone = getattr(self, by)
            headers["DPoP"] = phone.key.proof(method, url, self._seconds, phone.secret)
            headers["Authorization"] = f"DPoP {phone.secret}"
        return self._open(method, path, headers, **sent)

    def proof_with(self, claims: dict[str, Any]) -> str:
        """A proof of the phone's key for `GET /mobile/v1/binding`, rightly signed, with some claims changed."""
        header, right, _ = self.phone.key.proof(
            "GET", f"{SERVER}/mobile/v1/binding", self._seconds, self.phone.secret
        ).split(".")
        changed = json.loads(_base64(right)) | claims
        key = ECKey.import_key(self.phone.key.private_jwk())
        return jws.serialize_compact(json.loads(_base64(header)), json.dumps(changed), key, algorithms=["ES256"])

    def operation(self, method: str, path: str, **sent: Any) -> TestResponse:
        """The same for either API: by the live key, by the phone, or (a binding) by a new key."""
        if not path.startswith("/mobile/"):
            return self.product(method, path, **sent)
        return self.device(method, path, by="new" if path == "/mobile/v1/bindings" else "phone", **sent)

    def _open(
        self,
        method: str,
        path: str,
        own: dict[str, str],
        *,
        raw: bytes | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        data = raw if body is None else json.dumps(body).encode()
        if data is not None:
            own["Content-Type"] = "application/json"
        named = own | dict(headers or {})
        return self.app.test_client().open(path.format(**self.ids), method=method, headers=named, data=data)

    def _seconds(self) -> float:
        return self.now().timestamp()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What happens inside writes nothing but counters."""
        before = contents(self.app, without=TRIES)
        yield
        assert_same(before, contents(self.app, without=TRIES))


def _base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def a_world(databases: Databases, engine: str, key_file: Path, **options: Any) -> Iterator[World]:
    """A world on this engine; `options` are those of `create_app`."""
    now = FakeClock()
    with ExitStack() as open_things:
        database = open_things.enter_context(databases.empty(engine))
        open_things.enter_context(clock.use(now))
        settings = generous_settings(database.url, key_file)
        app = create_app(settings, faces=faces_of(settings), channels=channels(), **options)
        with app.app_context():
            open_things.callback(db.engine.dispose)
        yield _peopled(app, now)


def generous_settings(database_url: str, key_file: Path) -> Settings:
    """Settings whose limits hide nothing."""
    limits = {"CODES_PER_10_MINUTES": 1000, "CODES_PER_DAY": 10000}
    limits |= {"CODES_PER_CLIENT_PER_HOUR": 10000, "BIND_FAILURES_PER_HOUR": 10000}
    many = {f"PUSHHUB_{name}": str(limit) for name, limit in limits.items()}
    return load_settings(least_settings(database_url, key_file, SERVER) | many)


def channels() -> dict[str, RecordingChannel]:
    return {name: RecordingChannel(name) for name in ("fcm", "apns", "poll")}


def _peopled(app: Flask, now: FakeClock) -> World:
    shop, other_shop = (Shop.new(app, name, requests_per_minute=1_000_000) for name in ("INDIGO", "Another product"))
    phone, unbound, stranger = (Phone.new(app, SERVER, now) for _ in range(3))
    world = World(app, now, shop, phone, unbound)
    world.keys = {"live": shop.key, "test": shop.test_key} | _narrow_keys(app, shop, other_shop)
    _make_offers(world, other_shop)
    phone.bind_to(shop)
    unbound.bind_to(shop, OTHER_NUMBER)
    unbound.unbind()
    stranger.bind_to(shop, THIRD_NUMBER)
    _make_verifications(world, other_shop, stranger)
    _make_notifications(world, other_shop)
    _make_panel(world)
    world.ids["webhook"] = expect(shop.call("POST", "/v1/webhooks", {"url": HOOK}), 201)["id"]
    return world


def _narrow_keys(app: Flask, shop: Shop, other: Shop) -> dict[str, str]:
    with app.app_context():
        revoked = products.add_key(shop.product.id, live=True)
        products.revoke_key(revoked.id)
    narrow = {"offers only": shop.add_key(scopes=[Scope.OFFERS])}
    narrow["numbers only"] = shop.add_key(live=False, scopes=[Scope.NUMBERS])
    return {"revoked": revoked.text, "another product's": other.key} | narrow


def _make_offers(world: World, other_shop: Shop) -> None:
    def keep(name: str, offer: dict[str, Any]) -> None:
        world.ids[f"{name}_offer"] = offer["id"]
        world.passwords[name], world.links[name] = offer["password"], offer["qr"]["link"]

    keep("expired", world.shop.offer("+77054440001"))
    world.now.forward(seconds=601)
    keep("used", world.shop.offer("+77054440002"))
    Phone.new(world.app, SERVER, world.now).bind(qr=world.links["used"])
    keep("cancelled", world.shop.offer("+77054440003"))
    assert world.product("DELETE", "/v1/offers/{cancelled_offer}").status_code == 204
    keep("pending", world.shop.offer("+77054440004"))
    world.ids["foreign_offer"] = other_shop.offer("+77054440005")["id"]


def _make_verifications(world: World, other_shop: Shop, stranger: Phone) -> None:
    shop, phone = world.shop, world.phone
    world.ids["unarmed"] = shop.ask(purpose="sign_up")["id"]
    closed = shop.ask(purpose="confirm")
    world.ids["closed"] = closed["id"]
    assert world.product("POST", "/v1/verifications/{closed}/cancel").status_code == 200
    world.ids["foreign"] = other_shop.ask()["id"]
    world.ids["pending"] = shop.ask()["id"]
    phone.read_code()
    world.ids["delivery"] = phone.feed()[-1]["delivery_id"]
    shop.ask(THIRD_NUMBER)
    world.ids["foreign_delivery"] = stranger.feed()[-1]["delivery_id"]


def _make_panel(world: World) -> None:
    """One whose code has been sent and opened."""
    panel = expect(world.shop.call("POST", "/v1/panels", {"number": NUMBER, "purpose": "number_change"}), 201)
    world.ids["panel"], world.ids["panel_secret"] = panel["id"], panel["secret"]
    assert world.product("POST", "/panel/v1/send", key=panel["secret"]).status_code == 200
    world.phone.read_code()


def _make_notifications(world: World, other_shop: Shop) -> None:
    later = NOTIFY | {"send_at": "2026-11-25T09:00:00Z"}
    for name, shop in (("scheduled", world.shop), ("foreign_notification", other_shop)):
        world.ids[name] = expect(shop.call("POST", "/v1/notifications", later), 202)["id"]
