"""Devices without a push service: the message stands in the device's feed, and the device comes for it."""

from __future__ import annotations

from pushhub.channels.contract import Accepted, Message, Outcome


class PollChannel:
    """Accepts everything at once; nothing leaves the house."""

    name = "poll"

    async def send(self, message: Message) -> Outcome:
        """Accepted: the feed is served from the database, so the message is where the device will look."""
        return Accepted("feed")

    async def close(self) -> None:
        """There is nothing to close."""
