"""Browsers: every answer of a push service over the real wire, VAPID, who is sent to at all."""

from __future__ import annotations

import json
import logging
from base64 import urlsafe_b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from channel_material import SECRETS, FakeWire, Ticks, answer, ec_key, message, run
from cryptography.hazmat.primitives.asymmetric import ec
from wire_world import build, send, settings_of, to_browser, to_number

from pushhub.channels.contract import Accepted, ChannelDown, Outcome, PushKind, Rejected, Retry, TargetDead
from pushhub.channels.subscription import Subscription, UnfitSubscription
from pushhub.channels.vapid import Vapid
from pushhub.channels.webpush import WEBPUSH_OUTCOMES, WEBPUSH_REASONS, WebPushChannel
from pushhub.kernel import clock
from pushhub.kernel.settings import PUBLIC_PUSH_HOSTS
from simulators import Simulators
from tests.support.logs import everything_in

AT_ONCE, S10, S60 = (timedelta(seconds=s) for s in (0, 10, 60))

BY_STATUS: dict[int, Outcome] = {
    400: Rejected("http_400"),
    404: TargetDead("http_404"),
    406: Retry("http_406", S60),
    410: TargetDead("http_410"),
    413: Rejected("http_413"),
    429: Retry("http_429", S60),
    500: Retry("http_500", S10),
    502: Retry("http_502", S10),
    503: Retry("http_503", S10),
    504: Retry("http_504", S10),
}


def a_vapid(subject: str = "mailto:a@example.kz", **options: Any) -> Vapid:
    return Vapid(ec.generate_private_key(ec.SECP256R1()), subject, **options)


def own_key(sim: Simulators) -> str:
    channel = build(sim, "webpush")["webpush"]
    assert isinstance(channel, WebPushChannel)
    return channel.public_key()


def test_the_browser_reads_what_the_channel_sends(sim: Simulators) -> None:
    subscription = sim.subscribe(own_key(sim))
    sent = to_browser(subscription)
    assert send(sim, "webpush", sent) == [Accepted(str(sent.id))]
    [arrival] = sim.arrived()
    assert (arrival.provider, arrival.status, arrival.target) == ("webpush", 201, subscription["endpoint"])
    data = dict(sent.data)
    assert arrival.payload == {"title": sent.title, "body": sent.body, "tag": sent.collapse_id, "data": data}
    assert 100 <= int(arrival.headers["ttl"]) <= 120
    assert arrival.headers["urgency"] == "high"
    assert "Aurora" not in str(arrival.headers)


def test_a_topic_is_the_same_on_every_try_and_fits_every_push_service(sim: Simulators) -> None:
    subscription = sim.subscribe()
    tries = [to_browser(subscription, collapse_id=each, urgent=False) for each in ("ver_1", "ver_1", "ntf_" * 15)]
    send(sim, "webpush", *tries)
    topics = [arrival.headers["topic"] for arrival in sim.arrived()]
    assert topics[0] == topics[1] != topics[2]
    assert {len(topic) for topic in topics} == {32}
    assert {arrival.headers["urgency"] for arrival in sim.arrived()} == {"normal"}


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_way_to_say_yes_is_accepted(status: int) -> None:
    wire, channel = on_fake_wire(answer(status))
    sent = to_browser(GOOGLE)
    assert run(channel.send(sent)) == Accepted(str(sent.id))
    assert wire.posts[0][0] == json.loads(GOOGLE)["endpoint"]


@pytest.mark.parametrize(("status", "outcome"), BY_STATUS.items())
def test_a_status_on_the_wire_is_the_outcome_of_the_table(sim: Simulators, status: int, outcome: Outcome) -> None:
    sim.script(provider="webpush", status=status)
    assert send(sim, "webpush", to_browser(sim.subscribe())) == [outcome]


def test_a_key_that_did_not_subscribe_is_a_dead_target_where_the_answer_says_so(sim: Simulators) -> None:
    sim.script(provider="webpush", status=400, reason="VapidPkHashMismatch")
    assert send(sim, "webpush", to_browser(sim.subscribe())) == [TargetDead("VapidPkHashMismatch")]


def test_the_rows_above_are_all_rows_of_the_tables() -> None:
    assert set(BY_STATUS) == set(WEBPUSH_OUTCOMES)
    assert set(WEBPUSH_REASONS) == {"VapidPkHashMismatch"}


@pytest.mark.parametrize("status", [429, 503])
def test_too_many_says_how_long(sim: Simulators, status: int) -> None:
    sim.script(provider="webpush", status=status, retry_after=33)
    assert send(sim, "webpush", to_browser(sim.subscribe())) == [Retry(f"http_{status}", timedelta(seconds=33))]


