"""The relay as the dispatcher runs it, and a sender outside a dispatcher."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Flask

from pushhub.events import relay
from pushhub.queueing.worker import DatabaseThreads
from pushhub.webhooks.fan_out import queue_messages
from pushhub.webhooks.sender import WebhookSender

#: Number events, and queue the messages that tell webhooks of them.
relay_events = partial(relay.relay_events, queue_messages)


def webhook_sender(app: Flask, **options: Any) -> WebhookSender:
    """A sender with threads of its own; `options` are those of `WebhookSender`."""
    with app.app_context():
        return WebhookSender(DatabaseThreads(app, 2), **options)
