"""What the tests of notifications share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from pushhub.channels.recording import RecordingChannel
from pushhub.notifications.fan_out import fan_out_due
from tests.notifications.senders import Sender
from tests.support.actors import Shop


@pytest.fixture
def sender(shop: Shop) -> Sender:
    """INDIGO, sending notifications."""
    return Sender(shop)


@pytest.fixture
def fan_out(app: Flask) -> Callable[..., int]:
    """Let notifications become deliveries until nothing is due; returns how many turns it took."""

    def run(limit: int = 500, turns: int = 1000, **more: int) -> int:
        with app.app_context():
            for taken in range(turns):
                if not fan_out_due(limit, **more):
                    return taken
        return turns

    return run


@pytest.fixture
def channel(app: Flask) -> Callable[[str], RecordingChannel]:
    """The channel of this name, which keeps what it is given."""

    def find(name: str) -> RecordingChannel:
        found: Any = app.extensions["pushhub"].channels[name]
        assert isinstance(found, RecordingChannel)
        return found

    return find
