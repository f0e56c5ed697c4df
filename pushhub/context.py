"""The application's context: what it is made of besides its database, which is settings, keys, channels, quotas and
the alarm clock of its dispatcher. Use cases reach it with `current()`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app

from pushhub.channels.contract import Channel
from pushhub.kernel.quotas import Quotas
from pushhub.kernel.sealing import Keyring
from pushhub.kernel.settings import Settings

_EXTENSION = "pushhub"


def _nobody_to_wake(channel: str) -> None:
    """No dispatcher runs in this process; those beside it notice by LISTEN/NOTIFY or by polling."""


@dataclass(slots=True)
class AppContext:
    """One for each application object."""

    settings: Settings
    keyring: Keyring
    #: The configured ways out by name: `fcm`, `apns`, `poll`.
    channels: Mapping[str, Channel]
    #: Callers by the digest of their API key, with the monotonic time until which they are believed.
    recognised: dict[str, tuple[object, float]] = field(default_factory=dict, repr=False)
    #: How often somebody may call in a minute.
    quotas: Quotas = field(default_factory=Quotas)
    #: Tells the dispatcher of this process that something is due on a channel.
    wake: Callable[[str], None] = field(default=_nobody_to_wake)


def attach(app: Flask, context: AppContext) -> None:
    app.extensions[_EXTENSION] = context


def current() -> AppContext:
    """The context of the current application."""
    return cast(AppContext, current_app.extensions[_EXTENSION])
