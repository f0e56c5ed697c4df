"""Connections that end, stall or are left, against the simulated providers: what is sent arrives once."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from channel_material import APNS_TARGET, in_a_loop
from on_the_wire import APNS, FCM, OTHER, SANDBOX, both, connections, fresh, name_of, send

from pushhub.channels.contract import (
    Accepted,
    Channel,
    ChannelDown,
    Message,
    Outcome,
    PushKind,
    Retry,
    TargetDead,
    TimeLimits,
)
from simulators import Simulators

AT_ONCE = timedelta(0)


def several(kind: PushKind, number: int) -> list[Message]:
    return [fresh(kind, collapse_id=f"ver_{place}") for place in range(number)]


async def sent_at_once(channel: Channel, messages: Sequence[Message]) -> list[Outcome]:
    return list(await asyncio.gather(*(channel.send(each) for each in messages)))


async def sent_until_taken(channel: Channel, messages: Sequence[Message]) -> int:
    """As delivery does, save for the waits: what is to be tried again is tried again. Returns the rounds."""
    left, rounds = list(messages), 0
    while left:
        outcomes = await sent_at_once(channel, left)
        assert {type(each) for each in outcomes} <= {Accepted, Retry}
        left = [each for each, outcome in zip(left, outcomes, strict=True) if isinstance(outcome, Retry)]
        rounds += 1
        assert rounds < 100
    return rounds


def taken(sim: Simulators) -> Counter[str | None]:
    return Counter(each.collapse_id for each in sim.arrived() if each.status == 200)


def once_each(messages: Sequence[Message]) -> Counter[str | None]:
    return Counter(each.collapse_id for each in messages)


@pytest.mark.parametrize("kind", [FCM, APNS])
@in_a_loop
async def test_connections_that_go_away_lose_nothing_and_double_nothing(sim: Simulators, kind: PushKind) -> None:
    messages, outcomes = several(kind, 1000), []
    sim.goaway_after(100)
    async with both(sim) as built:
        channel = built[name_of(messages[0])]

        async def some(part: Sequence[Message]) -> None:
            for each in part:
                outcomes.append(await channel.send(each))

        await asyncio.gather(*(some(messages[place::20]) for place in range(20)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert taken(sim) == once_each(messages)
    assert len(set(connections(sim))) >= 10


@pytest.mark.parametrize("kind", [FCM, APNS])
@in_a_loop
async def test_hundreds_in_flight_outlive_a_connection_that_goes_away(sim: Simulators, kind: PushKind) -> None:
    first, messages = several(kind, 1), several(kind, 500)
    async with both(sim) as built:
        channel = built[name_of(messages[0])]
        await sent_at_once(channel, first)
        sim.clear()
        sim.goaway_after(200)
        assert {type(each) for each in await sent_at_once(channel, messages)} == {Accepted}
    assert taken(sim) == once_each(messages)
    assert len(set(connections(sim))) == 3


@pytest.mark.parametrize("kind", [FCM, APNS])
@pytest.mark.parametrize("after", [40, 1])
@in_a_loop
async def test_a_message_that_is_turned_away_too_often_is_tried_again_and_arrives_once(
    sim: Simulators, kind: PushKind, after: int
) -> None:
    """pyreqwest sends one that was not begun three times, and then gives up."""
    messages = several(kind, 400 if after > 1 else 12)
    sim.goaway_after(after)
    async with both(sim) as built:
        assert await sent_until_taken(built[name_of(messages[0])], messages) > 1
    assert taken(sim) == once_each(messages)


@pytest.mark.parametrize("kind", [FCM, APNS])
@pytest.mark.parametrize("refusals", [1, 2, 3, 7])
@in_a_loop
async def test_streams_that_are_refused_unread_arrive_once(sim: Simulators, kind: PushKind, refusals: int) -> None:
    messages = several(kind, 1)
    sim.script(provider=name_of(messages[0]), fault="rst_stream", times=refusals)
    async with both(sim) as built:
        assert await sent_until_taken(built[name_of(messages[0])], messages) == 1 + refusals // 3
    assert taken(sim) == once_each(messages)


REASONS = ["UnrelatedKeyIdInToken", "IdleTimeout", "InternalServerError", "ServiceUnavailable", "Shutdown"]


@pytest.mark.parametrize("reason", REASONS)
def test_the_next_try_goes_by_another_connection(sim: Simulators, reason: str) -> None:
    sim.script(provider="apns", reason=reason)
    refused, again = send(sim, fresh(APNS), fresh(APNS, previous_error=reason))
    assert (type(refused), type(again)) == (Retry, Accepted)
    assert connections(sim) == [1, 2]


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("TooManyProviderTokenUpdates", {}),
        ("ExpiredProviderToken", {}),
        ("TooManyRequests", {}),
        ("BadDeviceToken", {}),
        ("ServiceUnavailable", {"urgent": False}),
    ],
)
def test_other_answers_keep_the_connection(sim: Simulators, reason: str, changes: dict[str, Any]) -> None:
    sim.script(provider="apns", reason=reason)
    send(sim, fresh(APNS, **changes), fresh(APNS))
    assert connections(sim) == [1, 1]


def test_a_refused_certificate_ends_the_connections_to_both_hosts(sim: Simulators) -> None:
    sim.script(provider="apns", reason="BadCertificate", target=OTHER.value)
    refused = fresh(APNS, target=OTHER)
    outcomes = send(sim, fresh(APNS), fresh(APNS, target=SANDBOX), refused, fresh(APNS), fresh(APNS, target=SANDBOX))
    assert outcomes[2] == ChannelDown("BadCertificate")
    assert connections(sim) == [1, 2, 1, 3, 4]


@in_a_loop
async def test_200_in_flight_are_all_answered_while_the_connection_is_left(sim: Simulators) -> None:
    slow, quick = several(APNS, 200), several(APNS, 20)
    bad = fresh(APNS, target=OTHER, collapse_id="bad")
    async with both(sim) as built:
        apns = built["apns"]
        await apns.send(fresh(APNS, collapse_id="first"))
        sim.script(provider="apns", target=APNS_TARGET, delay=5, times=200)
        under_way = asyncio.create_task(sent_at_once(apns, slow))
        while sim.counts()["apns"].arrived < 201:
            await asyncio.sleep(0.01)
        sim.script(provider="apns", target=OTHER.value, reason="ServiceUnavailable", times=5)
        assert [await apns.send(bad) for _ in range(5)] == [Retry("ServiceUnavailable")] * 5
        later = await sent_at_once(apns, quick)
        assert not under_way.done()
        assert {type(each) for each in [*later, *await under_way]} == {Accepted}
    assert taken(sim) == once_each([*slow, *quick]) + Counter({"first": 1})
    numbers = connections(sim)
    assert numbers[:202] == [1] * 202  # the five refusals came within a second: the connection was left once
    assert numbers[202:] == [2] * 24


@pytest.mark.parametrize("kind", [FCM, APNS])
def test_a_connection_that_swallows_messages_is_left(sim: Simulators, kind: PushKind) -> None:
    sim.script(provider=name_of(fresh(kind)), fault="hang")
    silent, again = send(sim, fresh(kind), fresh(kind), limits=TimeLimits(provider=2.0))
    assert silent == Retry("timeout")
    assert isinstance(again, Accepted)
    assert connections(sim) == [1, 2]


def test_a_provider_has_ten_seconds_to_answer() -> None:
    assert TimeLimits().provider >= 10


def test_a_target_of_the_other_environment_is_found_there(sim: Simulators) -> None:
    sim.declare(APNS_TARGET, environment="sandbox")
    wrong, right = send(sim, fresh(APNS), fresh(APNS, target=SANDBOX, previous_error="BadDeviceToken"))
    assert wrong == Retry("BadDeviceToken", AT_ONCE, SANDBOX.environment)
    assert isinstance(right, Accepted)
    assert [(each.provider, each.status) for each in sim.arrived()] == [("apns", 400), ("apns-sandbox", 200)]


def test_a_target_that_neither_host_knows_is_dead(sim: Simulators) -> None:
    for host in ("apns", "apns-sandbox"):
        sim.script(provider=host, reason="BadDeviceToken")
    outcomes = send(sim, fresh(APNS), fresh(APNS, target=SANDBOX, previous_error="BadDeviceToken"))
    assert outcomes == [Retry("BadDeviceToken", AT_ONCE, SANDBOX.environment), TargetDead("BadDeviceToken")]


def test_with_one_host_for_both_environments_there_is_no_other_to_try(sim: Simulators) -> None:
    sim.script(provider="apns", reason="BadDeviceToken")
    outcomes = send(sim, fresh(APNS), PUSHHUB_APNS_SANDBOX_URL=sim.apns_url)
    assert outcomes == [TargetDead("BadDeviceToken")]


@in_a_loop
async def test_200_first_messages_ask_google_for_one_credential(sim: Simulators) -> None:
    messages = several(FCM, 200)
    sim.script(provider="oauth", delay=0.2, times=1000)
    async with both(sim) as built:
        assert {type(each) for each in await sent_at_once(built["fcm"], messages)} == {Accepted}
    assert taken(sim) == once_each(messages)
    assert asked_for_a_credential(sim) == 1


@in_a_loop
async def test_messages_refused_together_ask_for_one_more_credential_and_no_third(sim: Simulators) -> None:
    """A fresh credential that is refused as well: more of them can't help."""
    messages = several(FCM, 50)
    sim.script(provider="oauth", delay=0.05, times=1000)
    sim.script(provider="fcm", reason="UNAUTHENTICATED", times=100)
    async with both(sim) as built:
        assert await sent_at_once(built["fcm"], messages) == [Retry("UNAUTHENTICATED", AT_ONCE)] * 50
        assert await sent_at_once(built["fcm"], messages) == [ChannelDown("UNAUTHENTICATED")] * 50
    assert asked_for_a_credential(sim) == 2


def asked_for_a_credential(sim: Simulators) -> int:
    """How often the script for Google's token endpoint was played, of 1000 times."""
    with urllib.request.urlopen(f"{sim.control_url}/scripts") as response:
        scripts = json.load(response)["scripts"]
    [left] = [each["left"] for each in scripts if each["provider"] == "oauth"]
    return 1000 - int(left)