@pytest.mark.parametrize(
    ("status", "outcome"), [(418, Rejected("http_418")), (599, Retry("http_599", S10)), (301, Rejected("http_301"))]
)
def test_an_answer_that_nobody_foresaw_has_an_outcome(status: int, outcome: Outcome) -> None:
    _, channel = on_fake_wire(answer(status, b"[" * 100_000))
    assert run(channel.send(to_browser(GOOGLE))) == outcome


def test_a_browser_that_unsubscribed_is_a_dead_target(sim: Simulators) -> None:
    subscription = sim.subscribe()
    sim.declare(subscription["endpoint"], unregistered_since=clock.now())
    assert send(sim, "webpush", to_browser(subscription)) == [TargetDead("http_410")]


@pytest.mark.parametrize("status", [401, 403])
def test_a_signature_that_was_never_taken_is_a_matter_for_the_operator(sim: Simulators, status: int) -> None:
    sim.script(provider="webpush", status=status, reason="BadJwtToken")
    assert send(sim, "webpush", to_browser(sim.subscribe())) == [ChannelDown("vapid_refused")]


def test_a_signature_that_others_take_speaks_of_the_one_subscription(sim: Simulators) -> None:
    foreign = sim.subscribe(a_vapid().public_key)
    first, second, third = send(sim, "webpush", to_browser(foreign), to_browser(sim.subscribe()), to_browser(foreign))
    assert first == ChannelDown("vapid_refused")
    assert isinstance(second, Accepted)
    assert third == Rejected("foreign_key")


def test_one_signature_serves_a_push_service_for_eleven_hours() -> None:
    ticks = Ticks()
    vapid = a_vapid(monotonic=ticks)
    first = vapid.signature("https://one.example")
    ticks.at += 11 * 3600 - 1
    assert vapid.signature("https://one.example") is first
    assert vapid.signature("https://two.example").header != first.header
    ticks.at += 1
    assert vapid.signature("https://one.example") is not first


def test_a_refused_signature_is_renewed_once_an_hour_at_most() -> None:
    ticks = Ticks()
    vapid = a_vapid(monotonic=ticks)
    first = vapid.signature("https://one.example")
    ticks.at += 3599
    assert not vapid.refused("https://one.example", first)
    ticks.at += 1
    assert vapid.refused("https://one.example", first)
    assert vapid.signature("https://one.example") is not first
    assert vapid.refused("https://one.example", first)  # an older one than what is in use: another try is worth it


def test_push_services_without_number_do_not_fill_the_memory() -> None:
    vapid = a_vapid("https://example.kz", most=3)
    kept = vapid.signature("https://a0.example")
    others = []
    for number in range(9):
        others.append(vapid.signature(f"https://b{number}.example"))
        assert vapid.signature("https://a0.example") is kept
    assert vapid.signature("https://b8.example") is others[8]
    assert vapid.signature("https://b7.example") is others[7]
    for number in range(7):  # forgotten, so signed anew
        assert vapid.signature(f"https://b{number}.example") is not others[number]


POINT = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


