"""A table as a queue: rows that wait are taken with a lease, and what came of many is written in one statement.

    queued ──claim──→ sending ──write──→ a final status of the table's own
      ↑                  │
      ├───── retry ──────┤
      └─── give back ────┘

A row belongs to whoever claimed it until `claimable_at`, the end of its lease. A worker that dies thereby gives its
rows back without anybody's help, and what it writes later is left aside, for it names an end of the lease that is not
the row's any more.

A table that is used like this has the columns `status`, `claimable_at`, `lease_owner`, `tries`, `error` and
`changed_at`, and a partial index of what waits (`status IN ('queued', 'sending')`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.kernel import clock
from pushhub.kernel.db import Base, ManyRows, ReadRow, db, reading, skip_locked, table_of, transaction

#: The primary key of a row: a tuple where it has several columns.
Key = Hashable


class QueueStatus(StrEnum):
    """What the rows of every queue are before they are final."""

    QUEUED = "queued"
    SENDING = "sending"


@dataclass(frozen=True, slots=True)
class Lease:
    """A row that somebody holds, with the number of this try (from 1) and the end of the lease."""

    key: Key
    tries: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """The fate of a row after an attempt."""

    status: str
    error: str | None = None
    #: For a row that goes back into the queue: when it is due.
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows wait, and how many were given up and are still kept."""

    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The rows that one look at a queue took."""

    #: The rows that are held now, and what was read of each.
    leases: dict[Key, Lease]
    rows: list[ReadRow]
    #: What was read of those that were found to be over.
    over: list[ReadRow]
    #: The end of the leases.
    until: datetime


class LeaseQueue:
    """The queue that a table is.

    Args:
        model: the table.
        lease: how long a claimed row belongs to its worker: much longer than a try.
        untried: an error with which nothing was tried: the row is given its try back.
        results: further columns that are written with each result.
        values: what else changes with a result, given the columns of the results by name.
    """

    def __init__(
        self,
        model: type[Base],
        lease: timedelta,
        *,
        untried: str = "",
        results: Sequence[str] = (),
        values: Callable[[Mapping[str, sa.ColumnElement[object]]], Mapping[str, object]] = lambda _: {},
    ) -> None:
        self.lease = lease
        self._table = table_of(model)
        self._columns = self._table.c
        self._keys = list(self._table.primary_key.columns)
        self._key: Callable[[ReadRow], Key] = attrgetter(*(column.name for column in self._keys))
        self._untried = untried
        self._values = values
        self._extra = results
        self._rows = ManyRows(
            "outcomes",
            *self._keys,
            sa.Column("held_until", self._columns.claimable_at.type),
            *(self._columns[name] for name in ("status", "error", "claimable_at")),
            *(self._columns[name] for name in results),
        )
        self._writing: dict[str, sa.Update] = {}
        #: The condition of the queue's index, written out and not bound: only so a planner sees that it fits.
        self.waits = self.status_is(*QueueStatus)

    def status_is(self, *statuses: str) -> sa.ColumnElement[bool]:
        """`status IN ('queued', …)`, written out."""
        found: sa.ColumnElement[bool] = self._columns.status.in_([sa.literal_column(f"'{each}'") for each in statuses])
        return found

    def claiming(
        self,
        *which: sa.ColumnElement[bool],
        then_by: Sequence[sa.ColumnElement[int]] = (),
        over: Sequence[tuple[sa.ColumnElement[bool], str | sa.ColumnElement[str]]] = (),
        returning: Sequence[str] = (),
    ) -> sa.Update:
        """The statement that claims, for `claim`; it is made once.

        Args:
            which: the rows that may be claimed, besides that they wait and are due.
            then_by: the order of those that have been due equally long.
            over: conditions under which a row is not worth a try any more, with the word (or an expression) that
                says why: it becomes `expired` on the way, and none of its tries is used up.
            returning: columns that are read besides the key, `tries`, `status`.
        """
        columns = self._columns
        due = skip_locked(
            sa.select(*self._keys)
            .where(*which, self.waits, columns.claimable_at <= sa.bindparam("due_before"))
            .order_by(columns.claimable_at, *then_by)
            .limit(sa.bindparam("most"))
            # Read once: in an IN, PostgreSQL may choose to read it anew for each row, and skips what it has locked by
            # then, so that more are taken than were asked for.
        ).cte("due")
        is_over = sa.or_(sa.false(), *(condition for condition, _ in over))
        return (
            sa.update(self._table)
            .where(*(column == due.c[column.name] for column in self._keys))
            .values(
                status=sa.case((is_over, "expired"), else_=QueueStatus.SENDING),
                error=sa.case(*over, (sa.false(), None), else_=columns.error),
                claimable_at=sa.bindparam("until"),
                lease_owner=sa.bindparam("owner"),
                tries=columns.tries + sa.case((is_over, 0), else_=1),
                changed_at=sa.bindparam("now"),
            )
            .returning(*self._keys, columns.tries, columns.status, *(columns[name] for name in returning))
        )

    def claim(
        self,
        session: Session,
        claiming: sa.Update,
        owner: UUID,
        limit: int,
        *,
        due_for: timedelta = timedelta(0),
        **parameters: object,
    ) -> Claim:
        """Take at most `limit` rows that have been due for so long, the longest due first.

        `parameters` are those of the conditions in `claiming`.
        """
        now = clock.now()
        until = now + self.lease
        values = {"now": now, "until": until, "due_before": now - due_for, "owner": owner, "most": limit, **parameters}
        rows = session.connection().execute(claiming, values).all()
        found = Claim({}, [], [], until)
        for row in rows:
            if row.status == QueueStatus.SENDING:
                key = self._key(row)
                found.leases[key] = Lease(key, row.tries, until)
                found.rows.append(row)
            else:
                found.over.append(row)
        return found

    def give_back(self, owner: UUID, held: Collection[Key], *which: sa.ColumnElement[bool]) -> None:
        """Queue again what `owner` took without knowing it: the claim was committed, and its answer lost on the way.
        `held` is what it does know of. Nothing was tried, so the rows are given their try back."""
        now = clock.now()
        known = (sa.tuple_(*self._keys) if len(self._keys) > 1 else self._keys[0]).in_(held)
        unknown = (
            sa.update(self._table)
            .where(
                *which,
                self.waits,
                self._columns.status == QueueStatus.SENDING,
                self._columns.lease_owner == owner,
                sa.not_(known),
            )
            .values(
                status=QueueStatus.QUEUED,
                claimable_at=now,
                lease_owner=None,
                tries=self._columns.tries - 1,
                changed_at=now,
            )
        )
        with transaction() as session:
            session.connection().execute(unknown)

    def write(
        self, session: Session, owner: UUID, results: Iterable[tuple[Lease, Transition, Sequence[object]]]
    ) -> set[Key]:
        """Write what became of many rows, each with the values of the further columns. Returns the keys of those that
        were the owner's still: a row whose lease ran out belongs to somebody else by now and is left alone."""
        now = clock.now()
        rows = (
            (
                *(lease.key if isinstance(lease.key, tuple) else (lease.key,)),
                lease.until,
                str(to.status),
                to.error,
                to.due or now,
                *extra,
            )
            for lease, to, extra in results
        )
        values = {"owner": owner, "now": now, "held": QueueStatus.SENDING, **self._rows.parameter(rows)}
        written = session.connection().execute(self._statement(), values)
        return {self._key(row) for row in written}

    def _statement(self) -> sa.Update:
        dialect = db.engine.dialect.name
        if dialect not in self._writing:
            new, columns = self._rows.table, self._columns
            self._writing[dialect] = (
                sa.update(self._table)
                .where(
                    # The rows are found by their keys. A status that is compared is a parameter: written out, it would
                    # offer the planner the partial index of all that waits, which a plan from an empty table takes, to
                    # read it whole with each batch.
                    *(column == new.c[column.name] for column in self._keys),
                    columns.lease_owner == sa.bindparam("owner"),
                    columns.claimable_at == new.c.held_until,  # not by tries: what was not tried is given its own back
                    columns.status == sa.bindparam("held"),
                )
                .values(
                    status=new.c.status,
                    error=new.c.error,
                    claimable_at=new.c.claimable_at,
                    tries=columns.tries - sa.case((new.c.error == self._untried, 1), else_=0),
                    lease_owner=None,
                    changed_at=sa.bindparam("now"),
                    **{name: new.c[name] for name in self._extra},
                    **self._values({column.name: column for column in new.c}),
                )
                .returning(*self._keys)
            )
        return self._writing[dialect]

    def end_idle(self, session: Session, which: sa.ColumnElement[bool], **values: object) -> None:
        """Give what waits and is not under way at this moment a final status; a try that is gets its own outcome."""
        now = clock.now()
        idle = sa.or_(self.status_is(QueueStatus.QUEUED), self._columns.claimable_at <= now)
        session.connection().execute(
            sa.update(self._table).where(which, self.waits, idle).values(lease_owner=None, changed_at=now, **values)
        )

    def waiting(self) -> int:
        """How many rows wait or are being worked on."""
        return self._count(self.waits)

    def counts(self, *failed: str) -> Counts:
        """How many rows wait, and how many have one of the statuses `failed`."""
        return Counts(self._count(self.waits), self._count(self.status_is(*failed)))

    def _count(self, which: sa.ColumnElement[bool]) -> int:
        with reading() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(self._table).where(which)) or 0
