"""What is in the database, in one statement: to see that a request has written nothing."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from flask import Flask

from pushhub.kernel.db import Base, db

#: By the name of the table; None where there is no row.
Contents = dict[str, str | None]
#: What a refused request may write: counts of tries, and that a proof was used.
COUNTERS = ("limit_counters", "used_proofs")

#: All rows of a table as one text, or as its digest where the text would travel. SQLite reads them in the order of
#: their numbers; in PostgreSQL a row that is written moves, so there they are sorted.
_CONTENT = {
    "sqlite": "SELECT '{table}', group_concat({quoted}, char(10)) FROM \"{table}\"",
    "postgresql": "SELECT '{table}', md5(string_agg(whole::text, chr(10) ORDER BY whole::text))"
    ' FROM (SELECT {columns} FROM "{table}") AS whole',
}


def contents(app: Flask, *, without: tuple[str, ...] = ()) -> Contents:
    """The content of each table but of the counters; `without` names columns that are left out."""
    with app.app_context(), db.engine.connect() as connection:
        return {table: content for table, content in connection.exec_driver_sql(_all_tables(db.engine.name, without))}


@cache
def _all_tables(engine: str, without: tuple[str, ...]) -> str:
    tables = (table for table in Base.metadata.sorted_tables if table.name not in COUNTERS)
    return " UNION ALL ".join(_one_table(engine, table, without) for table in tables)


def _one_table(engine: str, table: sa.Table, without: tuple[str, ...]) -> str:
    columns = [f'"{column.name}"' for column in table.columns if column.name not in without]
    quoted = " || ',' || ".join(f"quote({column})" for column in columns)
    return _CONTENT[engine].format(table=table.name, columns=", ".join(columns), quoted=quoted)


def assert_same(before: Contents, after: Contents) -> None:
    """Fails with the names of the tables that have changed."""
    changed = [table for table in before.keys() | after.keys() if before.get(table) != after.get(table)]
    assert not changed, f"something was written into {', '.join(sorted(changed))}"
