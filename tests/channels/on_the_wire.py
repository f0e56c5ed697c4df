"""FCM and APNs as they are built from settings, against the simulated providers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from channel_material import apns_target, message, run
from wire_world import channels, fresh_fields

from pushhub.channels.contract import USUAL, ApnsEnvironment, Message, Outcome, PushKind, PushTarget, TimeLimits
from simulators import Simulators

FCM, FID, APNS = PushKind.FCM_TOKEN, PushKind.FCM_FID, PushKind.APNS
OTHER, SANDBOX = apns_target("b" * 64), apns_target(environment=ApnsEnvironment.SANDBOX)


#: FCM and APNs, until the end of a block.
both = partial(channels, names=("fcm", "apns"))


def send(sim: Simulators, *messages: Message, limits: TimeLimits = USUAL, **changes: str) -> list[Outcome]:
    """Send one after the other, each through the channel that its target is for."""

    async def work() -> list[Outcome]:
        async with both(sim, limits=limits, **changes) as built:
            return [await built[name_of(each)].send(each) for each in messages]

    return run(work())


def name_of(sent: Message) -> str:
    assert isinstance(sent.target, PushTarget)
    return "apns" if sent.target.kind is PushKind.APNS else "fcm"


def fresh(kind: PushKind = FCM, **changes: Any) -> Message:
    return message(kind, **fresh_fields() | changes)


def connections(sim: Simulators, provider: str | None = None) -> Sequence[int]:
    """By which connection each message arrived, counted from 1 in the order in which they came."""
    numbers = [each.connection for each in sim.arrived(provider)]
    order = {number: place for place, number in enumerate(dict.fromkeys(numbers), 1)}
    return [order[number] for number in numbers]
