"""The measure to compare with: a Flask endpoint that makes one INSERT through an engine with the same options. On
PostgreSQL the driver begins its transactions. What the service takes longer is the price of what it does."""

from __future__ import annotations

import os

import sqlalchemy as sa
from flask import Flask, request

from pushhub.kernel.engine import engine_options, prepare_engine
from pushhub.kernel.ids import new_key

_url = os.environ["PUSHHUB_DATABASE_URL"]
_engine = sa.create_engine(_url, **engine_options(_url))
if _engine.dialect.name == "sqlite":
    prepare_engine(_engine)
_table = sa.Table(
    "benchmark_rows", sa.MetaData(), sa.Column("id", sa.Uuid, primary_key=True), sa.Column("body", sa.Text)
)
_table.metadata.create_all(_engine)
application = Flask("bare")


@application.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@application.post("/rows")
def make_row() -> tuple[dict[str, str], int]:
    key = new_key()
    with _engine.begin() as connection:
        connection.execute(sa.insert(_table).values(id=key, body=request.get_data(as_text=True)))
    return {"id": str(key)}, 201
