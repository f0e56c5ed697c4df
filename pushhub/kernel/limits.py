"""Limits that protect a person: counted in the database, so that every process counts together and a restart
forgets nothing. A limit that can't be counted refuses (it fails closed), because the count is a statement of
the same database that the guarded action needs.

The request quota of an API key protects only the service's own capacity; `web_api` keeps it in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pushhub.kernel import clock
from pushhub.kernel.db import Base, insert
from pushhub.kernel.sealing import Keyring


class LimitCounter(Base):
    """How often something happened in one window. Subjects are keyed digests, never numbers or addresses."""

    __tablename__ = "limit_counters"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]


@dataclass(frozen=True, slots=True)
class Window:
    """A named fixed window."""

    name: str
    length: timedelta

    def start(self, moment: datetime) -> datetime:
        """When the window that holds `moment` began."""
        seconds = int(self.length.total_seconds())
        return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, tz=moment.tzinfo)

    def end(self, moment: datetime) -> datetime:
        """When the window that holds `moment` ends."""
        return self.start(moment) + self.length


BIND_FAILURES = Window("bind_failures", timedelta(hours=1))
CLIENT_CODES = Window("client_codes", timedelta(hours=1))
#: Answers that a register did not confirm, by network address.
REGISTER_ANSWERS = Window("register_answers", timedelta(hours=1))
#: Accounts that were asked for without a code, by network address.
REGISTRATIONS = Window("registrations", timedelta(hours=1))
#: Wrong passwords at the sign-in, by network address.
WRONG_PASSWORDS = Window("wrong_passwords", timedelta(hours=1))
#: How many messages of a product went by a channel that costs money.
PAID_MESSAGES = Window("paid_messages", timedelta(days=1))
#: Wrong codes for a number, by the hour; summed over a day and over 30 days.
WRONG_CODES = Window("wrong_codes", timedelta(hours=1))


def address_subject(keyring: Keyring, address: str) -> str:
    """What a network address is counted as. Whoever has one IPv6 address has the 2^64 of its network, so that network
    is counted."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket of this machine has none
        return keyring.lookup_digest("address", address)
    if isinstance(parsed, IPv6Address):
        address = str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))
    return keyring.lookup_digest("address", address)


def count_up(session: Session, window: Window, subject: str) -> int:
    """Count one and return the new count of the current window."""
    statement = insert(LimitCounter).values(
        name=window.name, subject=subject, window_start=window.start(clock.now()), count=1
    )
    statement = statement.on_conflict_do_update(
        index_elements=["name", "subject", "window_start"], set_={"count": LimitCounter.count + 1}
    ).returning(LimitCounter.count)
    return int(session.execute(statement).scalar_one())


def take_back(session: Session, window: Window, subject: str) -> None:
    """Count one less in the current window."""
    session.execute(
        sa.update(LimitCounter)
        .where(*_of(window, subject), LimitCounter.window_start == window.start(clock.now()))
        .values(count=LimitCounter.count - 1)
    )


def counted(session: Session, window: Window, subject: str, *spans: timedelta) -> tuple[int, ...]:
    """For each span, shortest first, the count of all windows that began in that time before now."""
    now = clock.now()
    sums = [
        sa.func.coalesce(sa.func.sum(sa.case((LimitCounter.window_start > now - span, LimitCounter.count), else_=0)), 0)
        for span in spans
    ]
    statement = sa.select(*sums).where(*_of(window, subject), LimitCounter.window_start > now - spans[-1])
    return tuple(int(count) for count in session.execute(statement).one())


def room_from(session: Session, window: Window, subject: str, span: timedelta, most: int) -> datetime | None:
    """From when `counted` over `span` is below `most` if nothing more is counted; None where it is so already."""
    rows = session.execute(
        sa.select(LimitCounter.window_start, LimitCounter.count)
        .where(*_of(window, subject), LimitCounter.window_start > clock.now() - span)
        .order_by(LimitCounter.window_start.desc())
    ).all()
    total = 0
    for began, count in rows:
        total += count
        if total >= most:
            return began + span
    return None


def _of(window: Window, subject: str) -> tuple[sa.ColumnElement[bool], ...]:
    return LimitCounter.name == window.name, LimitCounter.subject == subject


def sweep(session: Session, keep: timedelta) -> None:
    """Forget windows that began longer ago than `keep`."""
    session.execute(sa.delete(LimitCounter).where(LimitCounter.window_start < clock.now() - keep))
