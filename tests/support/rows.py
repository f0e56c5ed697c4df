"""What stands in the database."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from pushhub.kernel.db import Base, reading


def how_many(app: Flask, table: type[Base]) -> int:
    """How many rows the table has."""
    with app.app_context(), reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def everything_stored(app: Flask) -> list[str]:
    """Every row of every table, as text, to look in it for what must not be readable there."""
    with app.app_context(), reading() as session:
        return [str(row) for table in Base.metadata.sorted_tables for row in session.execute(sa.select(table)).all()]
