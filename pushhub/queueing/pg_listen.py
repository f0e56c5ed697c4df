"""Being told by PostgreSQL (LISTEN) that something is due, by processes that have no dispatcher of their own.

Polling is the fallback, so losing this connection costs at most a second; what a process with a dispatcher commits, its
own dispatcher takes, and others find by polling.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg

from pushhub.queueing.pg_notify import PG_CHANNEL, libpq_address

log = logging.getLogger(__name__)
_RECONNECT_SECONDS = 2.0


class PgListener:
    """A thread with a connection of its own that calls `wake` with the channel of every notice."""

    def __init__(self, database_url: str, wake: Callable[[str], None]) -> None:
        self._conninfo = libpq_address(database_url)
        self._wake = wake
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(3)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error as problem:
                log.warning("listening for due deliveries failed", extra={"cause": type(problem).__name__})
                self._stopping.wait(_RECONNECT_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5) as connection:
            connection.execute(f"LISTEN {PG_CHANNEL}")
            self._wake("")
            while not self._stopping.is_set():
                for notice in connection.notifies(timeout=0.5, stop_after=1):
                    self._wake(notice.payload)
