"""What wakes dispatchers that are processes of their own: at once, together where much comes, and to the very last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from flask import Flask

from pushhub.db import db
from pushhub.delivery.announcer import NOTICES, Announcer, libpq_address

pytestmark = pytest.mark.postgresql  # it announces by NOTIFY


@pytest.fixture
def url(app: Flask) -> str:
    with app.app_context():
        return db.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def heard(url: str) -> Iterator[Callable[[float], list[str]]]:
    """What comes within so many seconds."""
    with psycopg.connect(libpq_address(url), autocommit=True) as connection:
        connection.execute(f"LISTEN {NOTICES}")
        yield lambda seconds: [notice.payload for notice in connection.notifies(timeout=seconds)]


@pytest.fixture
def announcer(url: str, heard: Callable[[float], list[str]]) -> Iterator[Announcer]:
    announcer = Announcer(url)
    announcer.start()
    announcer.announce("beginning")
    waited_until = time.monotonic() + 20
    while not heard(0.1):
        assert time.monotonic() < waited_until
    yield announcer
    announcer.stop()


def test_each_channel_is_announced(announcer: Announcer, heard: Callable[[float], list[str]]) -> None:
    announcer.announce("fcm")
    announcer.announce("apns")
    assert sorted(heard(1.0)) == ["apns", "fcm"]


def test_what_comes_in_the_same_moments_is_announced_together(
    announcer: Announcer, heard: Callable[[float], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushhub.delivery.announcer._EVERY_SECONDS", 1.0)
    for _ in range(20):
        announcer.announce("fcm")
        time.sleep(0.001)
    announcements = heard(2.5)
    assert 1 <= len(announcements) <= 2  # at once, and for all others together
    assert set(announcements) == {"fcm"}


def test_what_came_last_is_announced_before_the_end(
    announcer: Announcer, heard: Callable[[float], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushhub.delivery.announcer._EVERY_SECONDS", 60.0)
    announcer.announce("fcm")
    assert heard(1.0) == ["fcm"]
    announcer.announce("apns")  # in the pause after the first
    announcer.stop()
    assert heard(1.0) == ["apns"]


def test_a_connection_that_broke_is_opened_anew(
    announcer: Announcer, heard: Callable[[float], list[str]], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushhub.delivery.announcer._RECONNECT_SECONDS", 0.05)
    with psycopg.connect(libpq_address(url), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query LIKE 'SELECT pg_notify%' AND datname = current_database() AND pid <> pg_backend_pid()"
        )
    waited_until = time.monotonic() + 20
    announcer.announce("fcm")  # lost with the connection: dispatchers find it when they look by themselves
    while "apns" not in heard(0.2):
        announcer.announce("apns")
        assert time.monotonic() < waited_until
