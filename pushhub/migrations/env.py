"""Alembic's environment: one connection of the application's own engine, in batch mode, so that SQLite can
change tables too."""

from alembic import context
from flask import current_app

from pushhub.kernel.db import Base, UtcDateTime

engine = current_app.extensions["migrate"].db.engine


def render_type(kind, value, autogen_context):
    """Write our time type by its plain equivalent, so that a migration depends on no code of the project."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def compare_type(_context, _inspected_column, _metadata_column, inspected_type, metadata_type):
    """Our time type is the database's timestamp; everything else is compared by Alembic."""
    return False if isinstance(metadata_type, UtcDateTime) else None


def enforce_foreign_keys(connection, enforced):
    """SQLite changes a table by copying it and dropping the old one, and the drop would take along every row that
    refers to it. So it is told to look away meanwhile, outside of any transaction."""
    if engine.dialect.name == "sqlite":
        connection.connection.driver_connection.execute(f"PRAGMA foreign_keys = {'ON' if enforced else 'OFF'}")


def refuse_dangling(connection):
    """What was copied must refer to what is there. PostgreSQL has looked at each row by itself."""
    if engine.dialect.name == "sqlite":
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if dangling:
            raise RuntimeError(f"Nothing was changed: rows would refer to nothing, {dangling[:5]}")


with engine.connect() as connection:
    enforce_foreign_keys(connection, False)
    try:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=render_type,
            compare_type=compare_type,
        )
        with context.begin_transaction():
            context.run_migrations()
        refuse_dangling(connection)
        connection.commit()
    finally:
        connection.rollback()
        enforce_foreign_keys(connection, True)
