"""Telling dispatcher processes, on PostgreSQL, that something is due (NOTIFY).

It is said after the commit, on a connection of its own, and once for all that is committed in the same moments:
a NOTIFY inside a transaction makes all committing transactions of the server wait in line. What is never said,
because the process died in between, is found by polling within a second.
"""

from __future__ import annotations

import logging
import threading

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


class PgNotifier:
    """A thread that passes on for which workers something is due."""

    def __init__(
        self,
        database_url: str,
        *,
        every_seconds: float = EVERY_SECONDS,
        reconnect_seconds: float = RECONNECT_SECONDS,
    ) -> None:
        self._conninfo = libpq_address(database_url)
        self._every_seconds = every_seconds
        self._reconnect_seconds = reconnect_seconds
        self._due: set[str] = set()
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pg-notify", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._something.set()
        self._thread.join(3)

    def announce(self, name: str) -> None:
        """Say that something is due for the workers of this name; returns at once."""
        self._due.add(name)
        self._something.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5) as connection:
                    self._announce_with(connection)
            except psycopg.Error as problem:
                log.warning("announcing due deliveries failed", extra={"cause": type(problem).__name__})
                self._stopping.wait(self._reconnect_seconds)

    def _announce_with(self, connection: psycopg.Connection) -> None:
        while not self._stopping.is_set():
            self._something.wait()
            self._something.clear()
            self._announce_all(connection)
            self._stopping.wait(self._every_seconds)
        self._announce_all(connection)

    def _announce_all(self, connection: psycopg.Connection) -> None:
        for _ in range(len(self._due)):  # no more than there are now: others go on adding
            connection.execute("SELECT pg_notify(%s, %s)", (PG_CHANNEL, self._due.pop()))
