"""Everything that a dispatcher does, in one list.

lanes         a channel and a kind of message each: claim, send, settle
webhooks      events go out to the addresses that products have named
mail          letters of the cabinets
escalation    codes without a receipt go on to their next channel
fan-out       notifications become deliveries, a few hundred at a time
relay         events get their order, and webhooks are told of them
mail server   a look at whether it takes letters, when a page has asked
chores        what time does to rows, the sign of life, open circuits
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask

from pushhub.channels.contract import Channel
from pushhub.context import current
from pushhub.dispatcher import circuits, housekeeping
from pushhub.dispatcher.circuits import Circuits
from pushhub.dispatcher.dispatcher import Work
from pushhub.dispatcher.lane import Lane
from pushhub.dispatcher.presence import Presence
from pushhub.events.relay import relay_events
from pushhub.mail.health import MAIL_SERVER, look_at_server
from pushhub.mail.transport import transport_of
from pushhub.mail.worker import MailWorker
from pushhub.notifications.fan_out import FAN_OUT, fan_out_due
from pushhub.notifications.notification_message import NOTIFICATIONS
from pushhub.queueing.worker import DatabaseThreads, Job, logged
from pushhub.verifications.code_message import CODES
from pushhub.verifications.escalation import escalate_due
from pushhub.webhooks.fan_out import queue_messages
from pushhub.webhooks.sender import WebhookSender

_DATABASE_THREADS = 8
_WEBHOOK_THREADS = 2
_CHORES_SECONDS = 5.0
#: How often what falls due by time is looked for: codes that go on, notifications for later, events to tell.
_LOOK_SECONDS = 0.5


def work_of(app: Flask) -> Work:
    """The work of one application's dispatcher."""
    with app.app_context():
        parts = current()
        # Of its own: claims of webhooks are many statements, and codes must not wait for them.
        database, for_webhooks = DatabaseThreads(app, _DATABASE_THREADS), DatabaseThreads(app, _WEBHOOK_THREADS)
        webhooks = WebhookSender(for_webhooks)
    presence = Presence()
    channels = list(parts.channels.values())
    shared = [Circuits(channel.name) for channel in channels]
    escalation = Job("escalation", partial(database.run, lambda: escalate_due() > 0), _LOOK_SECONDS)
    lanes = _lanes(channels, shared, presence, database, escalation.wake)
    transport = transport_of(parts.channels)

    async def relay() -> bool:
        numbered = await database.run(partial(relay_events, queue_messages))
        if numbered:
            webhooks.wake()
        return numbered > 0

    async def do_chores() -> bool:
        for chore in (presence.beat, housekeeping.sweep, partial(circuits.write_down, shared)):
            with logged("chores"):
                await database.run(chore)
        return False

    async def close() -> None:
        for channel in channels:
            await channel.close()
        await database.finish()
        await for_webhooks.finish()

    return Work(
        workers=[*lanes, webhooks, MailWorker(presence.owner, database, transport)],
        jobs=[
            Job("chores", do_chores, _CHORES_SECONDS),
            escalation,
            Job(FAN_OUT, partial(database.run, fan_out_due), _LOOK_SECONDS),
            Job("relay", relay, _LOOK_SECONDS),
            Job(MAIL_SERVER, partial(look_at_server, database, transport), _LOOK_SECONDS),
        ],
        close=close,
    )


def _lanes(
    channels: list[Channel],
    shared: list[Circuits],
    presence: Presence,
    database: DatabaseThreads,
    escalate_now: Callable[[], None],
) -> list[Lane]:
    pairs = list(zip(channels, shared, strict=True))
    codes = [
        Lane(CODES, channel, circuits, presence, database, escalate_now=escalate_now) for channel, circuits in pairs
    ]

    def codes_wait() -> bool:
        return any(lane.behind for lane in codes)

    return codes + [
        Lane(NOTIFICATIONS, channel, circuits, presence, database, escalate_now=escalate_now, goes_first=codes_wait)
        for channel, circuits in pairs
    ]
