"""Connections to SQLite or PostgreSQL: how they are opened, kept, and how a transaction begins on them.

On both engines the driver begins nothing by itself. So a block that only reads costs no round trip of its own, and
what a transaction waits for before it looks at anything (its `SUBJECT`) goes to the server together with its BEGIN.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, cast

import psycopg
import sqlalchemy as sa

#: Execution options of a connection: that what it is used for only reads, and what it wants to have to itself.
READING = "pushhub_reading"
SUBJECT = "pushhub_subject"
_BEGINS_WITH = "pushhub_begins_with"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds."""

    #: To get what somebody else holds.
    lock: float = 5.0
    #: How long a pooled connection may have been idle to be used without a look at it.
    idle: float = 1.0


USUAL_PATIENCE = Patience()


def engine_options(url: str, patience: Patience = USUAL_PATIENCE) -> dict[str, Any]:
    """What SQLAlchemy's engine is made with for this database."""
    # A failed statement is logged; its values (numbers, push targets) stay out of the log.
    if url.startswith("sqlite"):
        return {"hide_parameters": True, "connect_args": {"timeout": patience.lock, "check_same_thread": False}}
    return {
        "hide_parameters": True,
        "pool_size": 20,
        "max_overflow": 20,
        "pool_timeout": 5,
        "connect_args": {
            "connect_timeout": 5,
            # Every statement is a look-up by index with other values: planned once for each connection, at first use.
            # The plan has to hold when a table that is small now is large (docs/decisions/0025).
            "prepare_threshold": 0,
            "options": f"-c timezone=UTC -c lock_timeout={round(patience.lock * 1000)}"
            " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c random_page_cost=1.1",
        },
    }


def prepare_engine(engine: sa.Engine, patience: Patience = USUAL_PATIENCE) -> None:
    """Give SQLite what PostgreSQL has by itself (foreign keys, concurrent readers, real transactions), and both
    transactions that begin as this project wants it."""
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        _look_at_idle_connections(engine, patience.idle)
        _begin_ourselves(engine)


def _prepare_sqlite(engine: sa.Engine) -> None:
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
        reading = connection.get_execution_options().get(READING, False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _begin_ourselves(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.autocommit = True  # the driver's word for beginning nothing by itself

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        connection.info[_BEGINS_WITH] = _beginning(connection.get_execution_options())

    def _begin(dbapi_connection: sa.PoolProxiedConnection) -> None:
        words = dbapi_connection.info.pop(_BEGINS_WITH, "BEGIN")
        if words:
            cast(Any, dbapi_connection.driver_connection).execute(words, prepare=False)

    # SQLAlchemy wraps what `do_begin` raises and throws away a connection that broke; from the event before it the
    # driver's own error would come out.
    engine.dialect.do_begin = _begin  # type: ignore[method-assign]


def _beginning(options: Any) -> str:
    if options.get(READING):  # what `isolation_level="AUTOCOMMIT"` is elsewhere
        return ""
    subject = options.get(SUBJECT)
    return f"BEGIN; SELECT pg_advisory_xact_lock({key_of(subject)})" if subject else "BEGIN"


def key_of(subject: str) -> int:
    """The number under which PostgreSQL knows a subject: 64 bits, signed. Two subjects that share one would wait for
    each other now and then, no more."""
    return int.from_bytes(blake2b(subject.encode(), digest_size=8).digest(), signed=True)


def _look_at_idle_connections(engine: sa.Engine, surely_alive: float) -> None:
    """A connection that lay idle may have been cut off meanwhile, and is asked before it is used. One that was
    in use a moment ago is not asked: that would cost every transaction a round trip (as `pool_pre_ping` does)."""

    @sa.event.listens_for(engine, "checkin")
    def _on_checkin(_connection: object, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get("idle_since", time.monotonic()) > surely_alive:
            try:
                connection.execute("")
            except psycopg.Error as problem:
                raise sa.exc.DisconnectionError from problem  # the pool opens another one
