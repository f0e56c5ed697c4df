"""The channels as settings make them, against the simulators."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from channel_material import message, run

from pushhub.channels.configured import configured_channels
from pushhub.channels.contract import USUAL, Address, Channel, Message, Outcome, PushKind, PushTarget, TimeLimits
from pushhub.kernel import clock
from pushhub.kernel.settings import Settings, load_settings
from simulators import Simulators
from tests.support.environments import least_settings

HMS_TARGET = "IQAAAACy0SecretHmsTarget-0001"
NUMBER = "+77010009876"
MAILBOX = "secret.parent@mail.kz"


def settings_of(sim: Simulators, **changes: str) -> Settings:
    least = least_settings("sqlite:////tmp/pushhub.db", "keys.json")
    return load_settings({**least, **sim.settings(), **changes})


#: The setting without which a channel is not built.
NEEDS = {
    **{"fcm": "fcm_credentials", "apns": "apns_key", "hms": "hms_secret", "webpush": "vapid_key"},
    **{"sms": "sms_url", "email": "smtp_url"},
}


def build(sim: Simulators, *names: str, limits: TimeLimits = USUAL, **changes: str) -> dict[str, Channel]:
    """The channels of these names; all, where none is named."""
    left_out = {setting: None for name, setting in NEEDS.items() if names and name not in names}
    return configured_channels(replace(settings_of(sim, **changes), **left_out), limits)


@asynccontextmanager
async def channels(
    sim: Simulators, *, names: Sequence[str], limits: TimeLimits = USUAL, **changes: str
) -> AsyncIterator[dict[str, Channel]]:
    """The channels of these names, until the end of the block."""
    built = build(sim, *names, limits=limits, **changes)
    try:
        yield built
    finally:
        for each in built.values():
            await each.close()


def send(sim: Simulators, name: str, *messages: Message, limits: TimeLimits = USUAL, **changes: str) -> list[Outcome]:
    """Send one after the other through one channel."""

    async def work() -> list[Outcome]:
        async with channels(sim, names=[name], limits=limits, **changes) as built:
            return [await built[name].send(each) for each in messages]

    return run(work())


def fresh_fields() -> dict[str, Any]:
    """What a message has that is written now."""
    return {"id": uuid4(), "expires_at": clock.now() + timedelta(seconds=120)}


def fresh(target: PushTarget | Address, **changes: Any) -> Message:
    return message(target=target, **fresh_fields() | changes)


def to_hms(value: str = HMS_TARGET, **changes: Any) -> Message:
    return fresh(PushTarget(PushKind.HMS, value), **changes)


def to_browser(subscription: dict[str, Any] | str, **changes: Any) -> Message:
    """To what a browser has given the app, as JSON or as it is when it was read."""
    text = subscription if isinstance(subscription, str) else json.dumps(subscription)
    return fresh(PushTarget(PushKind.WEBPUSH, text), **changes)


def to_number(number: str = NUMBER, **changes: Any) -> Message:
    return fresh(Address(number), **changes)


def to_mailbox(mailbox: str = MAILBOX, **changes: Any) -> Message:
    return fresh(Address(mailbox), **changes)
