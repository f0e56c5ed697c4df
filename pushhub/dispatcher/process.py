"""Running a dispatcher: inside the service's process, or as a process of its own."""

from __future__ import annotations

import signal
import time
from typing import Protocol

from flask import Flask

from pushhub.context import current
from pushhub.dispatcher.dispatcher import Dispatcher
from pushhub.dispatcher.work import work_of
from pushhub.kernel.db_clock import DatabaseClock
from pushhub.queueing.pg_notify import PgListener, PgNotifier

#: How often a dispatcher process looks whether it has been told to stop.
_LOOK_SECONDS = 0.2


class _Beside(Protocol):
    """What runs beside the requests until it is stopped."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


_running: list[_Beside] = []


def start_delivery(app: Flask) -> None:
    """What each process of the service runs beside its requests: the common time, and a dispatcher or, where that
    is left to processes of its own, the notices to them."""
    with app.app_context():
        parts = current()
    if parts.settings.dispatcher == "embedded":
        _run_dispatcher(app)
    elif not parts.settings.engine_is_sqlite:
        notifier = PgNotifier(parts.settings.database_url)
        parts.wake = notifier.announce
        _run_all(DatabaseClock(app), notifier)


def stop_delivery() -> None:
    """Drain and stop what was started, the last one first."""
    while _running:
        _running.pop().stop()


def dispatch_forever(app: Flask) -> None:
    """Be a dispatcher process: deliver until SIGTERM or SIGINT, then drain."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: told.append(number))
    _run_dispatcher(app)
    # The system may hand the signal to any thread, Python answers it in this one, and nothing ends this one's wait for
    # a lock then: a `threading.Event` would be waited for forever.
    while not told:
        time.sleep(_LOOK_SECONDS)
    stop_delivery()


def _run_dispatcher(app: Flask) -> None:
    """Several machines go by the clock of their database, and are told by it what processes without a dispatcher have
    committed; SQLite serves one."""
    with app.app_context():
        parts = current()
    dispatcher = Dispatcher(work_of(app))
    parts.wake = dispatcher.wake
    if parts.settings.engine_is_sqlite:
        _run_all(dispatcher)
    else:
        _run_all(DatabaseClock(app), dispatcher, PgListener(parts.settings.database_url, dispatcher.wake))


def _run_all(*parts: _Beside) -> None:
    for part in parts:
        part.start()
        _running.append(part)
