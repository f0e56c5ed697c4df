"""The history of the tables: it ends where the models are, and can be walked up and down."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade

from pushhub.db import Base, UtcDateTime, db
from pushhub.readiness import readiness
from tests.support.databases import Database, Databases


@pytest.fixture
def database(databases: Databases, engine_name: str) -> Iterator[Database]:
    """A database without any table."""
    with databases.bare(engine_name) as bare:
        yield bare


def tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_up_and_down_and_up_again(make_app: Callable[..., Flask]) -> None:
    with make_app().app_context():
        for _ in range(2):
            upgrade()
            assert tables() == {table.name for table in Base.metadata.sorted_tables}
            downgrade(revision="base")
            assert tables() == set()
            db.engine.dispose()


def test_the_newest_version_is_what_the_models_say(make_app: Callable[..., Flask]) -> None:
    with make_app().app_context():
        upgrade()
        with db.engine.connect() as connection:
            options = {
                "compare_type": lambda *args: False if isinstance(args[4], UtcDateTime) else None,
                "compare_server_default": True,
            }
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, Base.metadata) == []


def test_the_partial_indexes_stand_in_the_database_with_their_condition(make_app: Callable[..., Flask]) -> None:
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


def test_the_service_says_that_it_has_to_be_migrated(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    with app.app_context():
        assert readiness()["migrations"] == "not the newest; run: pushhub migrate"
    assert app.test_client().get("/readyz").status_code == 503
