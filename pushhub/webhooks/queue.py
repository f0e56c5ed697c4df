"""The queue of messages to webhooks: a few of each webhook are claimed, with all that is needed to send them.

What is told of one thing (one verification, one delivery) goes out in its order: a message waits while an earlier
one of the same subject to the same webhook has not had its first try. It does not wait for further tries, so a
message that an endpoint chokes on holds up nobody for hours.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from pushhub.context import current
from pushhub.events import record
from pushhub.events.document import event_body
from pushhub.events.models import Event, Tag
from pushhub.kernel import clock
from pushhub.kernel.db import reading, table_of, transaction
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.ids import Prefix, public_id
from pushhub.queueing.lease_queue import Counts, Lease, LeaseQueue, QueueStatus, Transition
from pushhub.queueing.worker import AttemptResult
from pushhub.webhooks.models import Webhook, WebhookMessage, WebhookSecret, secret_context
from pushhub.webhooks.rules import DisabledReason, EndpointAnswer, MessageStatus, after_try

#: A lease is much longer than a try.
QUEUE = LeaseQueue(WebhookMessage, timedelta(seconds=60), results=("last_status",))
#: Webhooks looked at in one go.
_WEBHOOKS_AT_ONCE = 50


#: Webhook, and position of the event.
MessageKey = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class LeasedMessage:
    """One message a sender holds, with all that it needs to send it."""

    #: Its key is a `MessageKey`.
    lease: Lease
    #: The event's public id: the same on every try.
    message_id: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    #: The current secret first; empty where they can't be read.
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def webhook_id(self) -> UUID:
        return cast(MessageKey, self.lease.key)[0]


MessageResult = AttemptResult[LeasedMessage, EndpointAnswer]

_columns = table_of(WebhookMessage).c
_earlier = aliased(WebhookMessage)
_not_its_turn = sa.exists().where(
    _earlier.webhook_id == _columns.webhook_id,
    _earlier.subject_id == _columns.subject_id,
    _earlier.event_position < _columns.event_position,
    _earlier.status.in_([sa.literal_column(f"'{status}'") for status in QueueStatus]),
    _earlier.tries == sa.case((_earlier.status == sa.literal_column(f"'{QueueStatus.QUEUED}'"), 0), else_=1),
)
_CLAIMING = QUEUE.claiming(
    _columns.webhook_id == sa.bindparam("of_webhook"),
    # In a CASE it is asked for each candidate, by its index. As a join PostgreSQL may read all that waits for each
    # candidate, and does so where a burst came before its statistics.
    sa.case((_not_its_turn, sa.false()), else_=sa.true()),
    then_by=(_columns.event_position,),
)
_WITH_SOMETHING_DUE = sa.select(Webhook.id).where(
    Webhook.disabled_at.is_(None),
    sa.exists().where(
        WebhookMessage.webhook_id == Webhook.id, QUEUE.waits, WebhookMessage.claimable_at <= sa.bindparam("now")
    ),
)


def claim(owner: UUID, limit: int, room_of: Callable[[UUID], int]) -> list[LeasedMessage]:
    """Take due messages for `owner`: of each webhook at most the room that it has, `limit` in all."""
    with reading() as session:
        due: list[UUID] = list(session.scalars(_WITH_SOMETHING_DUE, {"now": clock.now()}).all())
    random.shuffle(due)  # so that none is always the last to be looked at
    rooms = [(webhook_id, room) for webhook_id in due if (room := room_of(webhook_id)) > 0]
    if not rooms or limit <= 0:
        return []
    leases: list[Lease] = []
    with transaction() as session:
        for webhook_id, room in rooms[:_WEBHOOKS_AT_ONCE]:
            if len(leases) >= limit:
                break
            most = min(room, limit - len(leases))
            leases += QUEUE.claim(session, _CLAIMING, owner, most, of_webhook=webhook_id).leases.values()
        return _loaded(session, leases)


def _loaded(session: Session, leases: Sequence[Lease]) -> list[LeasedMessage]:
    if not leases:
        return []
    keys = {lease: cast(MessageKey, lease.key) for lease in leases}
    webhook_ids = {webhook_id for webhook_id, _ in keys.values()}
    addresses = session.execute(sa.select(Webhook.id, Webhook.url).where(Webhook.id.in_(webhook_ids)))
    urls = dict(addresses.all())
    positions = {position for _, position in keys.values()}
    found = {event.position: event for event in session.scalars(sa.select(Event).where(Event.position.in_(positions)))}
    secrets = _secrets(session, webhook_ids)
    return [
        LeasedMessage(
            lease,
            public_id(Prefix.EVENT, found[position].id),
            urls[webhook_id],
            event_body(found[position]),
            secrets[webhook_id],
        )
        for lease, (webhook_id, position) in sorted(keys.items(), key=lambda entry: entry[1][1])
    ]


def _secrets(session: Session, webhook_ids: set[UUID]) -> dict[UUID, tuple[str, ...]]:
    """The secrets that sign now, by webhook, the current one first; none where one of them can't be read."""
    rows = session.execute(
        sa.select(WebhookSecret.webhook_id, WebhookSecret.id, WebhookSecret.sealed)
        .where(
            WebhookSecret.webhook_id.in_(webhook_ids),
            sa.or_(WebhookSecret.signs_until.is_(None), WebhookSecret.signs_until > clock.now()),
        )
        .order_by(WebhookSecret.signs_until.is_not(None), WebhookSecret.signs_until.desc())
    ).all()
    found: dict[UUID, tuple[str, ...]] = dict.fromkeys(webhook_ids, ())
    unreadable = set()
    for webhook_id, secret_id, sealed in rows:
        try:
            found[webhook_id] += (current().keyring.unseal(sealed, secret_context(secret_id)),)
        except (ConfigurationError, ValueError):
            unreadable.add(webhook_id)
    return found | dict.fromkeys(unreadable, ())


