"""The database busy or gone: 503 with a code that says to try again, nothing half written, and back to work after."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from pushhub.app import create_app
from pushhub.devices.models import Device
from pushhub.kernel.db import Base, db, transaction
from pushhub.kernel.engine import Patience
from pushhub.kernel.logs import JsonFormatter
from tests.robustness.world import SERVER, World, a_world, channels, generous_settings
from tests.support.actors import NUMBER, OTHER_NUMBER, Phone, Shop, assert_problem
from tests.support.applications import MakeApp
from tests.support.bodies import a_binding
from tests.support.databases import Database, Databases, FakeClock

pytestmark = pytest.mark.both_engines

#: Each writes, or (looking) reads; the words are an operation and its body.
WRITING: dict[str, tuple[str, Any]] = {
    "making an offer": ("POST /v1/offers", {"number": OTHER_NUMBER}),
    "asking for a code": ("POST /v1/verifications", {"number": NUMBER, "purpose": "confirm"}),
    "checking a code": ("POST /v1/verifications/{pending}/check", {"code": "0000"}),
    "cancelling a code": ("POST /v1/verifications/{pending}/cancel", None),
    "binding a device": ("POST /mobile/v1/bindings", a_binding()),
    "changing a device": ("PUT /mobile/v1/device", {"app_version": "2.0"}),
    "letting a number go": ("DELETE /mobile/v1/binding", None),
    "opening a message": ("GET /mobile/v1/deliveries/{delivery}", None),
}
READING: dict[str, tuple[str, Any]] = {
    "looking at a number": ("GET /v1/numbers/+77057546868", None),
    "looking at a code": ("GET /v1/verifications/{pending}", None),
    "looking at an offer": ("GET /v1/offers/{pending_offer}", None),
}


#: These tests wait for a tenth of a second where others wait for five.
IMPATIENT = Patience(lock=0.1)


@pytest.fixture
def world(databases: Databases, engine_name: str, key_file: Path) -> Iterator[World]:
    with a_world(databases, engine_name, key_file, patience=IMPATIENT) as world:
        yield world


@contextmanager
def locked(app: Flask) -> Iterator[None]:
    """Somebody else holds what every writer needs."""
    with app.app_context():
        url = db.engine.url
    if url.drivername == "sqlite":
        holder = sqlite3.connect(str(url.database), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
    else:
        holder = psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        holder.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
    try:
        yield
    finally:
        holder.close()


def call(world: World, operation: tuple[str, Any]) -> TestResponse:
    line, body = operation
    return world.operation(*line.split(" "), body=body)


def assert_try_again(response: TestResponse, code: str) -> None:
    document = assert_problem(response, 503, code)
    assert int(response.headers["Retry-After"]) >= 1
    assert "Try again" in document["detail"]
    text = response.get_data(as_text=True)
    assert not any(word in text for word in ("Traceback", "sqlite", "psycopg", "sqlalchemy", "SELECT", "INSERT"))


def test_a_locked_database_is_busy_and_nothing_is_written(world: World) -> None:
    with world.unchanged():
        with locked(world.app):
            for operation in WRITING.values():
                assert_try_again(call(world, operation), "busy")
        with world.app.app_context():
            assert db.engine.pool.checkedout() == 0, "a refused request keeps its connection"


def test_who_only_looks_is_not_held_up_by_a_writer(world: World) -> None:
    with locked(world.app):
        for operation in READING.values():
            assert call(world, operation).status_code == 200


def test_what_was_refused_while_it_was_busy_works_afterwards(world: World) -> None:
    with locked(world.app):
        assert_try_again(call(world, WRITING["making an offer"]), "busy")
    assert call(world, WRITING["making an offer"]).status_code == 201
    password = world.shop.offer(OTHER_NUMBER)["password"]
    newcomer = Phone.new(world.app, SERVER, world.now)
    assert newcomer.bind(number=OTHER_NUMBER, password=password)["binding"]["number"] == OTHER_NUMBER


def test_a_right_password_is_not_burnt_by_a_busy_database(world: World) -> None:
    body = a_binding(number="+77054440004", password=world.passwords["pending"])
    with locked(world.app):
        assert_try_again(call(world, ("POST /mobile/v1/bindings", body)), "busy")
    assert call(world, ("POST /mobile/v1/bindings", body)).status_code == 201


@pytest.mark.postgresql
def test_connections_that_the_server_ended_are_made_anew(world: World) -> None:
    for _ in range(3):
        with world.app.app_context():
            url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        answer = call(world, READING["looking at a code"])
        if answer.status_code != 200:
            assert_try_again(answer, "database_unavailable")
        assert call(world, READING["looking at a code"]).status_code == 200


@pytest.fixture
def gone(
    database: Database, key_file: Path, make_app: MakeApp, now: FakeClock, tmp_path: Path
) -> tuple[Flask, dict[str, str]]:
    """An application whose database is not there, and the key of a product that exists."""
    key = Shop.new(make_app()).key
    if database.engine == "sqlite":
        address = f"sqlite:///{tmp_path}/no-such-folder/pushhub.db"
    else:
        address = "postgresql+psycopg://pushhub@127.0.0.1:1/pushhub?connect_timeout=2"
    return make_app(generous_settings(address, key_file), patience=IMPATIENT), {"Authorization": f"Bearer {key}"}


def test_without_its_database_every_operation_says_so(gone: tuple[Flask, dict[str, str]], now: FakeClock) -> None:
    app, headers = gone
    client = app.test_client()
    for method, path in (
        ("POST", "/v1/offers"),
        ("POST", "/v1/verifications"),
        ("GET", "/v1/numbers/+77057546868"),
        ("GET", "/v1/verifications/ver_01h455vb4pex5vsknk084sn02q"),
    ):
        body = {"number": NUMBER, "purpose": "sign_in"} if method == "POST" else None
        assert_try_again(client.open(path, method=method, headers=headers, json=body), "database_unavailable")
    phone = Phone.new(app, SERVER, now)
    for path, secret in (("/mobile/v1/bindings", None), ("/mobile/v1/receipts", "phd_x")):
        signed = {"DPoP": phone.key.proof("POST", SERVER + path, phone.now, secret)}
        signed |= {"Authorization": f"DPoP {secret}"} if secret else {}
        assert_try_again(client.post(path, headers=signed, json=a_binding()), "database_unavailable")


def test_what_needs_no_database_goes_on_without_it(gone: tuple[Flask, dict[str, str]]) -> None:
    client = gone[0].test_client()
    for path in ("/healthz", "/mobile/v1/config", "/openapi.json", "/docs", "/errors"):
        assert client.get(path).status_code == 200, path
    metrics = client.get("/metrics")
    assert metrics.status_code == 200
    assert "pushhub_requests_total" in metrics.get_data(as_text=True)
    assert "pushhub_deliveries_waiting NaN" in metrics.get_data(as_text=True)


def test_readiness_tells_what_is_missing_and_the_process_is_still_alive(gone: tuple[Flask, dict[str, str]]) -> None:
    client = gone[0].test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    document = answer.get_json()
    assert document["status"] == "unavailable"
    assert set(document["checks"]) == {"database", "migrations", "dispatcher"}
    assert "can't be reached" in document["checks"]["database"] or "Try again" in document["checks"]["database"]
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_a_database_without_tables_is_not_ready_and_never_a_trace(
    databases: Databases, engine_name: str, key_file: Path, make_app: MakeApp, now: FakeClock
) -> None:
    with databases.bare(engine_name) as bare:
        app = make_app(generous_settings(bare.url, key_file), channels=channels(), patience=IMPATIENT)
        client = app.test_client()
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "migrate" in answer.get_json()["checks"]["migrations"]
        assert client.get("/healthz").status_code == 200
        refused = client.get("/v1/numbers/+77057546868", headers={"Authorization": "Bearer phk_live_x"})
        assert_try_again(refused, "database_unavailable")
        with app.app_context():
            db.engine.dispose()


@pytest.mark.sqlite
def test_a_sqlite_file_that_was_taken_away_is_missed(
    databases: Databases, key_file: Path, make_app: MakeApp, now: FakeClock
) -> None:
    with databases.empty("sqlite") as database:
        app = make_app(generous_settings(database.url, key_file), patience=IMPATIENT)
        shop = Shop.new(app)
        assert shop.call("GET", f"/v1/numbers/{NUMBER}").status_code == 200
        with app.app_context():
            db.engine.dispose()
        file = Path(database.url.removeprefix("sqlite:///"))
        for part in file.parent.glob(f"{file.name}*"):
            part.rename(part.with_name(f"away-{part.name}"))
        assert_try_again(shop.call("GET", f"/v1/numbers/{NUMBER}"), "database_unavailable")
        assert app.test_client().get("/readyz").status_code == 503
        with app.app_context():
            db.engine.dispose()
        for part in file.parent.glob(f"away-{file.name}*"):
            part.rename(part.with_name(part.name.removeprefix("away-")))
        assert shop.call("GET", f"/v1/numbers/{NUMBER}").status_code == 200


@pytest.mark.sqlite
def test_a_sqlite_file_that_is_damaged_is_a_database_that_is_gone(
    key_file: Path, make_app: MakeApp, now: FakeClock, tmp_path: Path
) -> None:
    (tmp_path / "damaged.db").write_bytes(b"this is not a database, however long one looks at it. " * 100)
    damaged = generous_settings(f"sqlite:///{tmp_path}/damaged.db", key_file)
    client = make_app(damaged, patience=IMPATIENT).test_client()
    refused = client.get("/v1/numbers/+77057546868", headers={"Authorization": "Bearer phk_live_x"})
    assert_try_again(refused, "database_unavailable")
    assert client.get("/readyz").status_code == 503


def test_a_statement_that_failed_is_logged_without_its_values(
    world: World, key_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = "a-recognisable-push-target"

    def spoil() -> None:
        with transaction() as session:
            session.execute(sa.update(Device).values(push_value=target, model=None))

    with world.app.app_context():
        url = db.engine.url.render_as_string(hide_password=False)
    app = create_app(generous_settings(url, key_file), channels=channels())
    app.add_url_rule("/spoil", view_func=spoil)
    with world.unchanged():
        assert_problem(app.test_client().get("/spoil"), 500, "internal_error")
    with app.app_context():
        db.engine.dispose()
    (bug,) = [record for record in caplog.records if record.getMessage() == "unhandled error"]
    line = JsonFormatter().format(bug)
    assert "UPDATE devices SET" in line
    assert target not in line
