"""The queue of messages to webhooks: claimed with a lease, a few of each webhook, written in batches.

What is told of one thing (one verification, one delivery) goes out in its order: a message waits while an earlier
one of the same subject to the same webhook has not had its first try. It does not wait for further tries, so a
message that an endpoint chokes on holds up nobody for hours.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from pushhub.context import hub
from pushhub.events import record
from pushhub.events.document import event_body
from pushhub.events.record import Event, Tag
from pushhub.kernel import clock
from pushhub.kernel.db import ManyRows, reading, skip_locked, table_of, transaction
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.ids import Prefix, public_id
from pushhub.webhooks.models import Webhook, WebhookMessage, WebhookSecret, secret_context
from pushhub.webhooks.rules import WAITING, Answer, DisabledReason, MessageStatus, after_try

#: How long a claimed message belongs to its sender: much longer than a try.
LEASE = timedelta(seconds=60)
#: Webhooks looked at in one go.
_WEBHOOKS_AT_ONCE = 50

Key = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message a sender holds, with all that it needs to send it."""

    webhook_id: UUID
    event_position: int
    tries: int
    #: The event's public id: the same on every try.
    message_id: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    #: The current secret first; empty where they can't be read.
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def key(self) -> Key:
        return self.webhook_id, self.event_position


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try."""

    claimed: Claimed
    answer: Answer


def claim(owner: UUID, limit: int, room_of: Callable[[UUID], int]) -> list[Claimed]:
    """Take due messages for `owner`: of each webhook at most the room that it has, `limit` in all."""
    with reading() as session:
        due: list[UUID] = list(session.scalars(_webhooks_with_something_due()).all())
    random.shuffle(due)  # so that none is always the last to be looked at
    rooms = [(webhook_id, room) for webhook_id in due if (room := room_of(webhook_id)) > 0]
    if not rooms or limit <= 0:
        return []
    taken: dict[Key, int] = {}
    with transaction() as session:
        for webhook_id, room in rooms[:_WEBHOOKS_AT_ONCE]:
            if len(taken) >= limit:
                break
            taken |= _take(session, owner, webhook_id, min(room, limit - len(taken)))
        return _loaded(session, taken)


def _is(column: Any, *statuses: MessageStatus) -> sa.ColumnElement[bool]:
    """`column IN ('queued', …)`, written out and not bound: only so a planner sees that a partial index fits."""
    found: sa.ColumnElement[bool] = column.in_([sa.literal_column(f"'{status}'") for status in statuses])
    return found


def _due() -> list[sa.ColumnElement[bool]]:
    return [_is(WebhookMessage.status, *WAITING), WebhookMessage.claimable_at <= clock.now()]


def _webhooks_with_something_due() -> sa.Select[Any]:
    something = sa.exists().where(WebhookMessage.webhook_id == Webhook.id, *_due())
    return sa.select(Webhook.id).where(Webhook.disabled_at.is_(None), something)


def _take(session: Session, owner: UUID, webhook_id: UUID, room: int) -> dict[Key, int]:
    earlier = aliased(WebhookMessage)
    not_its_turn = sa.exists().where(
        earlier.webhook_id == webhook_id,
        earlier.subject_id == WebhookMessage.subject_id,
        earlier.event_position < WebhookMessage.event_position,
        _is(earlier.status, *WAITING),
        earlier.tries == sa.case((_is(earlier.status, MessageStatus.QUEUED), 0), else_=1),
    )
    picked = skip_locked(
        sa.select(WebhookMessage.event_position)
        # In a CASE it is asked for each candidate, by its index. As a join PostgreSQL may read all that waits for
        # each candidate, and does so where a burst came before its statistics.
        .where(WebhookMessage.webhook_id == webhook_id, *_due(), sa.case((not_its_turn, sa.false()), else_=sa.true()))
        .order_by(WebhookMessage.claimable_at, WebhookMessage.event_position)
        .limit(room)
    ).cte("picked")
    now = clock.now()
    rows = session.execute(
        sa.update(WebhookMessage)
        .where(WebhookMessage.webhook_id == webhook_id, WebhookMessage.event_position == picked.c.event_position)
        .values(
            status=MessageStatus.SENDING,
            claimable_at=now + LEASE,
            lease_owner=owner,
            tries=WebhookMessage.tries + 1,
            changed_at=now,
        )
        .returning(WebhookMessage.event_position, WebhookMessage.tries)
        .execution_options(synchronize_session=False)
    )
    return {(webhook_id, row.event_position): row.tries for row in rows.all()}


def _loaded(session: Session, taken: dict[Key, int]) -> list[Claimed]:
    if not taken:
        return []
    webhook_ids = {webhook_id for webhook_id, _ in taken}
    addresses = session.execute(sa.select(Webhook.id, Webhook.url).where(Webhook.id.in_(webhook_ids)))
    urls = {row.id: row.url for row in addresses}
    positions = {position for _, position in taken}
    found = {event.position: event for event in session.scalars(sa.select(Event).where(Event.position.in_(positions)))}
    secrets = _secrets(session, webhook_ids)
    return [
        Claimed(
            webhook_id,
            position,
            tries,
            public_id(Prefix.EVENT, found[position].id),
            urls[webhook_id],
            event_body(found[position]),
            secrets[webhook_id],
        )
        for (webhook_id, position), tries in sorted(taken.items(), key=lambda entry: entry[0][1])
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
            found[webhook_id] += (hub().keyring.unseal(sealed, secret_context(secret_id)),)
        except (ConfigurationError, ValueError):
            unreadable.add(webhook_id)
    return found | dict.fromkeys(unreadable, ())


_WRITTEN = ("webhook_id", "event_position", "tries", "status", "claimable_at", "last_status", "error")
_outcomes = ManyRows("outcomes", *(table_of(WebhookMessage).c[name] for name in _WRITTEN))


def complete(owner: UUID, tried: Sequence[Tried]) -> None:
    """Write the outcomes of many tries in one statement. A message whose lease ran out belongs to somebody else by
    now and is left alone. A webhook whose endpoint is gone is disabled."""
    now = clock.now()
    rows = []
    for entry in tried:
        claimed, answer = entry.claimed, entry.answer
        step = after_try(answer, tries=claimed.tries, now=now, jitter=random.random)
        rows.append((*claimed.key, claimed.tries, str(step.status), step.due or now, answer.status, step.error))
    outcomes = _outcomes.table
    with transaction() as session:
        session.execute(
            sa.update(WebhookMessage)
            .where(
                WebhookMessage.webhook_id == outcomes.c.webhook_id,
                WebhookMessage.event_position == outcomes.c.event_position,
                WebhookMessage.tries == outcomes.c.tries,
                WebhookMessage.lease_owner == owner,
                WebhookMessage.status == MessageStatus.SENDING,
            )
            .values(
                status=outcomes.c.status,
                claimable_at=outcomes.c.claimable_at,
                last_status=outcomes.c.last_status,
                error=outcomes.c.error,
                lease_owner=None,
                changed_at=now,
            )
            .execution_options(synchronize_session=False),
            _outcomes.parameter(rows),
        )
        for webhook_id, url in {(entry.claimed.webhook_id, entry.claimed.url) for entry in tried if entry.answer.gone}:
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
    """Give up what is not under way at this moment; a try that is gets its own outcome."""
    now, message = clock.now(), WebhookMessage
    idle = sa.or_(_is(message.status, MessageStatus.QUEUED), message.claimable_at <= now)
    session.execute(
        sa.update(WebhookMessage)
        .where(which, _is(message.status, *WAITING), idle)
        .values(status=MessageStatus.FAILED, error="webhook_disabled", lease_owner=None, changed_at=now)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages wait for their next try, and how many were given up in the last 30 days."""

    waiting: int
    failed: int


