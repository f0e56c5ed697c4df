"""The channels against the simulated providers: TLS, HTTP/2, OAuth and provider tokens as they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from channel_material import APNS_TARGET, FCM_TARGET, SECRETS, message, run

from pushhub import clock
from pushhub.channels import transport
from pushhub.channels.configured import configured_channels
from pushhub.channels.contract import (
    Accepted,
    ApnsEnvironment,
    Channel,
    ChannelDown,
    Message,
    Outcome,
    PushKind,
    PushTarget,
    Rejected,
    Retry,
    TargetDead,
)
from simulators import Simulators


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    with Simulators(tmp_path_factory.mktemp("simulators")) as simulators:
        yield simulators


@pytest.fixture
def sim(running: Simulators) -> Simulators:
    running.clear()
    return running


@dataclass(frozen=True)
class FromEnvironment:
    """The settings that the channels ask for, out of `Simulators.settings()`."""

    environment: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        value = self.environment[f"PUSHHUB_{name.upper()}"]
        return Path(value) if name in ("fcm_credentials", "apns_key", "provider_ca") else value


def build(sim: Simulators, **changes: str) -> dict[str, Channel]:
    return configured_channels(FromEnvironment({**sim.settings(), **changes}))


def send(sim: Simulators, *messages: Message, **changes: str) -> list[Outcome]:
    """Send one after the other, each through the channel that its target is for."""

    async def work() -> list[Outcome]:
        channels = build(sim, **changes)
        try:
            return [await channels[name_of(each)].send(each) for each in messages]
        finally:
            for channel in channels.values():
                await channel.close()

    return run(work())


def name_of(sent: Message) -> str:
    return "apns" if sent.target.kind is PushKind.APNS else "fcm"


def fresh(kind: PushKind = PushKind.FCM_TOKEN, **changes: Any) -> Message:
    return message(kind, **{"id": uuid4(), "expires_at": clock.now() + timedelta(seconds=120), **changes})


FCM, FID, APNS = PushKind.FCM_TOKEN, PushKind.FCM_FID, PushKind.APNS


@pytest.mark.parametrize("kind", [FCM, FID, APNS])
@pytest.mark.parametrize("urgent", [True, False])
def test_the_provider_takes_what_the_channel_sends(sim: Simulators, kind: PushKind, urgent: bool) -> None:
    sent = fresh(kind, urgent=urgent)
    [outcome] = send(sim, sent)
    [arrival] = sim.arrived()
    assert outcome == Accepted(arrival.message_id or "")
    assert (arrival.provider, arrival.status) == (name_of(sent), 200)
    assert (arrival.target, arrival.collapse_id) == (sent.target.value, sent.collapse_id)


def test_a_sandbox_target_goes_to_the_sandbox(sim: Simulators) -> None:
    target = PushTarget(APNS, APNS_TARGET, environment=ApnsEnvironment.SANDBOX)
    assert isinstance(send(sim, fresh(APNS, target=target))[0], Accepted)
    assert [each.provider for each in sim.arrived()] == ["apns-sandbox"]


@pytest.mark.parametrize(
    ("kind", "script", "outcome"),
    [
        (FCM, {"reason": "UNREGISTERED"}, TargetDead("UNREGISTERED")),
        (FCM, {"reason": "INVALID_ARGUMENT"}, TargetDead("INVALID_ARGUMENT")),
        (FCM, {"reason": "QUOTA_EXCEEDED", "retry_after": 7}, Retry("QUOTA_EXCEEDED", timedelta(seconds=7))),
        (FCM, {"reason": "UNAVAILABLE"}, Retry("UNAVAILABLE", timedelta(seconds=10))),
        (FCM, {"reason": "THIRD_PARTY_AUTH_ERROR"}, ChannelDown("THIRD_PARTY_AUTH_ERROR")),
        (FCM, {"reason": "PERMISSION_DENIED"}, ChannelDown("PERMISSION_DENIED")),
        (FCM, {"reason": "NOT_FOUND"}, ChannelDown("NOT_FOUND")),
        (APNS, {"reason": "BadDeviceToken"}, TargetDead("BadDeviceToken")),
        (APNS, {"reason": "TopicDisallowed"}, ChannelDown("TopicDisallowed")),
        (APNS, {"reason": "PayloadEmpty"}, Rejected("PayloadEmpty")),
        (
            APNS,
            {"reason": "TooManyRequests", "retry_after": 3},
            Retry("TooManyRequests", timedelta(seconds=3)),
        ),
        (APNS, {"reason": "ServiceUnavailable"}, Retry("ServiceUnavailable")),
    ],
)
def test_a_refusal_on_the_wire_is_the_outcome_of_the_table(
    sim: Simulators, kind: PushKind, script: dict[str, Any], outcome: Outcome
) -> None:
    sent = fresh(kind)
    sim.script(provider=name_of(sent), **script)
    assert send(sim, sent, fresh(kind))[0] == outcome


def test_a_target_that_is_gone_tells_since_when(sim: Simulators) -> None:
    gone = clock.now().replace(microsecond=0) - timedelta(days=2)
    sim.declare(APNS_TARGET, unregistered_since=gone)
    assert send(sim, fresh(APNS)) == [TargetDead("Unregistered", gone)]


@pytest.mark.parametrize(
    ("kind", "fault", "outcome"),
    [
        (FCM, "reset", Retry("reset")),
        (APNS, "reset", Retry("reset")),
        (FCM, "reset_after_taking", Retry("reset")),
        (FCM, "truncate", Retry("reset")),
        (APNS, "reset_after_taking", Retry("reset")),
        (APNS, "truncate", Retry("reset")),
    ],
)
def test_a_broken_connection_is_a_retry_and_the_next_try_opens_another(
    sim: Simulators, kind: PushKind, fault: str, outcome: Outcome
) -> None:
    sent = fresh(kind)
    sim.script(provider=name_of(sent), fault=fault, times=1)
    first, second = send(sim, sent, sent)
    assert first == outcome
    assert isinstance(second, Accepted)


def test_a_stream_that_was_broken_off_is_a_retry(sim: Simulators) -> None:
    sim.script(provider="fcm", fault="rst_stream", reset_code="INTERNAL_ERROR")
    assert send(sim, fresh()) == [Retry("failed")]


def test_a_stream_that_was_refused_unread_is_sent_again_without_being_told(sim: Simulators) -> None:
    sim.script(provider="apns", fault="rst_stream")
    assert isinstance(send(sim, fresh(APNS))[0], Accepted)


def test_a_provider_that_never_answers_is_a_timeout(sim: Simulators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TOTAL_TIMEOUT", timedelta(seconds=0.3))
    sim.script(provider="fcm", fault="hang")
    assert send(sim, fresh()) == [Retry("timeout")]


@pytest.mark.parametrize("kind", [FCM, APNS])
def test_connections_that_go_away_lose_nothing_and_double_nothing(sim: Simulators, kind: PushKind) -> None:
    sim.goaway_after(100)

    async def work() -> list[Outcome]:
        channels = build(sim)
        channel = channels[name_of(fresh(kind))]
        outcomes: list[Outcome] = []

        async def some(number: int) -> None:
            for _ in range(number):
                outcomes.append(await channel.send(fresh(kind)))

        await asyncio.gather(*(some(50) for _ in range(20)))
        for each in channels.values():
            await each.close()
        return outcomes

    outcomes = run(work())
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    taken = [arrival.message_id for arrival in sim.arrived() if arrival.status == 200]
    assert len(taken) == len(set(taken)) == len(outcomes) == 1000


def test_an_oauth_credential_that_google_refuses_is_replaced(sim: Simulators) -> None:
    sim.script(provider="fcm", reason="UNAUTHENTICATED")
    refused, taken = send(sim, fresh(), fresh())
    assert refused == Retry("UNAUTHENTICATED", timedelta(0))
    assert isinstance(taken, Accepted)


def test_a_provider_token_called_expired_is_tried_once_more(sim: Simulators) -> None:
    sim.script(provider="apns", reason="ExpiredProviderToken")
    refused, taken = send(sim, fresh(APNS), fresh(APNS))
    assert refused == Retry("ExpiredProviderToken", timedelta(0))
    assert isinstance(taken, Accepted)


def test_a_key_of_another_team_is_channel_down(sim: Simulators) -> None:
    assert send(sim, fresh(APNS), PUSHHUB_APNS_TEAM_ID="OTHERTEAM1") == [ChannelDown("InvalidProviderToken")]


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ({"status": 400, "reason": "invalid_grant"}, ChannelDown("oauth_invalid_grant")),
        ({"status": 403, "reason": "access_denied"}, ChannelDown("oauth_refused")),
        ({"fault": "reset"}, Retry("oauth_reset")),
    ],
)
def test_google_refusing_a_credential_is_an_outcome(sim: Simulators, script: dict[str, Any], outcome: Outcome) -> None:
    sim.script(provider="oauth", **script)
    assert send(sim, fresh()) == [outcome]
    assert sim.arrived() == []


def test_a_provider_whose_certificate_is_not_trusted_is_not_spoken_to(sim: Simulators, tmp_path: Path) -> None:
    with Simulators(tmp_path / "other") as other:
        assert send(sim, fresh(APNS), PUSHHUB_APNS_URL=other.apns_url) == [Retry("connect")]
        assert other.arrived() == []


def test_no_secret_and_no_target_reaches_the_log(sim: Simulators, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scripts: list[dict[str, Any]] = [
        {"status": 400, "reason": "Secret7391"},
        {"fault": "reset"},
        {"status": 418},
    ]
    for script in scripts:
        for provider in ("fcm", "apns"):
            sim.script(provider=provider, target=None, **script)
        send(sim, fresh(FCM), fresh(APNS))
    send(sim, fresh(FCM), fresh(APNS))
    assert caplog.records
    ours = [record for record in caplog.records if not record.name.startswith("hpack")]  # the simulators' own
    told = "".join(f"{record.getMessage()}{vars(record)}" for record in ours)
    key = Path(sim.settings()["PUSHHUB_FCM_CREDENTIALS"]).read_text()
    assert not [word for word in (*SECRETS, FCM_TARGET, APNS_TARGET, "Bearer ", "bearer ") if word in told]
    assert key[200:260] not in told
