"""The database: SQLite or PostgreSQL, with one code path. What differs between the two is in this file alone.

A use case opens one `transaction()` and nothing else commits. Every change of state is a guarded statement
(`UPDATE … WHERE status = 'pending' … RETURNING`) whose result is looked at, so both engines promise the same
without row locks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, registry

from pushhub.errors import Busy, DatabaseUnavailable, PushhubError

_AFTER_COMMIT = "pushhub.after_commit"
P = ParamSpec("P")
T = TypeVar("T")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time in UTC. SQLite drops time zones, so there it is stored without and read back with one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored; use pushhub.clock.now()")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables. Constraint names are fixed, so that migrations can name them on both engines."""

    registry = registry(
        type_annotation_map={datetime: UtcDateTime, UUID: sa.Uuid, dict[str, Any]: sa.JSON},
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


def engine_options(url: str) -> dict[str, Any]:
    """What SQLAlchemy's engine is made with for this database."""
    # A failed statement is logged; its values (numbers, push targets) stay out of the log.
    if url.startswith("sqlite"):
        return {"hide_parameters": True, "connect_args": {"timeout": 5.0, "check_same_thread": False}}
    return {
        "hide_parameters": True,
        "pool_size": 20,
        "max_overflow": 20,
        "pool_timeout": 5,
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": 5, "options": "-c timezone=UTC -c lock_timeout=5000"},
    }


def prepare_engine(engine: sa.Engine) -> None:
    """Give a SQLite engine what PostgreSQL has by itself: foreign keys, concurrent readers, real transactions."""
    if engine.dialect.name != "sqlite":
        return

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; `_on_begin` does
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        # A write lock from the first statement on: a transaction that reads and then writes can't be
        # overtaken between the two, nor fail half-way with "database is locked".
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: committed when the block ends, rolled back when it raises. Does not nest.

    Raises `Busy` where the database is locked for longer than its timeout and `DatabaseUnavailable` where it
    can't be reached; nothing was written, unless the connection broke during the commit itself.
    """
    with _session({}) as session:
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
    options = {"reading": True} if db.engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
    with _session(options) as session:
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
_GONE = (
    "unable to open",
    "disk I/O",
    "readonly",
    "no such table",
    "database or disk is full",
    "not a database",
    "malformed",
)


def _refusal(problem: Exception) -> PushhubError | None:
    """The refusal for a database that is busy or gone; None where it is our own mistake."""
    cause = getattr(problem, "orig", None)
    if isinstance(cause, sqlite3.Error):
        if "locked" in str(cause):
            return Busy()
        return DatabaseUnavailable() if any(words in str(cause) for words in _GONE) else None
    state = getattr(cause, "sqlstate", None)
    # 40001, 40P01, 55P03: serialization failure, deadlock, lock not available (PostgreSQL, appendix A)
    if isinstance(problem, sa.exc.TimeoutError) or state in ("40001", "40P01", "55P03"):
        return Busy()
    # 42P01: undefined table, so nobody has migrated this database yet; 25006: a server that only reads (failover)
    unreachable = isinstance(problem, (OperationalError, InterfaceError)) or state in ("42P01", "25006")
    return DatabaseUnavailable() if unreachable else None


def insert(table: type[Base]) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on both engines."""
    if db.engine.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def skip_locked(statement: sa.Select[Any]) -> sa.Select[Any]:
    """Let concurrent claimers pass each other. SQLite has one writer at a time and needs nothing."""
    return statement if db.engine.dialect.name == "sqlite" else statement.with_for_update(skip_locked=True)


def one_at_a_time(session: Session, subject: str) -> None:
    """Let transactions about the same `subject` wait for each other until the first has ended, so that what one
    of them counts or compares can't change under it. SQLite has one writer at a time and needs nothing."""
    if db.engine.dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(subject, 0))))


def rows_as_cte(name: str, columns: Sequence[sa.ColumnClause[Any]], rows: Sequence[tuple[Any, ...]]) -> sa.CTE:
    """`WITH name (columns) AS (VALUES …)`: many rows for one statement, in a form both engines take."""
    return sa.values(*columns, name=name).data(list(rows)).cte(name)


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
