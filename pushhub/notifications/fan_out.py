"""From one notification to a delivery for each of its numbers, a page at a time.

A turn takes one notification that is due, reads its next numbers from where its `cursor` stands, moves the cursor by
a guarded statement and writes their deliveries, all in one transaction: whatever happens in between, no number is
left out and none gets two. On PostgreSQL the row is locked and others pass it by; SQLite has one writer at a time.

Whoever is bound gets it: by push where that works, else through the feed (push switched off, target dead, a channel
that is not configured), since the feed is served from the database. Only a number without a device is unreachable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.channel_table import CHANNEL_OF_KIND
from pushhub.channels.contract import PushKind
from pushhub.context import current
from pushhub.delivery.models import Delivery
from pushhub.delivery.outbox import QUEUE, new_delivery
from pushhub.delivery.rules import TEST_CHANNEL, DeliveryKind
from pushhub.devices.models import Binding, Device, Offer, OfferStatus
from pushhub.devices.reachability import COLUMNS, evaluate
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.kernel import clock
from pushhub.kernel.db import ManyRows, ReadRow, db, reading, skip_locked, table_of, transaction
from pushhub.kernel.ids import new_key
from pushhub.notifications.models import Notification
from pushhub.notifications.rules import UNFINISHED, NotificationStatus
from pushhub.queueing.wake import wake_after_commit
from pushhub.verifications.models import Verification

#: Numbers looked at in one turn.
PAGE = 500
#: With more deliveries of notifications waiting than this, no more are made: the tables stay small, and whatever
#: comes next does not stand behind a million rows.
MOST_WAITING = 2_000
#: Under this name dispatchers are woken when there is a notification to turn into deliveries.
FAN_OUT = "fan_out"

#: A number, the device that has it (None with a test key), and the channel that leads there.
Recipient = tuple[str, UUID | None, str]

_FEED = CHANNEL_OF_KIND[PushKind.POLL]
_UNFINISHED = Notification.status.in_(sa.text("'scheduled', 'sending'"))  # word for word as in the index
_DUE = (
    sa.select(
        Notification.id,
        Notification.product_id,
        Notification.live,
        Notification.numbers,
        Notification.cursor,
        Notification.recipients,
        Notification.unreachable,
        Notification.send_at,
        Notification.expires_at,
    )
    .where(_UNFINISHED, Notification.due_at <= sa.bindparam("now"))
    .order_by(Notification.due_at)
    .limit(1)
)


def fan_out_due(limit: int = PAGE, *, most_waiting: int = MOST_WAITING) -> bool:
    """Give one due notification a turn of at most `limit` numbers. False where none is due or more than `most_waiting`
    deliveries wait already: then there is nothing to do until later."""
    now = clock.now()
    with reading() as session:
        if session.scalar(_ANY_DUE, {"now": now}) is None or _waiting(session, most_waiting + 1) > most_waiting:
            return False
    with transaction() as session:
        notification = session.execute(skip_locked(_DUE), {"now": now}).first()
        if notification is None:
            return False
        turn(session, notification, limit)
        return True


_ANY_DUE = sa.select(Notification.id).where(_UNFINISHED, Notification.due_at <= sa.bindparam("now")).limit(1)


def _waiting(session: Session, at_most: int) -> int:
    """How many deliveries of notifications wait, counted no further than `at_most`."""
    some = (
        sa.select(Delivery.id)
        .where(
            Delivery.channel.in_([*current().channels]),
            Delivery.kind == DeliveryKind.NOTIFICATION,
            QUEUE.waits,
            # What is put off, because its channel is down, must not stop those of other channels.
            Delivery.claimable_at <= clock.now() + QUEUE.lease,
        )
        .limit(at_most)
    )
    return session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def turn(session: Session, notification: ReadRow, limit: int) -> None:
    """The next `limit` numbers of a notification (a row of `notifications`), in the caller's transaction."""
    now = clock.now()
    late = notification.expires_at <= now
    if late:
        page = _Page([], notification.cursor, last=True)
    elif notification.numbers is None:
        page = _of_all(session, notification, limit)
    else:
        page = _of_list(session, notification, limit)
    moved = _move(session, notification, page, now)
    if moved is None:
        return
    _enqueue(session, notification, page.recipients, now)
    if page.last:
        # All numbers of the product are known only now; unless its time ran out before they were looked at.
        count_anew = notification.numbers is None and (not late or notification.recipients is None)
        accepted = _count_anew(session, notification.id) if count_anew else moved.recipients
        record.record(
            session,
            Tag.NOTIFICATION_SENT,
            notification.id,
            notification.product_id,
            live=notification.live,
            accepted=accepted,
            unreachable=moved.unreachable,
        )


@dataclass(frozen=True, slots=True)
class _Page:
    """Who is next, and where the cursor stands after them."""

    recipients: Sequence[Recipient]
    cursor: str
    last: bool
    unreachable: int = 0


def _move(session: Session, notification: ReadRow, page: _Page, now: datetime) -> ReadRow | None:
    """Move the cursor from where it was read; its `recipients` and `unreachable` so far. None where somebody else has
    moved it, or the product cancelled."""
    status = NotificationStatus.SENT if page.last else NotificationStatus.SENDING
    return session.execute(
        sa.update(Notification)
        .where(
            Notification.id == notification.id,
            Notification.cursor == notification.cursor,
            Notification.status.in_(UNFINISHED),
        )
        .values(
            cursor=page.cursor,
            status=status,
            due_at=now,
            unreachable=Notification.unreachable + page.unreachable,
            **({"numbers": sa.null()} if page.last else {}),
        )
        .returning(Notification.recipients, Notification.unreachable)
        .execution_options(synchronize_session=False)
    ).first()