def complete(owner: UUID, results: Sequence[MessageResult]) -> None:
    """Write the outcomes of many tries in one statement. A message whose lease ran out belongs to somebody else by
    now and is left alone. A webhook whose endpoint is gone is disabled."""
    now = clock.now()
    with transaction() as session:
        QUEUE.write(
            session,
            owner,
            ((result.item.lease, _transition(result, now), (result.outcome.status,)) for result in results),
        )
        _disable_gone(session, results)


def _transition(result: MessageResult, now: datetime) -> Transition:
    return after_try(result.outcome, tries=result.item.lease.tries, now=now, jitter=random.random)


def _disable_gone(session: Session, results: Sequence[MessageResult]) -> None:
    """Tell nothing more to webhooks whose endpoint answered 410."""
    for webhook_id, url in {(each.item.webhook_id, each.item.url) for each in results if each.outcome.gone}:
        # Said by the address that was called: a webhook that has another one by now goes on.
        disable(session, Webhook.id == webhook_id, Webhook.url == url, reason=DisabledReason.GONE)


def disable(session: Session, *which: sa.ColumnElement[bool], reason: DisabledReason) -> None:
    """Tell a webhook nothing from now on; what waits for it fails. Changes nothing where it is disabled already."""
    now = clock.now()
    row = session.execute(
        sa.update(Webhook)
        .where(*which, Webhook.disabled_at.is_(None))
        .values(disabled_at=now, disabled_reason=reason)
        .returning(Webhook.id, Webhook.product_id, Webhook.live)
        .execution_options(synchronize_session=False)
    ).first()
    if row is not None:
        _fail_waiting(session, WebhookMessage.webhook_id == row.id)
        record.record(session, Tag.WEBHOOK_DISABLED, row.id, row.product_id, live=row.live, reason=str(reason))


def _fail_waiting(session: Session, which: sa.ColumnElement[bool]) -> None:
    """Give up what is not under way at this moment."""
    QUEUE.end_idle(session, which, status=MessageStatus.FAILED, error="webhook_disabled")


def counts() -> Counts:
    """How many messages wait for their next try, and how many were given up in the last 30 days."""
    return QUEUE.counts(MessageStatus.FAILED)


DELIVERED_KEPT = timedelta(days=7)
FAILED_KEPT = timedelta(days=30)


def sweep(session: Session, limit: int = 1000) -> None:
    """Delete messages that are done and old, and secrets that sign no more; give up what was under way, or just
    being queued, when its webhook was disabled."""
    now = clock.now()
    for status, life in ((MessageStatus.DELIVERED, DELIVERED_KEPT), (MessageStatus.FAILED, FAILED_KEPT)):
        old = (
            sa.select(WebhookMessage.webhook_id, WebhookMessage.event_position)
            .where(QUEUE.status_is(status), WebhookMessage.changed_at < now - life)
            .limit(limit)
        )
        key = sa.tuple_(WebhookMessage.webhook_id, WebhookMessage.event_position)
        session.execute(sa.delete(WebhookMessage).where(key.in_(old)).execution_options(synchronize_session=False))
    _fail_waiting(session, WebhookMessage.webhook_id.in_(sa.select(Webhook.id).where(Webhook.disabled_at.is_not(None))))
    session.execute(sa.delete(WebhookSecret).where(WebhookSecret.signs_until <= now))
