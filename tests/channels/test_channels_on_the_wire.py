"""The channels against the simulated providers: TLS, HTTP/2, OAuth and provider tokens as they are."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from channel_material import APNS_TARGET, FCM_TARGET, SECRETS
from on_the_wire import APNS, FCM, FID, SANDBOX, fresh, name_of, send

from pushhub.channels.contract import Accepted, ChannelDown, Outcome, PushKind, Retry, TargetDead, TimeLimits
from pushhub.kernel import clock
from simulators import Simulators
from tests.support.logs import everything_in


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
    assert isinstance(send(sim, fresh(APNS, target=SANDBOX))[0], Accepted)
    assert [each.provider for each in sim.arrived()] == ["apns-sandbox"]


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


def test_a_provider_that_never_answers_is_a_timeout(sim: Simulators) -> None:
    sim.script(provider="fcm", fault="hang")
    assert send(sim, fresh(), limits=TimeLimits(provider=0.3)) == [Retry("timeout")]


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
    told = everything_in(ours)
    key = Path(sim.settings()["PUSHHUB_FCM_CREDENTIALS"]).read_text()
    assert not [word for word in (*SECRETS, FCM_TARGET, APNS_TARGET, "Bearer ", "bearer ") if word in told]
    assert key[200:260] not in told
