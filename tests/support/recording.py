"""The channels of tests, which keep what they are given, and what happens while they send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flask import Flask

from pushhub.channels.contract import Message, Outcome
from pushhub.channels.recording import RecordingChannel

Channels = Callable[[str], RecordingChannel]


def recording(app: Flask, name: str) -> RecordingChannel:
    """The channel of this name."""
    channel = app.extensions["pushhub"].channels[name]
    assert isinstance(channel, RecordingChannel)
    return channel


def while_sending(channel: RecordingChannel, action: Callable[[Message], object]) -> None:
    """From now on `action` is done, on a thread of its own, just before each message goes out by this channel."""
    really_send = channel.send

    async def send(message: Message) -> Outcome:
        await asyncio.to_thread(action, message)
        return await really_send(message)

    channel.send = send  # type: ignore[method-assign]
