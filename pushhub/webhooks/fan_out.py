"""Which webhooks are told of which events: a message for each, in the transaction that gives events their order."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.events.models import Event, Tag
from pushhub.kernel import clock
from pushhub.kernel.db import list_has, lock_key_share
from pushhub.webhooks.models import Webhook, WebhookMessage
from pushhub.webhooks.rules import MessageStatus


def queue_messages(session: Session, after: int, until: int) -> None:
    """One message for each enabled webhook of an event's product and side (live or test) that wants its kind. A
    test is told to the webhook that is tested, whatever else it wants."""
    now = clock.now()
    wanted = sa.or_(sa.func.json_array_length(Webhook.tags) == 0, list_has(Webhook.tags, Event.tag))
    told = (
        sa.select(
            Webhook.id,
            Event.position,
            Event.subject_id,
            sa.literal(str(MessageStatus.QUEUED)),
            sa.literal(0),
            sa.literal(now, WebhookMessage.claimable_at.type),
            sa.literal(now, WebhookMessage.created_at.type),
            sa.literal(now, WebhookMessage.changed_at.type),
        )
        .join(Webhook, sa.and_(Webhook.product_id == Event.product_id, Webhook.live == Event.live))
        .where(
            Event.sequence > after,
            Event.sequence <= until,
            Webhook.disabled_at.is_(None),
            sa.case((Event.tag == Tag.WEBHOOK_TEST, Webhook.id == Event.subject_id), else_=wanted),
        )
    )
    columns = (
        "webhook_id",
        "event_position",
        "subject_id",
        "status",
        "tries",
        "claimable_at",
        "created_at",
        "changed_at",
    )
    queued = sa.insert(WebhookMessage).from_select(columns, lock_key_share(told, Webhook), include_defaults=False)
    session.execute(queued)
