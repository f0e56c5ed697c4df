"""The history of the tables: it ends where the models are, and can be walked up and down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask_migrate import downgrade, upgrade

from pushhub.dispatcher.readiness import readiness
from pushhub.kernel.db import Base, UtcDateTime, db
from tests.support.applications import MakeApp
from tests.support.databases import Database, Databases

pytestmark = pytest.mark.both_engines  # each engine changes its tables in its own way

REVISIONS = ("0001", "0002", "0003", "0004", "0005")


@pytest.fixture
def database(databases: Databases, engine_name: str) -> Iterator[Database]:
    """A database without any table."""
    with databases.bare(engine_name) as bare:
        yield bare


def tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_up_and_down_and_up_again(make_app: MakeApp) -> None:
    with make_app().app_context():
        for _ in range(2):
            upgrade()
            assert tables() == {table.name for table in Base.metadata.sorted_tables}
            downgrade(revision="base")
            assert tables() == set()
            db.engine.dispose()


def test_no_step_up_or_down_loses_a_row(make_app: MakeApp) -> None:
    """SQLite copies a table to change it: what refers to the table must not go with the old copy."""
    with make_app().app_context():
        for revision in REVISIONS:
            before = counts()
            upgrade(revision=revision)
            assert {table: rows for table, rows in counts().items() if table in before} == before
            fill_what_is_empty()
            assert set(counts().values()) == {1}
            db.engine.dispose()
        for revision in reversed(REVISIONS[:-1]):
            downgrade(revision=revision)
            assert set(counts().values()) == {1}, revision
            db.engine.dispose()


def counts() -> dict[str, int]:
    """How many rows each table has."""
    with db.engine.connect() as connection:
        return {
            table: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0 for table in tables()
        }


def fill_what_is_empty() -> None:
    """Give every empty table a row that refers to the rows of the others."""
    metadata = sa.MetaData()
    with db.engine.begin() as connection:
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            if table.name == "alembic_version" or connection.execute(sa.select(table)).first() is not None:
                continue
            row = {}
            for column in table.columns:
                referred = next(iter(column.foreign_keys), None)
                if referred is not None and referred.column.table is not table:
                    row[column.name] = connection.scalar(sa.select(referred.column))
                elif not column.nullable or column.name == "number_since" or column.name == "number":
                    row[column.name] = something(column.type)
            connection.execute(sa.insert(table).values(row))


def something(kind: sa.types.TypeEngine[Any]) -> Any:
    """A value of this type."""
    values: dict[type, Any] = {
        sa.DateTime: datetime(2026, 11, 21),  # noqa: DTZ001 - as SQLite keeps it
        sa.Boolean: True,
        sa.Integer: 1,
        sa.JSON: {},
        sa.LargeBinary: b"sealed",
        sa.Uuid: uuid4(),
        sa.String: uuid4().hex[: min(getattr(kind, "length", None) or 8, 32)],
    }
    return next(value for of, value in values.items() if isinstance(kind, of))


def test_the_newest_version_is_what_the_models_say(make_app: MakeApp) -> None:
    with make_app().app_context():
        upgrade()
        with db.engine.connect() as connection:
            options = {
                "compare_type": lambda *args: False if isinstance(args[4], UtcDateTime) else None,
                "compare_server_default": True,
            }
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, Base.metadata) == []


def test_the_partial_indexes_stand_in_the_database_with_their_condition(make_app: MakeApp) -> None:
    with make_app().app_context():
        upgrade()
        found = {
            index["name"]: (index["unique"], str(index["dialect_options"]))
            for table in tables()
            for index in sa.inspect(db.engine).get_indexes(table)
        }
    for name in (
        "uq_bindings_active_number",
        "uq_bindings_active_device",
        "uq_offers_pending",
        "uq_verifications_live",
    ):
        unique, condition = found[name]
        assert unique
        assert "where" in condition


def test_the_service_says_that_it_has_to_be_migrated(make_app: MakeApp) -> None:
    app = make_app()
    with app.app_context():
        assert readiness()["migrations"] == "not the newest; run: pushhub migrate"
    assert app.test_client().get("/readyz").status_code == 503
