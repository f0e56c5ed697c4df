"""Telling dispatcher processes, on PostgreSQL, that something is due (NOTIFY), and being told (LISTEN).

It is said after the commit, on a connection of its own, and once for all that is committed in the same moments:
a NOTIFY inside a transaction makes all committing transactions of the server wait in line. What is never said,
because the process died in between, is found by polling within a second; so losing a connection that listens costs at
most as much. What a process with a dispatcher commits, its own dispatcher takes, and others find by polling.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

import psycopg
import sqlalchemy as sa

log = logging.getLogger(__name__)

#: The PostgreSQL channel on which dispatchers listen.
PG_CHANNEL = "pushhub_outbox"
#: How long what comes after an announcement is gathered for the next one: dispatchers look no more often.
EVERY_SECONDS = 0.01
#: After what time a connection that broke is opened anew.
RECONNECT_SECONDS = 2.0


def libpq_address(database_url: str) -> str:
    """SQLAlchemy's address of a PostgreSQL as libpq reads it."""
    return sa.make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


class _Connected(ABC):
    """A thread with a connection of its own, which is opened anew where it breaks."""

    thread_name: str
    #: What the log says where it breaks.
    failed: str

    def __init__(self, database_url: str, reconnect_seconds: float = RECONNECT_SECONDS) -> None:
        self._conninfo = libpq_address(database_url)
        self._reconnect_seconds = reconnect_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.thread_name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(3)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5) as connection:
                    self._work_with(connection)
            except psycopg.Error as problem:
                log.warning(self.failed, extra={"cause": type(problem).__name__})
                self._stopping.wait(self._reconnect_seconds)

    @abstractmethod
    def _work_with(self, connection: psycopg.Connection) -> None:
        """Work until told to stop."""


class PgListener(_Connected):
    """Calls `wake` with the channel of every notice."""

    thread_name = "listener"
    failed = "listening for due deliveries failed"

    def __init__(self, database_url: str, wake: Callable[[str], None]) -> None:
        super().__init__(database_url)
        self._wake = wake

    def _work_with(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {PG_CHANNEL}")
        self._wake("")
        while not self._stopping.is_set():
            for notice in connection.notifies(timeout=0.5, stop_after=1):
                self._wake(notice.payload)


class PgNotifier(_Connected):
    """Passes on for which workers something is due."""

    thread_name = "pg-notify"
    failed = "announcing due deliveries failed"

    def __init__(
        self,
        database_url: str,
        *,
        every_seconds: float = EVERY_SECONDS,
        reconnect_seconds: float = RECONNECT_SECONDS,
    ) -> None:
        super().__init__(database_url, reconnect_seconds)
        self._every_seconds = every_seconds
        self._due: set[str] = set()
        self._something = threading.Event()

    def stop(self) -> None:
        self._stopping.set()  # first: whoever wakes without having been told waits for something again
        self._something.set()
        super().stop()

    def announce(self, name: str) -> None:
        """Say that something is due for the workers of this name; returns at once."""
        self._due.add(name)
        self._something.set()

    def _work_with(self, connection: psycopg.Connection) -> None:
        while not self._stopping.is_set():
            self._something.wait()
            self._something.clear()
            self._announce_all(connection)
            self._stopping.wait(self._every_seconds)
        self._announce_all(connection)

    def _announce_all(self, connection: psycopg.Connection) -> None:
        for _ in range(len(self._due)):  # no more than there are now: others go on adding
            connection.execute("SELECT pg_notify(%s, %s)", (PG_CHANNEL, self._due.pop()))
