"""Alembic's environment: one connection of the application's own engine, in batch mode, so that SQLite can
change tables too."""

from alembic import context
from flask import current_app

from pushhub.db import Base, UtcDateTime

engine = current_app.extensions["migrate"].db.engine


def render_type(kind, value, autogen_context):
    """Write our time type by its plain equivalent, so that a migration depends on no code of the project."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def compare_type(_context, _inspected_column, _metadata_column, inspected_type, metadata_type):
    """Our time type is the database's timestamp; everything else is compared by Alembic."""
    return False if isinstance(metadata_type, UtcDateTime) else None


with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_type,
        compare_type=compare_type,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
