"""The channels as settings make them, against the simulators."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from channel_material import message

from pushhub.channels.configured import configured_channels
from pushhub.channels.contract import USUAL, Address, Channel, Message, Outcome, PushKind, PushTarget, TimeLimits
from pushhub.kernel import clock
from pushhub.kernel.settings import Settings, load_settings
from simulators import Simulators

HMS_TARGET = "IQAAAACy0SecretHmsTarget-0001"
NUMBER = "+77010009876"
MAILBOX = "secret.parent@mail.kz"

LEAST = {
    "PUSHHUB_DATABASE_URL": "sqlite:////tmp/pushhub.db",
    "PUSHHUB_KEY_FILE": "keys.json",
    "PUSHHUB_PUBLIC_URL": "https://codes.example.kz",
}


def settings_of(sim: Simulators, **changes: str) -> Settings:
    return load_settings({**LEAST, **sim.settings(), **changes})


#: The setting without which a channel is not built.
NEEDS = {
    **{"fcm": "fcm_credentials", "apns": "apns_key", "hms": "hms_secret", "webpush": "vapid_key"},
    **{"sms": "sms_url", "email": "smtp_url"},
}


def build(sim: Simulators, *names: str, limits: TimeLimits = USUAL, **changes: str) -> dict[str, Channel]:
    """The channels of these names; all, where none is named."""
    left_out = {setting: None for name, setting in NEEDS.items() if names and name not in names}
    return configured_channels(replace(settings_of(sim, **changes), **left_out), limits)


def send(sim: Simulators, name: str, *messages: Message, limits: TimeLimits = USUAL, **changes: str) -> list[Outcome]:
    """Send one after the other through one channel."""

    async def work() -> list[Outcome]:
        channels = build(sim, name, limits=limits, **changes)
        try:
            return [await channels[name].send(each) for each in messages]
        finally:
            for channel in channels.values():
                await channel.close()

    return asyncio.run(work())


def fresh(target: PushTarget | Address, **changes: Any) -> Message:
    fields: dict[str, Any] = {"id": uuid4(), "expires_at": clock.now() + timedelta(seconds=120)}
    return message(target=target, **{**fields, **changes})


def to_hms(value: str = HMS_TARGET, **changes: Any) -> Message:
    return fresh(PushTarget(PushKind.HMS, value), **changes)


def to_browser(subscription: dict[str, Any], **changes: Any) -> Message:
    return fresh(PushTarget(PushKind.WEBPUSH, json.dumps(subscription)), **changes)


def to_number(number: str = NUMBER, **changes: Any) -> Message:
    return fresh(Address(number), **changes)


def to_mailbox(mailbox: str = MAILBOX, **changes: Any) -> Message:
    return fresh(Address(mailbox), **changes)
