"""The database: SQLite or PostgreSQL, with one code path. What differs between the two is in this file, and in
`engine.py` where it is about connections.

A use case opens one `transaction()` and nothing else commits. Every change of state is a guarded statement
(`UPDATE … WHERE status = 'pending' … RETURNING`) whose result is looked at, so both engines promise the same
without row locks.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache, wraps
from itertools import groupby
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar, cast
from uuid import UUID

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, class_mapper, registry
from sqlalchemy.orm.attributes import instance_dict

from pushhub.kernel.engine import READING, SUBJECT, key_of
from pushhub.kernel.errors import Busy, DatabaseUnavailable, PushhubError

_AFTER_COMMIT = "pushhub.after_commit"
P = ParamSpec("P")
T = TypeVar("T")
#: What a JSON column holds.
JsonObject = dict[str, object]
Row = TypeVar("Row", bound="Base")
AnySelect = TypeVar("AnySelect", bound=sa.GenerativeSelect)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time in UTC. SQLite drops time zones, so there it is stored without and read back with one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored; use pushhub.kernel.clock.now()")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables. Constraint names are fixed, so that migrations can name them on both engines."""

    registry = registry(
        type_annotation_map={datetime: UtcDateTime, UUID: sa.Uuid, JsonObject: sa.JSON},
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False, "autoflush": False})


@contextmanager
def transaction(subject: str | None = None) -> Iterator[Session]:
    """One unit of work: committed when the block ends, rolled back when it raises. Does not nest.

    With a `subject` it has it to itself from the beginning, as by `advisory_lock`, without a round trip for that.

    Raises `Busy` where the database is locked for longer than its timeout and `DatabaseUnavailable` where it
    can't be reached; nothing was written, unless the connection broke during the commit itself.
    """
    with _session({SUBJECT: subject} if subject else {}) as session:
        session.info[_AFTER_COMMIT] = []
        yield session
        session.commit()
        for action in session.info.pop(_AFTER_COMMIT):
            action()


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Do `action` once the caller's transaction is committed, and not at all if it isn't."""
    session.info[_AFTER_COMMIT].append(action)


@contextmanager
def reading() -> Iterator[Session]:
    """A block that only reads. It takes no write lock and, on PostgreSQL, costs no round trip of its own."""
    with _session({READING: True}) as session:
        yield session


@contextmanager
def _session(options: Mapping[str, Any]) -> Iterator[Session]:
    session = db.session()
    if session.in_transaction():
        raise RuntimeError("a transaction is open already: use cases do not nest")
    try:
        if options:
            session.connection(execution_options=dict(options))
        yield session
    except (DBAPIError, sa.exc.TimeoutError) as problem:
        refusal = _refusal(problem)
        if refusal is None:
            raise
        raise refusal from problem
    finally:
        session.close()


#: What SQLite says of a file that is not there, can't be used, or holds something else.
_GONE = re.compile("unable to open|disk I/O|readonly|no such table|database or disk is full|not a database|malformed")


def _refusal(problem: Exception) -> PushhubError | None:
    """The refusal for a database that is busy or gone; None where it is our own mistake."""
    cause = getattr(problem, "orig", None)
    if isinstance(cause, sqlite3.Error):
        if "locked" in str(cause):
            return Busy()
        return DatabaseUnavailable() if _GONE.search(str(cause)) else None
    state = getattr(cause, "sqlstate", None)
    # 40001, 40P01, 55P03: serialization failure, deadlock, lock not available (PostgreSQL, appendix A)
    if isinstance(problem, sa.exc.TimeoutError) or state in ("40001", "40P01", "55P03"):
        return Busy()
    # 42P01: undefined table, so nobody has migrated this database yet; 25006: a server that only reads (failover)
    unreachable = isinstance(problem, (OperationalError, InterfaceError)) or state in ("42P01", "25006")
    return DatabaseUnavailable() if unreachable else None


def insert(table: type[Base]) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on both engines."""
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


class ReadRow(Protocol):
    """A row that a query has read: its columns by name."""

    def __getattr__(self, name: str, /) -> Any: ...


class ReadMapping(Protocol):
    """A row that a query has read, as `mappings()` gives it: a third faster than `ReadRow` where there are many."""

    def __getitem__(self, name: str, /) -> Any: ...


