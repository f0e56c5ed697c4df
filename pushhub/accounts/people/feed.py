"""The feed of a signed-in person: codes, devices, sign-ins, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from pushhub.accounts.models import Account, AccountEvent
from pushhub.devices.models import Binding
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import reading
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import status_at

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class CabinetFeedItem:
    """One thing that happened. `kind` is an `EventKind`, or `code`, `bound`, `unbound`."""

    at: datetime
    kind: str
    data: Mapping[str, object] = field(default_factory=dict)


def feed_of(account: Account, before: datetime | None = None) -> list[CabinetFeedItem]:
    """The newest events of the account and, since it has its number, of the number; or those before a time."""
    until = before or clock.now()
    with reading() as session:
        found = [*_events(session, account, until)]
        if account.number is not None:
            found += [*_codes(session, account, until), *_bindings(session, account)]
    return nlargest(_SHOWN, (item for item in found if item.at < until or before is None), key=lambda item: item.at)


def binding_of(number: PhoneNumber) -> Binding | None:
    """The binding that the number has now, with its device."""
    with reading() as session:
        return session.scalar(
            sa.select(Binding)
            .options(joinedload(Binding.device))
            .where(Binding.number == number, Binding.ended_at.is_(None))
        )


def _events(session: Session, account: Account, until: datetime) -> Iterator[CabinetFeedItem]:
    rows = session.scalars(
        sa.select(AccountEvent)
        .where(AccountEvent.account_id == account.id, AccountEvent.at <= until)
        .order_by(AccountEvent.id.desc())
        .limit(_SHOWN)
    )
    return (CabinetFeedItem(row.at, row.kind, row.data) for row in rows)


def _codes(session: Session, account: Account, until: datetime) -> Iterator[CabinetFeedItem]:
    rows = session.scalars(
        sa.select(Verification)
        .where(
            Verification.number == account.number,
            Verification.product_id == account.product_id,
            Verification.live.is_(True),
            Verification.created_at >= account.number_since,
            Verification.created_at <= until,
        )
        .order_by(Verification.created_at.desc())
        .limit(_SHOWN)
    )
    now = clock.now()
    return (
        CabinetFeedItem(
            row.created_at,
            "code",
            {"purpose": row.purpose, "status": str(status_at(row.status, row.expires_at, now))},
        )
        for row in rows
    )


def _bindings(session: Session, account: Account) -> Iterator[CabinetFeedItem]:
    rows = session.scalars(
        sa.select(Binding)
        .options(joinedload(Binding.device))
        .where(
            Binding.number == account.number,
            sa.or_(Binding.ended_at.is_(None), Binding.ended_at >= account.number_since),
        )
        .order_by(Binding.bound_at.desc())
        .limit(_SHOWN)
    )
    for row in rows:
        device = {"model": row.device.model, "platform": row.device.platform}
        yield CabinetFeedItem(row.bound_at, "bound", device)
        if row.ended_at is not None:
            yield CabinetFeedItem(row.ended_at, "unbound", {**device, "reason": row.end_reason})