def packed(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def subscription(endpoint: Any = "https://fcm.googleapis.com/fcm/send/x", **keys: Any) -> str:
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": packed(POINT), "auth": packed(b"a" * 16), **keys}})


GOOGLE = subscription()


def on_fake_wire(*answers: Any) -> tuple[FakeWire, WebPushChannel]:
    wire = FakeWire(*(answers or (answer(201),)))
    return wire, WebPushChannel(wire=wire, vapid=a_vapid(), hosts=PUBLIC_PUSH_HOSTS)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/x",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://web.push.apple.com/QF8w7V0M5Z3hbQiw4tIs_-",
        "https://db5p.notify.windows.com/w/?token=BQYAA%2b",
    ],
)
def test_the_public_push_services_are_sent_to(endpoint: str) -> None:
    wire, channel = on_fake_wire()
    assert isinstance(run(channel.send(to_browser(subscription(endpoint)))), Accepted)
    assert [url for url, _, _ in wire.posts] == [endpoint]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1/latest/meta-data",
        "https://169.254.169.254/",
        "https://[::1]/",
        "https://evil.example/fcm.googleapis.com",
        "https://evilfcm.googleapis.com.example/x",
        "https://notfcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://googleapis.com/x",
        "https://fcm.googleapis.com./x",
    ],
)
def test_no_other_host_is_ever_spoken_to(endpoint: str) -> None:
    wire, channel = on_fake_wire()
    assert run(channel.send(to_browser(subscription(endpoint)))) == TargetDead("foreign_endpoint")
    assert wire.posts == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "[]",
        "[" * 100_000,
        "{}",
        json.dumps({"endpoint": "https://fcm.googleapis.com/x"}),
        json.dumps({"endpoint": "https://fcm.googleapis.com/x", "keys": []}),
        subscription(None),
        subscription("http://fcm.googleapis.com/x"),
        subscription("https://fcm.googleapis.com"),
        subscription("https://user@fcm.googleapis.com/x"),
        subscription("https://evil.example\\.fcm.googleapis.com/x"),
        subscription("https://evil.example\\@fcm.googleapis.com/x"),
        subscription("https://evil.example#.fcm.googleapis.com/x"),
        subscription("https://evil.example?.fcm.googleapis.com/x"),
        subscription("https://fcm.googleapis.com/x#y"),
        subscription("https://fcm.googleapis.com/x y"),
        subscription("https://fcm.googleapis.com/x\r\nhost: evil"),
        subscription("https://FCM.googleapis.com/x"),
        subscription("https://fcm。googleapis.com/x"),
        subscription("HTTPS://fcm.googleapis.com/x"),
        subscription(p256dh=None),
        subscription(p256dh=""),
        subscription(p256dh=packed(POINT[:64])),
        subscription(p256dh=packed(POINT[:64] + b"\0")),
        subscription(p256dh=packed(POINT) + "!"),
        subscription(auth=packed(b"a" * 15)),
        subscription(auth=7),
        subscription(auth="=" * 24),
    ],
)
def test_what_is_no_subscription_is_a_dead_target_and_says_what_it_must_be(value: str) -> None:
    wire, channel = on_fake_wire()
    assert run(channel.send(to_browser(value))) == TargetDead("malformed_target")
    assert wire.posts == []
    with pytest.raises(UnfitSubscription, match=r"^Send .*\.$"):
        Subscription.parse(value)


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (message(PushKind.APNS), Rejected("wrong_target_kind")),
        (to_number(), Rejected("wrong_target_kind")),
        (to_browser(GOOGLE, body="я" * 2000), Rejected("PayloadTooLarge")),
        (to_browser(GOOGLE, body="\ud800"), Rejected("invalid_message")),
    ],
)
def test_what_can_not_be_sent_is_not_sent(sent: Any, outcome: Outcome) -> None:
    wire, channel = on_fake_wire()
    assert run(channel.send(sent)) == outcome
    assert wire.posts == []


def test_the_longest_message_that_is_sent_is_taken(sim: Simulators) -> None:
    room = 3993 - len(json.dumps({"title": "", "body": "", "tag": "ver_1", "data": {}}, separators=(",", ":")))
    taken, too_long = (to_browser(sim.subscribe(), title="", data={}, body="x" * n) for n in (room, room + 1))
    outcomes = send(sim, "webpush", taken, too_long)
    assert isinstance(outcomes[0], Accepted)
    assert outcomes[1] == Rejected("PayloadTooLarge")
    assert len(sim.arrived()) == 1


@pytest.mark.parametrize("fault", ["reset", "truncate"])
def test_a_broken_connection_is_a_retry(sim: Simulators, fault: str) -> None:
    sim.script(provider="webpush", fault=fault)
    assert send(sim, "webpush", to_browser(sim.subscribe())) == [Retry("reset")]


def test_another_key_in_the_file_is_another_public_key(sim: Simulators, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(ec_key())
    other = build(sim, "webpush", PUSHHUB_VAPID_KEY=str(tmp_path / "key.pem"))["webpush"]
    assert isinstance(other, WebPushChannel)
    assert len(other.public_key()) == len(own_key(sim)) == 87
    assert other.public_key() != own_key(sim)


def test_no_target_text_or_signature_reaches_the_log(sim: Simulators, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    subscription = sim.subscribe()
    for script in ({"status": 418, "reason": "Secret7391"}, {"fault": "reset"}, {"status": 403}):
        sim.script(provider="webpush", **script)
        send(sim, "webpush", to_browser(subscription))
    send(sim, "webpush", to_browser(subscription))
    ours = [record for record in caplog.records if not record.name.startswith("hpack")]
    told = everything_in(ours)
    assert told
    name = subscription["endpoint"].rpartition("/")[2]
    assert not [word for word in (*SECRETS, name, subscription["keys"]["auth"], "vapid t=") if word in told]
    assert "secret" not in repr(settings_of(sim).webpush_hosts)