class NewRow:
    """A row that is to be written: a frozen dataclass with slots, whose fields are columns of `model`."""

    __slots__: tuple[str, ...] = ()
    model: ClassVar[type[Base]]

    def values(self) -> dict[str, object]:
        """The row's columns by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def write_rows(session: Session, rows: Sequence[NewRow]) -> None:
    """INSERT rows of several tables, in this order. PostgreSQL takes them in one statement, which is one round
    trip and one parse; for SQLite, which has neither, it is one statement for each."""
    if db.engine.dialect.name == "sqlite":
        for row in rows:
            session.connection().execute(_insert_one(row.model, row.__slots__), row.values())
        return
    shape = tuple((row.model, row.__slots__) for row in rows)
    values = {f"{place}_{name}": value for place, row in enumerate(rows) for name, value in row.values().items()}
    session.connection().execute(_insert_all(shape), values)


@lru_cache(maxsize=200)
def _insert_one(table: type[Base], columns: tuple[str, ...]) -> sa.Insert:
    return sa.insert(table).values({name: sa.bindparam(name) for name in columns}).inline()


@lru_cache(maxsize=200)
def _insert_all(shape: tuple[tuple[type[Base], tuple[str, ...]], ...]) -> sa.Select[Any]:
    """`WITH a AS (INSERT …), b AS (INSERT …) SELECT 1`. Foreign keys are looked at when all of it is done. In which
    order PostgreSQL does the parts is its own affair; neighbours of one table are one INSERT, and get their keys in
    this order."""
    inserts: list[sa.CTE] = []
    for (table, columns), places in groupby(enumerate(shape), key=lambda each: each[1]):
        types = {name: table_of(table).c[name].type for name in columns}
        rows = [
            {name: sa.bindparam(f"{place}_{name}", type_=kind) for name, kind in types.items()} for place, _ in places
        ]
        insert = sa.insert(table).values(rows[0]).inline()
        if len(rows) > 1:  # not as a list of values: that would be compiled anew each time
            each = [sa.select(*(value.label(name) for name, value in row.items())) for row in rows]
            insert = sa.insert(table).from_select(columns, sa.union_all(*each), include_defaults=False)
        inserts.append(insert.cte(f"rows_{len(inserts)}"))
    return sa.select(sa.literal_column("1")).add_cte(*inserts)


def table_of(model: type[Base]) -> sa.Table:
    """The table of a model, for statements that go around the ORM where there are many or in a hurry."""
    return cast(sa.Table, model.__table__)


def as_written(model: type[Row], row: NewRow) -> Row:
    """A row that was just written, as an object of `model` that belongs to no session. The constructor would record
    each value as a change, which takes ten times as long and which nobody looks at."""
    made = class_mapper(model).class_manager.new_instance()
    instance_dict(made).update(row.values())
    return made


def skip_locked(statement: AnySelect) -> AnySelect:
    """Let concurrent claimers pass each other. SQLite has one writer at a time; there nothing is rendered."""
    return statement.with_for_update(skip_locked=True)


def lock_key_share(statement: AnySelect, table: type[Base]) -> AnySelect:
    """See to it that the rows of `table` that this reads are not deleted before the transaction ends. SQLite has
    one writer at a time; there nothing is rendered."""
    return statement.with_for_update(read=True, key_share=True, of=table)


def lock_no_key_update(statement: AnySelect, table: type[Base]) -> AnySelect:
    """See to it that the rows of `table` that this reads stay as they are until the transaction ends: who changes or
    holds them waits, and is then looked at anew. SQLite has one writer at a time; there nothing is rendered."""
    return statement.with_for_update(key_share=True, of=table)


def list_has(column: Any, item: Any) -> sa.ColumnElement[bool]:
    """Whether the list in a JSON column holds the text `item`."""
    if db.engine.dialect.name == "sqlite":
        entry = sa.func.json_each(column).table_valued("value").c.value
    else:
        entry = sa.func.json_array_elements_text(column).column_valued("entry")
    return sa.exists(sa.select(sa.literal_column("1")).where(entry == item))


_WAIT_FOR_SUBJECT = sa.text("SELECT pg_advisory_xact_lock(:key)")


def advisory_lock(session: Session, subject: str) -> None:
    """Let transactions about the same `subject` wait for each other until the first has ended, so that what one
    of them counts or compares can't change under it. SQLite has one writer at a time and needs nothing."""
    if db.engine.dialect.name == "postgresql":
        session.connection().execute(_WAIT_FOR_SUBJECT, {"key": key_of(subject)})


class ManyRows:
    """Rows for one statement, given as one JSON parameter: however many there are, the statement is the same, so
    it is compiled once. `table` stands in the statement, `parameter` is executed with it.

    Args:
        name: of the table in the statement, and of the parameter.
        columns: whose names and types the rows have.
    """

    def __init__(self, name: str, *columns: sa.Column[Any]) -> None:
        self._name = name
        self._columns = columns

    @property
    def table(self) -> sa.FromClause:
        """The rows as something to select from."""
        if db.engine.dialect.name == "sqlite":
            each = sa.func.json_each(sa.bindparam(self._name, type_=sa.Text())).table_valued("value")
            fields = [
                sa.type_coerce(sa.func.json_extract(each.c.value, f"$[{place}]"), column.type).label(column.name)
                for place, column in enumerate(self._columns)
            ]
            return sa.select(*fields).subquery(self._name)
        of_types = [sa.column(column.name, column.type) for column in self._columns]
        records = sa.func.json_to_recordset(sa.cast(sa.bindparam(self._name, type_=sa.Text()), sa.JSON()))
        return records.table_valued(*of_types, name=self._name).render_derived(with_types=True)

    def parameter(self, rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
        """The rows, each with its values in the order of the columns."""
        dialect = db.engine.dialect
        if dialect.name != "sqlite":
            names = [column.name for column in self._columns]
            objects = [dict(zip(names, row, strict=True)) for row in rows]
            return {self._name: json.dumps(objects, default=_in_json, separators=(",", ":"))}
        writers = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in self._columns]
        lists = [
            [writer(value) if writer else value for writer, value in zip(writers, row, strict=True)] for row in rows
        ]
        return {self._name: json.dumps(lists)}


def _in_json(value: UUID | datetime) -> str:
    return value.hex if isinstance(value, UUID) else value.isoformat()


def again_on_conflict(use_case: Callable[P, T]) -> Callable[P, T]:
    """Carry a use case out anew where a unique index refused its row: another request was faster, and on the
    second look the use case sees what that one made. Raises `Busy` after three tries."""

    @wraps(use_case)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(3):
            try:
                return use_case(*args, **kwargs)
            except IntegrityError as problem:
                if not _is_conflict(problem):
                    raise
        raise Busy

    return tried


def _is_conflict(problem: IntegrityError) -> bool:
    # 23505: unique_violation (PostgreSQL, appendix A)
    return getattr(problem.orig, "sqlstate", None) == "23505" or "UNIQUE constraint failed" in str(problem.orig)


def ping() -> None:
    """One round trip to the database. Raises `DatabaseUnavailable`."""
    with reading() as session:
        session.execute(sa.text("SELECT 1"))