def counts() -> Counts:
    """What `/metrics` tells of the queue."""
    waiting, failed = _is(WebhookMessage.status, *WAITING), _is(WebhookMessage.status, MessageStatus.FAILED)
    with reading() as session:
        return Counts(
            *(
                session.scalar(sa.select(sa.func.count()).select_from(WebhookMessage).where(which)) or 0
                for which in (waiting, failed)
            )
        )


DELIVERED_KEPT = timedelta(days=7)
FAILED_KEPT = timedelta(days=30)


def sweep(session: Session, limit: int = 1000) -> None:
    """Delete messages that are done and old, and secrets that sign no more; give up what was under way, or just
    being queued, when its webhook was disabled."""
    now = clock.now()
    for status, life in ((MessageStatus.DELIVERED, DELIVERED_KEPT), (MessageStatus.FAILED, FAILED_KEPT)):
        old = (
            sa.select(WebhookMessage.webhook_id, WebhookMessage.event_position)
            .where(_is(WebhookMessage.status, status), WebhookMessage.changed_at < now - life)
            .limit(limit)
        )
        key = sa.tuple_(WebhookMessage.webhook_id, WebhookMessage.event_position)
        session.execute(sa.delete(WebhookMessage).where(key.in_(old)).execution_options(synchronize_session=False))
    _fail_waiting(session, WebhookMessage.webhook_id.in_(sa.select(Webhook.id).where(Webhook.disabled_at.is_not(None))))
    session.execute(sa.delete(WebhookSecret).where(WebhookSecret.signs_until <= now))
