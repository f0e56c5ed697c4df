"""Every process goes by the database's clock, whatever the machine's own says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from pushhub.kernel import clock
from pushhub.kernel.db_clock import DatabaseClock
from pushhub.kernel.errors import DatabaseUnavailable
from tests.support.applications import MakeApp
from tests.support.databases import FakeClock
from tests.support.statements import before_each, rewritten
from tests.support.waiting import until

pytestmark = pytest.mark.postgresql  # SQLite serves one machine, which has one clock

_CLOSE = timedelta(seconds=5)


@pytest.fixture
def machine() -> Iterator[FakeClock]:
    """The machine's own clock: it stands, hours away from the database's."""
    wrong = FakeClock()
    wrong.forward(seconds=(datetime.now(UTC) - wrong()).total_seconds() - 7200)
    with clock.use(wrong):
        yield wrong


@pytest.fixture
def keep(make_app: MakeApp) -> Iterator[Callable[[Flask], DatabaseClock]]:
    """Start to keep time; it ends with the test."""
    keepers: list[DatabaseClock] = []

    def start(app: Flask, **pauses: float) -> DatabaseClock:
        keepers.append(DatabaseClock(app, **pauses))
        keepers[-1].start()
        return keepers[-1]

    yield start
    for keeper in keepers:
        keeper.stop()


def is_right() -> bool:
    return abs(clock.now() - datetime.now(UTC)) < _CLOSE


def wait_until_right() -> None:
    """An answer that took too long is no measure of the time; then the database is asked again."""
    until(is_right, 10, "the database was not asked again")


def test_a_wrong_clock_does_not_count(machine: FakeClock, make_app: MakeApp, keep: Callable) -> None:
    assert not is_right()
    keeper = keep(make_app())
    wait_until_right()
    machine.forward(days=1)
    assert is_right()
    before = clock.now()
    time.sleep(0.02)
    assert clock.now() > before
    keeper.stop()
    assert clock.now() == machine()


def test_a_database_that_is_not_there_at_the_start_is_asked_again(
    machine: FakeClock, make_app: MakeApp, keep: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()

    def gone(_: str) -> None:
        raise DatabaseUnavailable

    with before_each(app, "clock_timestamp", gone):
        keep(app, look_again_seconds=0.05)
        assert clock.now() == machine()
        assert "the database's time is not known" in caplog.text
    wait_until_right()


def test_a_step_of_the_databases_own_clock_is_followed(machine: FakeClock, make_app: MakeApp, keep: Callable) -> None:
    app = make_app()
    with rewritten(app, "clock_timestamp()", "clock_timestamp() - interval '3 hours'"):
        keep(app, look_seconds=0.05, look_again_seconds=0.05)
        some_hours = timedelta(hours=2, minutes=30)
        until(lambda: clock.now() <= datetime.now(UTC) - some_hours, 10, "the database was not asked again")
    until(is_right, 10, "the step was not followed")
