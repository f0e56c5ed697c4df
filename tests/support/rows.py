"""What the database says, and what a test changes in it by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import Flask

from pushhub.kernel.db import Base, reading, transaction


def rows(app: Flask, statement: sa.Executable) -> list[Any]:
    """The rows, which are equal to tuples."""
    with app.app_context(), reading() as session:
        return list(session.execute(statement))


def values(app: Flask, statement: sa.Executable) -> list[Any]:
    """What stands first in each row."""
    with app.app_context(), reading() as session:
        return list(session.scalars(statement))


def how_many(app: Flask, table: type[Base]) -> int:
    """How many rows the table has."""
    [number] = values(app, sa.select(sa.func.count()).select_from(table))
    return int(number)


def stored_rows(app: Flask) -> Iterator[tuple[str, str]]:
    """The name of its table and the text of every row, as the driver gives it: our own types would mask a number."""
    with app.app_context(), reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(sa.text(f"SELECT * FROM {table.name}")):  # noqa: S608 - a table of ours
                yield table.name, repr(tuple(row))


def everything_stored(app: Flask) -> list[str]:
    """Every row of every table, as text, to look in it for what must not be readable there."""
    return [row for _, row in stored_rows(app)]


def change(app: Flask, statement: sa.Executable, *rows: dict[str, Any]) -> None:
    """Execute this, with `rows` where it inserts some."""
    with app.app_context(), transaction() as session:
        session.execute(statement, list(rows) or None)
