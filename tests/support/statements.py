"""Something that happens, fails or waits in the middle of a use case: where a statement is sent to the database.

Statements are found by a part of their text, in whichever module they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event
from typing import Any

import sqlalchemy as sa
from flask import Flask

from pushhub.kernel.db import db

#: How long a stopped statement waits, in seconds, for the test that forgot it.
_FORGOTTEN = 60.0
_MARKED = "tests.marked"


@contextmanager
def before_each(app: Flask, part: str, action: Callable[[str], None]) -> Iterator[None]:
    """Call `action` with each statement of `app` that holds `part`, before it is sent. What it raises, the use case
    finds raised by its statement."""

    def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if part in statement:
            action(statement)

    with _listening(app, "before_cursor_execute", look):
        yield


@contextmanager
def statements_of(app: Flask) -> Iterator[list[str]]:
    """What the database is asked meanwhile, without the values."""
    statements: list[str] = []
    with before_each(app, "", lambda statement: statements.append(" ".join(statement.split()))):
        yield statements


@contextmanager
def rewritten(app: Flask, part: str, other: str) -> Iterator[None]:
    """Send `other` for `part` in each statement of `app` that holds it."""

    def change(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        return statement.replace(part, other), parameters

    with _listening(app, "before_cursor_execute", change, retval=True):
        yield


@contextmanager
def before_first(app: Flask, part: str, action: Callable[[], object]) -> Iterator[None]:
    """Call `action` once: before the first statement that holds `part`."""
    turns = count()

    def look(_: str) -> None:
        if next(turns) == 0:
            action()

    with before_each(app, part, look):
        yield


@contextmanager
def after_transaction(app: Flask, part: str, action: Callable[[], object]) -> Iterator[None]:
    """Call `action` once: when the first transaction (or block that reads) with a statement that holds `part` is over,
    and before its use case goes on. It is in an application context of its own and may write."""
    turns = count()

    def mark(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if part in statement and next(turns) == 0:
            connection.info[_MARKED] = True

    def given_back(_connection: object, record: Any) -> None:
        if record.info.pop(_MARKED, False):
            with app.app_context():
                action()

    with _listening(app, "before_cursor_execute", mark), _listening(app, "checkin", given_back):
        yield


@contextmanager
def before_each_commit(app: Flask, action: Callable[[sa.Connection], None]) -> Iterator[None]:
    """Call `action` with the connection of each transaction of `app` that is about to be committed."""
    with _listening(app, "commit", action):
        yield


class Stop:
    """A place at which the first to come there waits."""

    def __init__(self) -> None:
        self._reached = Event()
        self._going_on = Event()

    def wait_there(self) -> None:
        self._reached.set()
        assert self._going_on.wait(_FORGOTTEN), "nobody let it go on"

    def reached(self, seconds: float) -> bool:
        """Wait until somebody stands there."""
        return self._reached.wait(seconds)

    def go_on(self) -> None:
        self._going_on.set()


@contextmanager
def stopping_at(app: Flask, part: str) -> Iterator[Stop]:
    """Stop whoever is the first to send a statement that holds `part`, until told to go on or the block ends."""
    stop = Stop()
    with before_first(app, part, stop.wait_there):
        try:
            yield stop
        finally:
            stop.go_on()


@contextmanager
def _listening(app: Flask, event: str, listener: Callable[..., Any], **how: bool) -> Iterator[None]:
    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, event, listener, **how)
    try:
        yield
    finally:
        sa.event.remove(engine, event, listener)
