"""Writing what came of many tries: the deliveries, the attempts, the events, and what follows for the
verifications, each in one statement however many there are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.contract import Accepted, Outcome, PushTarget, Retry, TargetDead
from pushhub.delivery.messages import Prepared
from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import CIRCUIT_OPEN, PERHAPS_SENT, DeliveryKind, DeliveryStatus, Next, after_try
from pushhub.devices.models import Device
from pushhub.events.record import Event, Tag
from pushhub.kernel import clock
from pushhub.kernel.db import ManyRows, db, insert, table_of, transaction
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.products.route import PAID, READABLE
from pushhub.verifications.lifecycle import arm
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus

_EVENT_OF = {
    DeliveryStatus.ACCEPTED: Tag.DELIVERY_ACCEPTED,
    DeliveryStatus.DEAD: Tag.DELIVERY_DEAD,
    DeliveryStatus.FAILED: Tag.DELIVERY_FAILED,
    DeliveryStatus.EXPIRED: Tag.DELIVERY_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try. `key` is that of its attempt: writing it twice, because the answer of the first commit
    was lost, leaves one."""

    key: UUID
    sent: Prepared
    outcome: Outcome
    started_at: datetime
    finished_at: datetime


def complete(owner: UUID, tried: Sequence[Tried]) -> bool:
    """Write the outcomes of many tries. A row whose lease ran out belongs to somebody else by now and is left
    alone; its attempt is recorded all the same. True where a code has to go on to its next channel at once."""
    if not tried:
        return False
    now = clock.now()
    steps = [(entry, _next(entry, now)) for entry in tried]
    with transaction() as session:
        settled = _settle(session, owner, steps, now)
        _record_attempts(session, steps)
        mine = [(entry, step) for entry, step in steps if entry.sent.claimed.delivery_id in settled]
        _record_events(session, mine, now)
        _mend_targets(session, tried, now)
        for entry, _ in mine:
            if entry.sent.channel in READABLE and entry.sent.verification_id and _is_out(entry.outcome):
                arm(session, entry.sent.verification_id)
        return _hurry_on(session, mine, now)


def _is_out(outcome: Outcome) -> bool:
    """Whether somebody may be reading the message."""
    return isinstance(outcome, Accepted) or (isinstance(outcome, Retry) and outcome.reason in PERHAPS_SENT)


def _next(entry: Tried, now: datetime) -> Next:
    sent = entry.sent
    return after_try(
        entry.outcome,
        tries=sent.claimed.tries,
        now=now,
        expires_at=sent.claimed.expires_at,
        goes_on=sent.goes_on,
        patience_ends=sent.escalate_at,
        paid=sent.channel in PAID,
        jitter=random.random,
    )


# The rows are found by their keys. A status that is compared is a parameter: written out, it would offer the planner
# the partial index of all that waits, which a plan from an empty table takes, to read it whole with each batch.
_deliveries = table_of(Delivery)
_outcomes = ManyRows(
    "outcomes",
    *(_deliveries.c[name] for name in ("id", "status", "error", "claimable_at")),
    sa.Column("held_until", _deliveries.c.claimable_at.type),
)
_attempts = ManyRows("made", *table_of(Attempt).c)
_EVENT_COLUMNS = ("id", "product_id", "live", "tag", "subject_id", "data", "at")
_events = ManyRows("told", *(table_of(Event).c[name] for name in _EVENT_COLUMNS))
_late_steps = ManyRows("late", table_of(Verification).c.id, table_of(Verification).c.step)


@lru_cache(maxsize=2)
def _settling(dialect: str) -> sa.Update:
    new = _outcomes.table
    return (
        sa.update(_deliveries)
        .where(
            _deliveries.c.id == new.c.id,
            _deliveries.c.lease_owner == sa.bindparam("owner"),
            _deliveries.c.claimable_at == new.c.held_until,  # not by tries: what was put off gives its own back
            _deliveries.c.status == sa.bindparam("sending"),
        )
        .values(
            status=new.c.status,
            error=new.c.error,
            claimable_at=new.c.claimable_at,
            tries=_deliveries.c.tries - sa.case((new.c.error == CIRCUIT_OPEN, 1), else_=0),
            lease_owner=None,
            changed_at=sa.bindparam("now"),
        )
        .returning(_deliveries.c.id)
    )


