"""What is in the database, in one statement: to see that a request has written nothing."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from flask import Flask

from pushhub.db import Base, db

#: By the name of the table; None where there is no row.
Contents = dict[str, str | None]
#: What a refused request may write: counts of tries, and that a proof was used.
COUNTERS = ("limit_counters", "used_proofs")

#: The rows of a table as one text, or its digest, whatever their order. SQLite reads them by their number, and it
#: needs no digest: its text does not travel.
_CONTENT = {
    "sqlite": "SELECT '{table}', group_concat({quoted}, char(10)) FROM \"{table}\"",
    "postgresql": "SELECT '{table}', md5(string_agg(whole::text, chr(10) ORDER BY whole::text))"
    ' FROM (SELECT {columns} FROM "{table}") AS whole',
}


def contents(app: Flask, *, without: Collection[str] = ()) -> Contents:
    """The content of each table but of the counters; `without` names columns that are left out."""
    with app.app_context(), db.engine.connect() as connection:
        template = _CONTENT[connection.dialect.name]
        selects = [_content(template, table, without) for table in Base.metadata.sorted_tables]
        rows = connection.exec_driver_sql(" UNION ALL ".join(filter(None, selects)))
        return {table: content for table, content in rows}


def _content(template: str, table: sa.Table, without: Collection[str]) -> str:
    if table.name in COUNTERS:
        return ""
    columns = [f'"{column.name}"' for column in table.columns if column.name not in without]
    quoted = " || ',' || ".join(f"quote({column})" for column in columns)
    return template.format(table=table.name, columns=", ".join(columns), quoted=quoted)


def assert_same(before: Contents, after: Contents) -> None:
    """Fails with the names of the tables that have changed."""
    changed = [table for table in before.keys() | after.keys() if before.get(table) != after.get(table)]
    assert not changed, f"something was written into {', '.join(sorted(changed))}"