def _of_list(session: Session, notification: ReadRow, limit: int) -> _Page:
    begin = int(notification.cursor or 0)
    numbers = notification.numbers[begin : begin + limit]
    end, last = str(begin + len(numbers)), begin + limit >= len(notification.numbers)
    if not notification.live:
        return _Page([(number, None, TEST_CHANNEL) for number in numbers], end, last)
    found = session.execute(
        sa.select(Binding.number, *COLUMNS)
        .join_from(Binding, Device, Device.id == Binding.device_id)
        .where(Binding.number.in_(numbers), Binding.ended_at.is_(None))
    )
    recipients = [_recipient(row) for row in found]
    return _Page(recipients, end, last, unreachable=len(numbers) - len(recipients))


def _of_all(session: Session, notification: ReadRow, limit: int) -> _Page:
    values = {
        "after": UUID(notification.cursor) if notification.cursor else UUID(int=0),
        "most": limit,
        "product": notification.product_id,
    }
    served = sa.exists().where(
        # A number that moved to another device meanwhile comes by twice.
        Delivery.number == WINDOW.c.number,
        Delivery.created_at >= notification.send_at,
        Delivery.notification_id == notification.id,
    )
    rows = session.execute(
        sa.select(WINDOW, sa.and_(OWN, ~served).label("wanted")).order_by(WINDOW.c.binding_id), values
    ).all()
    return _Page(
        [_recipient(row) for row in rows if row.wanted],
        str(rows[-1].binding_id) if rows else notification.cursor,
        last=len(rows) < limit,
    )


#: The next bindings, whosever numbers they are: so a turn has its bound even where a product has few of many.
WINDOW = (
    sa.select(Binding.id.label("binding_id"), Binding.number, *COLUMNS)
    .join_from(Binding, Device, Device.id == Binding.device_id)
    .where(Binding.ended_at.is_(None), Binding.id > sa.bindparam("after", type_=sa.Uuid()))
    .order_by(Binding.id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
    .subquery("next")
)
#: A product's numbers are those that were bound through its offer, and those that it has asked a code for.
OWN = sa.or_(
    sa.exists().where(
        Offer.number == WINDOW.c.number,
        Offer.status == OfferStatus.USED,
        Offer.product_id == sa.bindparam("product", type_=sa.Uuid()),
    ),
    sa.exists().where(
        Verification.number == WINDOW.c.number,
        Verification.product_id == sa.bindparam("product", type_=sa.Uuid()),
        Verification.live.is_(True),
    ),
)


def count_all(session: Session, product_id: UUID, at_most: int) -> int | None:
    """How many numbers a product has that are bound now; None where more than `at_most` bindings would have to be
    looked at to know."""
    counted = sa.select(sa.func.count(), sa.func.count().filter(OWN)).select_from(WINDOW)
    values = {"after": UUID(int=0), "most": at_most + 1, "product": product_id}
    looked_at, own = session.execute(counted, values).one()
    return own if looked_at <= at_most else None


def _recipient(row: ReadRow) -> Recipient:
    reach = evaluate(row, current().channels, proven=False)
    return row.number.e164, row.device_id, reach.channel if reach.reachable and reach.channel else _FEED


def _count_anew(session: Session, notification_id: UUID) -> int | None:
    """Write down how many numbers there were, by their deliveries, and say it."""
    made = sa.select(sa.func.count()).select_from(Delivery).where(Delivery.notification_id == notification_id)
    accepted = session.scalar(made)
    session.execute(
        sa.update(Notification)
        .where(Notification.id == notification_id)
        .values(recipients=accepted)
        .execution_options(synchronize_session=False)
    )
    return accepted


_table = table_of(Delivery)
#: What differs from one delivery to the next.
_OWN_COLUMNS = ("id", "number", "device_id", "channel")
_recipients = ManyRows("recipients", *(_table.c[name] for name in _OWN_COLUMNS))


def _enqueue(session: Session, notification: ReadRow, recipients: Sequence[Recipient], now: datetime) -> None:
    """Write a delivery for each recipient, in one statement; dispatchers are woken after the commit."""
    if not recipients:
        return
    same = new_delivery(
        DeliveryKind.NOTIFICATION,
        "",
        now,
        notification.expires_at,
        product_id=notification.product_id,
        notification_id=notification.id,
    )
    values = {name: value for name, value in same.values().items() if name not in _OWN_COLUMNS}
    rows = _recipients.parameter((new_key(), *recipient) for recipient in recipients)
    session.connection().execute(_inserting(db.engine.dialect.name, tuple(values)), values | rows)
    for channel in {channel for _, _, channel in recipients}:
        wake_after_commit(session, channel)


@lru_cache(maxsize=4)
def _inserting(dialect: str, same: tuple[str, ...]) -> sa.Insert:
    each = _recipients.table
    values = [sa.bindparam(name, type_=_table.c[name].type) for name in same]
    own = [each.c[name] for name in _OWN_COLUMNS]
    return sa.insert(_table).from_select([*_OWN_COLUMNS, *same], sa.select(*own, *values))
