"""The relay as the dispatcher runs it, a sender outside a dispatcher, and what a product does with its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

from flask import Flask

from pushhub.events import relay
from pushhub.events.models import Tag
from pushhub.events.record import record
from pushhub.kernel.db import transaction
from pushhub.kernel.ids import new_key
from pushhub.queueing.worker import DatabaseThreads
from pushhub.webhooks.fan_out import queue_messages
from pushhub.webhooks.sender import WebhookSender
from tests.support.actors import Shop, expect

Relay = Callable[[], int]

#: Number events, and queue the messages that tell webhooks of them.
relay_events = partial(relay.relay_events, queue_messages)


def webhook_sender(app: Flask, **options: Any) -> WebhookSender:
    """A sender with threads of its own; `options` are those of `WebhookSender`."""
    with app.app_context():
        return WebhookSender(DatabaseThreads(app, 2), **options)


class Webhooks:
    """The webhooks of a product, and what tells them of its events."""

    def __init__(self, shop: Shop, sender: WebhookSender, relay: Relay) -> None:
        self._shop = shop
        self._sender = sender
        #: Number everything that is committed.
        self.relay = relay

    def register(self, url: str, key: str | None = None, **more: Any) -> dict[str, Any]:
        return expect(self._shop.call("POST", "/v1/webhooks", {"url": url, **more}, key=key), 201)

    def tell(self) -> None:
        """Relay and send everything that is due now."""
        while self.relay():
            asyncio.run(self._sender.empty())
        asyncio.run(self._sender.empty())

    def show(self, webhook: dict[str, Any]) -> dict[str, Any]:
        return expect(self._shop.call("GET", f"/v1/webhooks/{webhook['id']}"), 200)

    def change(self, webhook: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return expect(self._shop.call("PATCH", f"/v1/webhooks/{webhook['id']}", changes), 200)

    def rotate(self, webhook: dict[str, Any]) -> dict[str, Any]:
        """Have its secret exchanged."""
        return expect(self._shop.call("POST", f"/v1/webhooks/{webhook['id']}/rotate"), 200)

    def deliveries(self, webhook: dict[str, Any]) -> list[dict[str, Any]]:
        """What became of the messages to it, newest first."""
        shown = expect(self._shop.call("GET", f"/v1/webhooks/{webhook['id']}/deliveries"), 200)
        return list(shown["items"])

    def outcomes(self, webhook: dict[str, Any]) -> list[tuple[str, str | None]]:
        """(status, error) of the messages to it, newest first."""
        return [(one["status"], one["error"]) for one in self.deliveries(webhook)]


@asynccontextmanager
async def at_work(sender: WebhookSender) -> AsyncIterator[None]:
    """It runs, as in a dispatcher, as long as the block lasts."""
    stopping = asyncio.Event()
    running = asyncio.create_task(sender.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        sender.wake()
        await asyncio.wait_for(running, 10)


def make_events(app: Flask, product_id: UUID, count: int) -> None:
    """So many events happen to a product."""
    with app.app_context(), transaction() as session:
        for _ in range(count):
            record(session, Tag.OFFER_CREATED, new_key(), product_id)
