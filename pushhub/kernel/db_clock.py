"""One time for all machines: with PostgreSQL every process goes by the database's clock.

Rows say when a message is due, how long a dispatcher holds it and when it is too late. Machines that compared these
times with clocks of their own would send twice, too late or not at all as soon as one of the clocks is wrong: one
that is two minutes fast takes every lease for run out. Between two looks at the database the monotonic clock tells
the time, so a step of the machine's own clock changes nothing.

SQLite serves one machine, whose clock is the only one.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Flask

from pushhub.kernel import clock
from pushhub.kernel.db import reading
from pushhub.kernel.errors import PushhubError

log = logging.getLogger(__name__)

#: How often the database is asked. A monotonic clock drifts by milliseconds in this time.
LOOK_SECONDS = 60.0
#: After what time it is asked again where it could not tell.
LOOK_AGAIN_SECONDS = 2.0
#: An answer that took longer says too little about the time.
_SLOWEST_ANSWER = 1.0
#: From here on the machine's own clock is worth a word in the log.
_TOLERANCE = timedelta(seconds=5)


class DatabaseClock:
    """Keeps `clock.now()` by the database's clock, from `start` to `stop`. Until the database has been reached once,
    the machine's own clock counts."""

    def __init__(
        self,
        app: Flask,
        *,
        look_seconds: float = LOOK_SECONDS,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        self._app = app
        self._look_seconds = look_seconds
        self._look_again_seconds = look_again_seconds
        self._kept = ExitStack()
        #: What the database said, and the monotonic time that belongs to it; read and set as one.
        self._anchor: tuple[datetime, float] = (clock.now(), time.monotonic())
        self._in_use = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look once, so that nothing is done by a wrong clock, and go on looking."""
        self._thread = threading.Thread(target=self._run, args=(self._look(),), name="timekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """The machine's own clock counts again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(3)
        self._kept.close()

    def now(self) -> datetime:
        """The time by the database."""
        said, at = self._anchor
        return said + timedelta(seconds=time.monotonic() - at)

    def _run(self, wait: float) -> None:
        while not self._stopping.wait(wait):
            wait = self._look()

    def _look(self) -> float:
        """Ask the database; returns after how many seconds to ask again."""
        begun = time.monotonic()
        try:
            with self._app.app_context(), reading() as session:
                said: datetime = session.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        except PushhubError as problem:
            log.warning("the database's time is not known", extra={"cause": problem.code})
            return self._look_again_seconds
        took = time.monotonic() - begun
        if took > _SLOWEST_ANSWER:
            return self._look_again_seconds
        apart = said + timedelta(seconds=took / 2) - clock.now()
        if abs(apart) > _TOLERANCE:
            log.warning("this machine's clock is not the database's", extra={"seconds": round(apart.total_seconds())})
        if not self._in_use or abs(apart) > timedelta(seconds=took):
            self._anchor = said, begun + took / 2
        if not self._in_use:
            self._kept.enter_context(clock.use(self.now))
            self._in_use = True
        return self._look_seconds
