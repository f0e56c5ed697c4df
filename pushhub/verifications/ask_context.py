"""What stands in the database about a number when a code is asked for, read in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.context import current
from pushhub.delivery.models import Delivery
from pushhub.delivery.rules import TEST_CHANNEL, DeliveryKind
from pushhub.devices.models import Binding, Device
from pushhub.devices.reachability import COLUMNS, Reachability, evaluate, without_device
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import ReadRow, table_of
from pushhub.kernel.errors import TooManyCodes
from pushhub.kernel.limits import WRONG_CODES, LimitCounter
from pushhub.products.products import Caller
from pushhub.products.rules import Policy
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus, digits_for

_DAY, _MONTH = timedelta(days=1), timedelta(days=30)
_SHORT_WINDOW, _LONG_WINDOW = timedelta(minutes=10), timedelta(days=1)

_pending = table_of(Verification).c
_binding, _device = table_of(Binding), table_of(Device)
_sent, _counter = table_of(Delivery).c, table_of(LimitCounter).c


def _word(value: str) -> sa.ColumnElement[str]:
    """A constant of the schema, written into the statement so that partial indexes fit."""
    return sa.literal_column(f"'{value}'")


def _wrong_since(parameter: str) -> sa.ScalarSelect[int]:
    counted = sa.select(sa.func.coalesce(sa.func.sum(_counter.count), 0)).where(
        _counter.name == _word(WRONG_CODES.name),
        _counter.subject == sa.bindparam("subject"),
        _counter.window_start > sa.bindparam(parameter, type_=_counter.window_start.type),
    )
    return counted.scalar_subquery()


def _nth_latest_code(parameter: str) -> sa.Select[tuple[datetime]]:
    """When the n-th latest code was asked for (n counted from 0)."""
    return (
        sa.select(_sent.created_at)
        .where(
            _sent.number == sa.bindparam("number"),
            _sent.kind == _word(DeliveryKind.CODE),
            _sent.channel != _word(TEST_CHANNEL),
            _sent.asked,
        )
        .order_by(_sent.created_at.desc())
        .offset(sa.bindparam(parameter))
        .limit(1)
    )


_FLOOD = (
    _nth_latest_code("short_allowed").scalar_subquery().label("short_th"),
    _nth_latest_code("long_allowed").scalar_subquery().label("long_th"),
)
_one = sa.select(sa.literal_column("1").label("one")).subquery("one")
_CONTEXT = sa.select(
    _pending.id.label("pending_id"),
    _pending.expires_at.label("pending_expires_at"),
    (_pending.attempts_used < _pending.attempts_allowed).label("attempts_left"),
    *COLUMNS,
    _wrong_since("a_day_ago").label("wrong_today"),
    _wrong_since("a_month_ago").label("wrong_in_30_days"),
    *_FLOOD,
).select_from(
    _one.outerjoin(
        table_of(Verification),
        sa.and_(
            _pending.product_id == sa.bindparam("product_id"),
            _pending.number == sa.bindparam("number"),
            _pending.purpose == sa.bindparam("purpose"),
            _pending.live == sa.bindparam("live"),
            _pending.status == _word(VerificationStatus.PENDING),
        ),
    )
    .outerjoin(_binding, sa.and_(_binding.c.number == sa.bindparam("number"), _binding.c.ended_at.is_(None)))
    .outerjoin(_device, _device.c.id == _binding.c.device_id)
)


@dataclass(frozen=True, slots=True)
class AskContext:
    """What stands about a number: the verification that is under way, its device, what was sent and guessed."""

    session: Session
    number: PhoneNumber
    row: ReadRow
    proven: bool
    now: datetime

    @property
    def pending_id(self) -> UUID | None:
        """The verification that is pending for the same product, number and purpose."""
        found: UUID | None = self.row.pending_id
        return found

    @property
    def pending_late(self) -> bool:
        return bool(self.row.pending_expires_at <= self.now)

    @property
    def pending_usable(self) -> bool:
        return not self.pending_late and bool(self.row.attempts_left)

    def digits(self, policy: Policy) -> int:
        """How many digits the next code has; a number that is being guessed at gets a longer one."""
        return digits_for(policy.code_digits, int(self.row.wrong_today), int(self.row.wrong_in_30_days))

    def reach(self) -> Reachability:
        """How the number's device is reached."""
        if self.row.device_id is None:
            return without_device(self.session, self.number)
        return evaluate(self.row, current().channels, proven=self.proven)


def read_context(session: Session, caller: Caller, number: PhoneNumber, purpose: str, now: datetime) -> AskContext:
    """What the database says of a number for which this product asks for a code, in one query."""
    values = {
        "product_id": caller.product_id,
        "number": number,
        "purpose": purpose,
        "live": caller.live,
        "subject": current().keyring.lookup_digest("number", number.e164),
        "a_day_ago": now - _DAY,
        "a_month_ago": now - _MONTH,
        **_allowed(),
    }
    row = session.connection().execute(_CONTEXT, values).one()
    return AskContext(session, number, row, purpose in caller.policy.proven_purposes, now)


def read_flood(session: Session, number: PhoneNumber) -> ReadRow:
    """What `refuse_flood` looks at, of one number."""
    return session.connection().execute(sa.select(*_FLOOD), {"number": number, **_allowed()}).one()


def _allowed() -> dict[str, int]:
    settings = current().settings
    return {"short_allowed": settings.codes_per_10_minutes - 1, "long_allowed": settings.codes_per_day - 1}


def refuse_flood(row: ReadRow, now: datetime) -> None:
    """Raises `TooManyCodes` where the number of this row was sent as many codes as one person should get."""
    for sent_at, window in ((row.short_th, _SHORT_WINDOW), (row.long_th, _LONG_WINDOW)):
        if sent_at is not None and sent_at > now - window:
            raise TooManyCodes(retry_at=sent_at + window)