def _settle(session: Session, owner: UUID, steps: Sequence[tuple[Tried, Next]], now: datetime) -> set[UUID]:
    rows = (
        (entry.sent.claimed.delivery_id, str(step.status), step.error, step.due or now, entry.sent.claimed.until)
        for entry, step in steps
    )
    values = {"owner": owner, "now": now, "sending": DeliveryStatus.SENDING, **_outcomes.parameter(rows)}
    return set(session.connection().execute(_settling(db.engine.dialect.name), values).scalars())


@lru_cache(maxsize=2)
def _recording(dialect: str) -> Any:
    made = _attempts.table
    names = [column.name for column in table_of(Attempt).c]
    # SQLite reads ON CONFLICT after a SELECT without WHERE as the condition of a join.
    rows = sa.select(*(made.c[name] for name in names)).where(made.c.id.is_not(None))
    return insert(Attempt).from_select(names, rows).on_conflict_do_nothing()


def _record_attempts(session: Session, steps: Sequence[tuple[Tried, Next]]) -> None:
    rows = (
        (
            entry.key,
            entry.sent.claimed.delivery_id,
            entry.started_at,
            entry.finished_at,
            step.outcome,
            step.error,
            _cut(step.provider_id, 200),
        )
        for entry, step in steps
        if step.error != CIRCUIT_OPEN  # that was no try
    )
    session.connection().execute(_recording(db.engine.dialect.name), _attempts.parameter(rows))


def _cut(word: str | None, longest: int) -> str | None:
    """A provider's word, cut to what its column holds."""
    return word[:longest] if word is not None else None


def _public_cause(sent: Prepared) -> str:
    """The verification's public id; the message has it already."""
    if sent.message is not None:
        return sent.message.collapse_id
    return public_id(Prefix.VERIFICATION, cast(UUID, sent.verification_id))


@lru_cache(maxsize=2)
def _telling(dialect: str) -> sa.Insert:
    told = _events.table
    return sa.insert(table_of(Event)).from_select(_EVENT_COLUMNS, sa.select(*(told.c[name] for name in _EVENT_COLUMNS)))


def _record_events(session: Session, steps: Sequence[tuple[Tried, Next]], now: datetime) -> None:
    """Products are told of codes one by one; of notifications only how many came how far."""
    rows = [
        (
            new_key(),
            entry.sent.product_id,
            entry.sent.live,
            str(_EVENT_OF[step.status]),
            entry.sent.claimed.delivery_id,
            {
                "verification_id": _public_cause(entry.sent),
                "channel": entry.sent.channel,
                **({"error": step.error} if step.error else {}),
            },
            now,
        )
        for entry, step in steps
        if entry.sent.kind == DeliveryKind.CODE and step.status in _EVENT_OF
    ]
    if rows:
        session.connection().execute(_telling(db.engine.dialect.name), _events.parameter(rows))


def _mend_targets(session: Session, tried: Sequence[Tried], now: datetime) -> None:
    """Take note of push targets that died, and of those that belong to Apple's other host."""
    for entry in tried:
        device_id = entry.sent.device_id
        if device_id is None:
            continue
        if isinstance(entry.outcome, TargetDead):
            # A target that was registered after the provider saw the old one die is a new, living one.
            since = entry.outcome.since or entry.started_at
            session.execute(
                sa.update(Device)
                .where(Device.id == device_id, Device.push_registered_at <= since)
                .values(push_dead_at=now)
            )
        elif isinstance(entry.outcome, Retry) and entry.outcome.environment is not None:
            message = entry.sent.message
            if message is not None and isinstance(message.target, PushTarget):
                session.execute(
                    sa.update(Device)
                    .where(Device.id == device_id, Device.push_value == message.target.value)
                    .values(push_environment=entry.outcome.environment)
                )


@lru_cache(maxsize=2)
def _hurrying(dialect: str) -> sa.Update:
    late, table = _late_steps.table, table_of(Verification)
    return (
        sa.update(table)
        .where(
            table.c.id == late.c.id,
            table.c.step == late.c.step,
            table.c.status == sa.bindparam("pending"),
            table.c.escalate_at.is_not(None),
        )
        .values(escalate_at=sa.bindparam("now"))
        .returning(table.c.id)
    )


def _hurry_on(session: Session, steps: Sequence[tuple[Tried, Next]], now: datetime) -> bool:
    """Codes whose channel failed don't wait for its patience to end."""
    rows: list[Any] = [(entry.sent.verification_id, entry.sent.step) for entry, step in steps if step.escalate]
    if not rows:
        return False
    values = {"now": now, "pending": VerificationStatus.PENDING, **_late_steps.parameter(rows)}
    return session.connection().execute(_hurrying(db.engine.dialect.name), values).first() is not None
