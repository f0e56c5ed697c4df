"""The channels as they are built from settings, against the simulated providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from channel_material import message, run

from pushhub.channels.apns import ApnsChannel
from pushhub.channels.configured import configured_channels
from pushhub.channels.contract import USUAL, Channel, Message, Outcome, PushKind, PushTarget, TimeLimits
from pushhub.channels.fcm import FcmChannel
from pushhub.kernel import clock
from simulators import Simulators

FCM, FID, APNS = PushKind.FCM_TOKEN, PushKind.FCM_FID, PushKind.APNS


@dataclass(frozen=True)
class FromEnvironment:
    """The settings of FCM and APNs out of `Simulators.settings()`; nothing else is set."""

    environment: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith(("fcm_", "apns_", "provider_")):
            return None
        value = self.environment[f"PUSHHUB_{name.upper()}"]
        return Path(value) if name in ("fcm_credentials", "apns_key", "provider_ca") else value


@asynccontextmanager
async def channels(sim: Simulators, limits: TimeLimits = USUAL, **changes: str) -> AsyncIterator[dict[str, Channel]]:
    """FCM and APNs."""
    built = configured_channels(FromEnvironment({**sim.settings(), **changes}), limits)
    try:
        yield {name: each for name, each in built.items() if isinstance(each, (FcmChannel, ApnsChannel))}
    finally:
        for each in built.values():
            await each.close()


def send(sim: Simulators, *messages: Message, limits: TimeLimits = USUAL, **changes: str) -> list[Outcome]:
    """Send one after the other, each through the channel that its target is for."""

    async def work() -> list[Outcome]:
        async with channels(sim, limits, **changes) as built:
            return [await built[name_of(each)].send(each) for each in messages]

    return run(work())


def name_of(sent: Message) -> str:
    assert isinstance(sent.target, PushTarget)
    return "apns" if sent.target.kind is PushKind.APNS else "fcm"


def fresh(kind: PushKind = FCM, **changes: Any) -> Message:
    return message(kind, **{"id": uuid4(), "expires_at": clock.now() + timedelta(seconds=120), **changes})


def connections(sim: Simulators, provider: str | None = None) -> Sequence[int]:
    """By which connection each message arrived, counted from 1 in the order in which they came."""
    numbers = [each.connection for each in sim.arrived(provider)]
    order = {number: place for place, number in enumerate(dict.fromkeys(numbers), 1)}
    return [order[number] for number in numbers]
