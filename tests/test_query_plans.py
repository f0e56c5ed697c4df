"""A code's way reads its own rows, however many others wait, and whatever the planner knows of the tables.

A statement is planned once for each connection. A plan from the time when the tables were empty takes any index for as
good as another, and is kept; so what is counted here is how many rows were read in the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from pushhub.delivery.models import Delivery
from pushhub.kernel import clock
from pushhub.kernel.db import db, table_of
from pushhub.kernel.engine import READING
from pushhub.kernel.settings import Settings
from pushhub.verifications.models import Verification
from tests.support.actors import Phone, Shop
from tests.support.databases import Database, Databases, FakeClock
from tests.support.dispatching import Dispatch

pytestmark = pytest.mark.postgresql  # SQLite plans each statement anew when the tables have changed

#: Codes of other people that are pending, and wait to be sent a little later.
OTHERS = 4000
#: How often a code goes its whole way, and how many rows of these two tables each time may read: a quarter of what one
#: statement alone would read that looks at the others.
TIMES, ROWS_EACH = 6, OTHERS // 4


@pytest.fixture
def database(databases: Databases, engine_name: str) -> Iterator[Database]:
    """What the planner knows of the tables comes from this test alone."""
    with databases.new(engine_name) as database:
        yield database


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, codes_per_10_minutes=10_000, codes_per_day=10_000)


@pytest.fixture
def go(shop: Shop, bound: Phone, dispatch: Dispatch, now: FakeClock) -> Callable[[], None]:
    """One code's whole way."""

    def way() -> None:
        now.forward(seconds=1)
        asked = shop.ask()
        dispatch()
        assert shop.check(asked, bound.read_code())["valid"]

    return way


def test_a_codes_way_reads_its_own_rows(app: Flask, go: Callable[[], None]) -> None:
    for _ in range(3):
        go()  # on each connection, while the tables are as good as empty
    make_others_wait(app)
    for statistics in ("of empty tables", "fresh"):
        # What a connection tells late, of something before, is told once.
        read = min(rows_read_by(app, go) for _ in range(2))
        assert read > TIMES, statistics  # the count is one
        assert read < TIMES * ROWS_EACH, statistics
        with app.app_context(), db.engine.connect().execution_options(**{READING: True}) as connection:
            connection.execute(sa.text("ANALYZE"))


def rows_read_by(app: Flask, go: Callable[[], None]) -> int:
    """By some codes on their whole way."""
    before = rows_read(app)
    for _ in range(TIMES):
        go()
    return rows_read(app) - before


def make_others_wait(app: Flask) -> None:
    """Copies of what was just done, for other numbers: their codes are pending, and due later."""
    later = sa.literal(clock.now()) + sa.text("interval '1 hour'")
    series = sa.func.generate_series(1, OTHERS).table_valued("n").render_derived("others")
    number = sa.func.concat("+7701", sa.func.lpad(sa.cast(series.c.n, sa.Text), 7, "0"))
    with app.app_context():
        url = db.engine.url
    engine = sa.create_engine(url)  # with connections of its own, which tell at their end what they have read
    with Session(engine) as session, session.begin():
        keys = {"id": sa.func.gen_random_uuid(), "number": number, "expires_at": later}
        copy(session, Verification, series, keys | {"status": "pending", "closed_at": None})
        copied = sa.select(Verification).where(Verification.status == "pending").subquery()
        own = {"id": sa.func.gen_random_uuid(), "verification_id": copied.c.id, "number": copied.c.number}
        due = {"status": "queued", "claimable_at": later, "expires_at": later}
        copy(session, Delivery, copied, own | due | {"device_id": sa.null()})
        session.execute(sa.text("SELECT pg_stat_force_next_flush()"))
    engine.dispose()


def copy(
    session: Session, model: type[Verification] | type[Delivery], each: sa.FromClause, other: dict[str, object]
) -> None:
    """The first row of a table again for each row of `each`, with these values in place of its own."""
    table = table_of(model)
    first = sa.select(table).limit(1).subquery("first")
    chosen = [
        sa.type_coerce(other[column.name], column.type).label(column.name)
        if column.name in other
        else first.c[column.name]
        for column in table.columns
    ]
    rows = sa.select(*chosen).select_from(first.join(each, sa.true()))
    session.execute(sa.insert(table).from_select([column.name for column in table.columns], rows))


def rows_read(app: Flask) -> int:
    """How many rows and index entries of the two tables were read until now, by whatever way. The connections stay: so
    do their plans."""
    counted = sa.text(
        "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname IN ('verifications', 'deliveries'))"
        " + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname IN ('verifications', 'deliveries'))"
    )
    time.sleep(1.1)  # a server process tells of its reads once a second at most, at the end of a transaction
    with app.app_context(), db.engine.connect().execution_options(**{READING: True}) as connection:
        connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
        connection.execute(sa.text("SELECT 1"))
        return int(connection.scalar(counted) or 0)
