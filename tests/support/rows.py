"""What the database says, and what a test changes in it by itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask

from pushhub.kernel.db import reading, transaction


def rows(app: Flask, statement: sa.Executable) -> list[Any]:
    """The rows, which are equal to tuples."""
    with app.app_context(), reading() as session:
        return list(session.execute(statement))


def values(app: Flask, statement: sa.Executable) -> list[Any]:
    """What stands first in each row."""
    with app.app_context(), reading() as session:
        return list(session.scalars(statement))


def change(app: Flask, statement: sa.Executable, *rows: dict[str, Any]) -> None:
    """Execute this, with `rows` where it inserts some."""
    with app.app_context(), transaction() as session:
        session.execute(statement, list(rows) or None)
