"""The history of the tables, for Alembic."""

from pathlib import Path

DIRECTORY = Path(__file__).parent
