"""The push service of the simulated browser takes what RFC 8030, 8291 and 8292 allow, from other people's clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException, webpush

from simulators import Simulators
from tests.simulators.conftest import Clock

Post = Callable[..., requests.Response]
SUBJECT = "mailto:operator@example.kz"


def new_vapid() -> Vapid02:
    made = Vapid02()
    made.generate_keys()
    return made


@pytest.fixture
def vapid() -> Vapid02:
    return new_vapid()


def push(subscription: Any, text: str, vapid: Vapid02, session: requests.Session, **options: int) -> requests.Response:
    """By pywebpush."""
    options |= {"vapid_private_key": vapid, "vapid_claims": {"sub": SUBJECT}, "requests_session": session}
    return webpush(subscription, text, **options)


@pytest.fixture
def post(sim: Simulators, google_session: requests.Session, vapid: Vapid02) -> Post:
    """A well-formed message, of which anything can be spoiled."""
    subscription = sim.subscribe()

    def call(
        *, body: bytes | None = None, claims: dict[str, Any] | None = None, **headers: str | None
    ) -> requests.Response:
        signed = {"aud": sim.webpush_url, "sub": SUBJECT, "exp": int(time.time()) + 3600, **(claims or {})}
        wanted: dict[str, str | None] = {
            "authorization": vapid.sign(signed)["Authorization"],
            "ttl": "60",
            "content-encoding": "aes128gcm",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        content = bytes(WebPusher(subscription).encode(b'{"title": "x"}')["body"]) if body is None else body
        sent = {name: value for name, value in wanted.items() if value is not None}
        return google_session.post(subscription["endpoint"], data=content, headers=sent, timeout=30)

    return call


def test_pywebpush_by_itself_is_understood(sim: Simulators, google_session: requests.Session, vapid: Vapid02) -> None:
    subscription = sim.subscribe()
    response = push(subscription, '{"title": "Confirmation"}', vapid, google_session, ttl=60)
    assert response.status_code == 201
    [arrival] = sim.arrived(provider="webpush", target=subscription["endpoint"])
    assert arrival.payload == {"title": "Confirmation"}
    assert response.headers["location"].endswith(arrival.message_id or "-")


def test_a_subscription_of_the_control_api_is_as_good(
    google_session: requests.Session, vapid: Vapid02, control: Callable[..., tuple[int, Any]]
) -> None:
    status, subscription = control("POST", "/subscriptions", {})
    assert status == 201
    push(subscription, "x", vapid, google_session)
    assert control("GET", "/arrived?provider=webpush")[1]["arrived"][0]["status"] == 201


def test_a_subscription_belongs_to_the_key_that_made_it(sim: Simulators, google_session: requests.Session) -> None:
    ours, others = new_vapid(), new_vapid()
    key = ours.sign({"aud": sim.webpush_url, "sub": SUBJECT})["Authorization"].rpartition("k=")[2]
    subscription = sim.subscribe(key)
    assert push(subscription, "x", ours, google_session).status_code == 201
    with pytest.raises(WebPushException) as refused:
        push(subscription, "x", others, google_session)
    assert refused.value.status_code == 403


def test_subscriptions_outlive_a_restart_and_are_all_different(tmp_path: Any) -> None:
    with Simulators(tmp_path) as first:
        made = [first.subscribe() for _ in range(3)]
        ports = first.ports
    assert len({each["endpoint"] for each in made} | {each["keys"]["auth"] for each in made}) == 6
    with Simulators(tmp_path, **ports) as second, requests.Session() as session:
        session.trust_env, session.verify = False, str(second.ca_path)
        assert push(made[1], "kept", new_vapid(), session).status_code == 201
        assert second.arrived()[0].raw_payload == b"kept"


@pytest.mark.parametrize(
    ("spoiled", "status", "reason"),
    [
        ({"ttl": None}, 400, "BadTtl"),
        ({"ttl": "soon"}, 400, "BadTtl"),
        ({"topic": "a b"}, 400, "BadWebPushTopic"),
        ({"topic": "x" * 33}, 400, "BadWebPushTopic"),
        ({"urgency": "very-high"}, 400, "BadUrgency"),
        ({"content_encoding": "aesgcm"}, 400, "BadContentEncoding"),
        ({"authorization": None}, 401, "MissingVapid"),
        ({"authorization": "WebPush x"}, 401, "MissingVapid"),
        ({"authorization": "vapid t=a.b.c, k=abc"}, 403, "BadJwtToken"),
        ({"claims": {"aud": "https://fcm.googleapis.com"}}, 403, "BadJwtToken"),
        ({"claims": {"exp": int(time.time()) - 5}}, 403, "BadJwtToken"),
        ({"claims": {"exp": int(time.time()) + 90_000}}, 403, "BadJwtToken"),
        ({"body": b"x" * 4097}, 413, "PayloadTooLarge"),
        ({"body": b"in the clear"}, 400, "Undecryptable"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused(
    sim: Simulators, post: Post, spoiled: dict[str, Any], status: int, reason: str
) -> None:
    response = post(**spoiled)
    assert (response.status_code, response.json()["reason"]) == (status, reason)
    assert [each.reason for each in sim.arrived()] == [reason]


def test_a_signature_of_somebody_else_is_refused(post: Post, vapid: Vapid02, sim: Simulators) -> None:
    claims = {"aud": sim.webpush_url, "sub": SUBJECT}
    _, _, key = vapid.sign(claims)["Authorization"].rpartition("k=")
    forged = new_vapid().sign(claims)["Authorization"].partition(",k=")[0]
    assert post(authorization=f"{forged},k={key}").status_code == 403


def test_a_jwt_expires(post: Post, clock: Clock) -> None:
    assert post().status_code == 201
    clock.offset = 3601
    assert post().status_code == 403


def test_endpoints_that_were_never_given_out_are_not_found(sim: Simulators, google_session: requests.Session) -> None:
    endpoint = sim.subscribe()["endpoint"]
    changed = endpoint[:-2] + ("AA" if endpoint[-2:] != "AA" else "BA")
    for address in (f"{sim.webpush_url}/", f"{sim.webpush_url}/push/AAAA", changed, endpoint + "A"):
        assert google_session.post(address, timeout=30).status_code == 404
    assert google_session.get(endpoint, timeout=30).status_code == 405


def test_what_was_declared_or_scripted_is_answered(sim: Simulators, post: Post) -> None:
    assert post().status_code == 201
    endpoint = sim.arrived()[0].target or ""
    sim.declare(endpoint, unregistered_since=datetime(2026, 1, 2, tzinfo=UTC))
    assert post().status_code == 410
    sim.script(provider="webpush", status=429, retry_after=9, detail={"errno": 201})
    response = post()
    assert (response.status_code, response.headers["retry-after"], response.json()["errno"]) == (429, "9", 201)
