"""How a transaction begins: not at all where it only reads, and alone with its subject where it names one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from psycopg.pq import TransactionStatus
from sqlalchemy.orm import Session

from pushhub.kernel.db import advisory_lock, db, reading, transaction
from pushhub.kernel.engine import Patience, key_of
from pushhub.kernel.errors import Busy, DatabaseUnavailable
from pushhub.queueing.pg_notify import libpq_address
from tests.support.applications import MakeApp

SUBJECT = "codes:+77057546868"


@contextmanager
def later_on(subject: str) -> Iterator[Session]:
    """A transaction that comes to its subject by and by."""
    with transaction() as session:
        session.execute(sa.text("SELECT 1"))
        advisory_lock(session, subject)
        yield session


@pytest.fixture
def address(app: Flask) -> str:
    """Where another client finds the database."""
    with app.app_context():
        return libpq_address(db.engine.url.render_as_string(hide_password=False))


def driver_of(session: Session) -> psycopg.Connection[Any]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


@pytest.mark.both_engines
@pytest.mark.parametrize("second", [transaction, later_on])
@pytest.mark.parametrize("first", [transaction, later_on])
def test_two_about_one_subject_take_turns(
    app: Flask,
    first: Callable[[str], AbstractContextManager[Session]],
    second: Callable[[str], AbstractContextManager[Session]],
) -> None:
    steps: list[str] = []

    def other() -> None:
        with app.app_context(), second(SUBJECT):
            steps.append("second")

    with ThreadPoolExecutor(1) as threads:
        with app.app_context(), first(SUBJECT):
            waiting = threads.submit(other)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
            steps.append("first")
        waiting.result(60)
    assert steps == ["first", "second"]


@pytest.mark.postgresql
def test_who_has_another_subject_waits_for_nobody(app: Flask) -> None:
    def other() -> str:
        with app.app_context(), transaction("codes:+77057546869"):
            return "done"

    with ThreadPoolExecutor(1) as threads, app.app_context(), transaction(SUBJECT):
        assert threads.submit(other).result(60) == "done"


@pytest.mark.postgresql
def test_reading_begins_nothing_and_writing_does(app: Flask) -> None:
    with app.app_context():
        with reading() as session:
            session.execute(sa.text("SELECT 1"))
            assert driver_of(session).info.transaction_status == TransactionStatus.IDLE
        for subject in (None, SUBJECT):
            with transaction(subject) as session:
                session.execute(sa.text("SELECT 1"))
                assert driver_of(session).info.transaction_status == TransactionStatus.INTRANS


@pytest.mark.postgresql
def test_what_was_not_committed_is_not_there_and_its_subject_is_free(app: Flask, address: str) -> None:
    def change(session: Session) -> None:
        session.execute(sa.text("INSERT INTO event_counter (id, last) VALUES (1, 7)"))

    def change_and_fail() -> None:
        with transaction(SUBJECT) as session:
            change(session)
            raise ZeroDivisionError

    with app.app_context():
        with pytest.raises(ZeroDivisionError):
            change_and_fail()
        with reading() as session:
            assert session.scalar(sa.text("SELECT count(*) FROM event_counter")) == 0
        with psycopg.connect(address) as other:
            taken = other.execute("SELECT pg_try_advisory_xact_lock(%s)", (key_of(SUBJECT),)).fetchone()
        assert taken == (True,)
        with transaction(SUBJECT) as session:
            change(session)
        with reading() as session:
            assert session.scalar(sa.text("SELECT last FROM event_counter")) == 7


@pytest.mark.postgresql
def test_a_subject_that_is_held_too_long_is_busy_and_the_connection_is_as_good_as_before(
    app: Flask, address: str
) -> None:
    with app.app_context():
        with transaction() as session:  # the pool's connection, which is used again
            session.execute(sa.text("SET lock_timeout = '100ms'"))
            process = driver_of(session).info.backend_pid
        with psycopg.connect(address) as holder:
            holder.execute("SELECT pg_advisory_xact_lock(%s)", (key_of(SUBJECT),))
            with pytest.raises(Busy), transaction(SUBJECT) as session:
                session.execute(sa.text("SELECT 1"))
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a QueuePool
        with transaction(SUBJECT) as session:
            assert driver_of(session).info.backend_pid == process


@pytest.mark.postgresql
def test_a_connection_that_broke_is_told_of_and_replaced(make_app: MakeApp, address: str) -> None:
    app = make_app(patience=Patience(idle=600))  # the connection is not looked at before
    with app.app_context():
        with reading() as session:
            process = driver_of(session).info.backend_pid
        with psycopg.connect(address, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
        with pytest.raises(DatabaseUnavailable), transaction(SUBJECT) as session:
            session.execute(sa.text("SELECT 1"))
        with transaction(SUBJECT) as session:
            assert driver_of(session).info.backend_pid != process


def test_a_subject_has_one_number_that_the_database_takes() -> None:
    keys = {key_of(f"codes:+7705{number:07}") for number in range(1000)}
    assert len(keys) == 1000
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert key_of(SUBJECT) == key_of(SUBJECT)
