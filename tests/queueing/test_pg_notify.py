"""What wakes dispatchers that are processes of their own: at once, together where much comes, and to the very last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from flask import Flask

from pushhub.kernel.db import db
from pushhub.queueing.pg_notify import PG_CHANNEL, PgNotifier, libpq_address
from tests.support.waiting import until

pytestmark = pytest.mark.postgresql  # it announces by NOTIFY


@pytest.fixture
def url(app: Flask) -> str:
    with app.app_context():
        return db.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def heard(url: str) -> Iterator[Callable[[float], list[str]]]:
    """What comes within so many seconds."""
    with psycopg.connect(libpq_address(url), autocommit=True) as connection:
        connection.execute(f"LISTEN {PG_CHANNEL}")
        yield lambda seconds: [notice.payload for notice in connection.notifies(timeout=seconds)]


@pytest.fixture
def start(url: str, heard: Callable[[float], list[str]]) -> Iterator[Callable[..., PgNotifier]]:
    """An notifier that is at work: its first announcement has been heard."""
    started: list[PgNotifier] = []

    def make(**pauses: float) -> PgNotifier:
        notifier = PgNotifier(url, **pauses)
        started.append(notifier)
        notifier.start()
        notifier.announce("beginning")
        until(lambda: heard(0.1), 20, "nothing is heard of it")
        return notifier

    yield make
    for notifier in started:
        notifier.stop()


def test_each_channel_is_announced(start: Callable[..., PgNotifier], heard: Callable[[float], list[str]]) -> None:
    notifier = start()
    notifier.announce("fcm")
    notifier.announce("apns")
    assert sorted(heard(1.0)) == ["apns", "fcm"]


def test_what_comes_in_the_same_moments_is_announced_together(
    start: Callable[..., PgNotifier], heard: Callable[[float], list[str]]
) -> None:
    notifier = start(every_seconds=1.0)
    for _ in range(20):
        notifier.announce("fcm")
        time.sleep(0.001)
    announcements = heard(2.5)
    assert 1 <= len(announcements) <= 2  # at once, and for all others together
    assert set(announcements) == {"fcm"}


def test_what_came_last_is_announced_before_the_end(
    start: Callable[..., PgNotifier], heard: Callable[[float], list[str]]
) -> None:
    notifier = start(every_seconds=60.0)
    notifier.announce("apns")  # in the pause after the first
    notifier.stop()
    assert heard(1.0) == ["apns"]


def test_it_ends_also_when_the_one_who_stops_it_is_held_up(
    start: Callable[..., PgNotifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    notifier = start(every_seconds=0.001)
    tell = notifier._something.set

    def tell_and_be_held_up() -> None:
        tell()
        time.sleep(0.1)

    monkeypatch.setattr(notifier._something, "set", tell_and_be_held_up)
    begun = time.monotonic()
    notifier.stop()
    assert time.monotonic() - begun < 2.0  # it waits three seconds for a thread that does not end


def test_a_connection_that_broke_is_opened_anew(
    start: Callable[..., PgNotifier], heard: Callable[[float], list[str]], url: str
) -> None:
    notifier = start(reconnect_seconds=0.05)
    with psycopg.connect(libpq_address(url), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query LIKE 'SELECT pg_notify%' AND datname = current_database() AND pid <> pg_backend_pid()"
        )
    notifier.announce("fcm")  # lost with the connection: dispatchers find it when they look by themselves

    def is_heard() -> bool:
        notifier.announce("apns")
        return "apns" in heard(0.2)

    until(is_heard, 20, "the connection was not opened anew")
