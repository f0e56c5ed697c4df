"""A figure of the benchmarks is worth no more than the sink and the rows behind it."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from benchmarks import servers
from benchmarks.engines import Engine
from benchmarks.history import ROWS_OF_A_CODE
from benchmarks.messages import FCM_TARGET, messages
from benchmarks.processes import ROOT, DidNotWork, Program, program
from benchmarks.report import middle, quantiles
from benchmarks.rows import Rows
from benchmarks.senders import H2Load, alone, h2load_is_there
from benchmarks.servers import Provider, Sink
from pushhub.channels import fcm
from pushhub.channels.contract import PushKind
from pushhub.delivery.models import Attempt, Delivery
from pushhub.devices.models import Device
from pushhub.events.models import Event, EventCounter
from pushhub.kernel import clock
from pushhub.kernel.db import table_of
from pushhub.verifications.models import Verification
from simulators import Simulators
from tests.support.databases import Database
from tests.support.environments import least_settings

NUMBERS = 20


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    with servers.sink(tmp_path_factory.mktemp("sink")) as running:
        yield running


@pytest.mark.parametrize("rival", ["send_each", "aioapns", "pyreqwest"])
def test_the_sink_answers_every_message_of_every_sender(rival: str, sink: Sink, tmp_path: Path) -> None:
    before = sink.taken()
    with alone(rival, rival, sink, tmp_path) as sender:
        turn = sender.turn(120)
    assert sink.taken() - before == 120 + 500  # it warms up with 500
    assert turn.per_second > 0
    assert turn.sender_cpu > 0


@pytest.mark.skipif(not h2load_is_there(), reason="h2load is not installed")
@pytest.mark.parametrize("channel", ["fcm", "apns"])
def test_the_sink_answers_h2load(channel: str, sink: Sink, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert H2Load(sink, tmp_path, channel).turn(400).per_second > 0
    assert "were accepted" not in capsys.readouterr().out  # it says so where some were not


@pytest.mark.parametrize(("rival", "provider"), [("send_each", "fcm"), ("aioapns", "apns")])
def test_other_senders_send_what_a_real_provider_takes_and_the_service_sends(
    rival: str, provider: str, tmp_path: Path
) -> None:
    with Simulators(tmp_path / "simulators") as simulated:
        command = [sys.executable, "-m", "benchmarks.rivals", rival]
        with program(command, simulated.settings(), tmp_path / "log", talks=True) as sender:
            assert sender.hear() == "ready"
            sender.tell("3")
            assert json.loads(sender.hear())["accepted"] == 3
        arrival = simulated.arrived(provider=provider)[-1]
    if provider == "apns":
        assert set(arrival.payload) == {"aps", "delivery_id", "kind"}
        return
    assert arrival.collapse_id is not None
    message = arrival.payload["message"]
    ours = json.loads(fcm.build(next(messages(1, FCM_TARGET))))["message"]
    assert _shape(message | {"token": message.pop("fid")}) == _shape(ours)


def _shape(value: Any) -> Any:
    """The names, and the lengths of the texts."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in sorted(value.items())}
    return len(value)


def test_a_program_that_does_not_answer_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('out of paper')"]
    with program(command, {}, tmp_path / "log", talks=True) as running, pytest.raises(DidNotWork, match="out of paper"):
        running.hear()


@pytest.fixture
def rows(database: Database, tmp_path: Path) -> Iterator[Rows]:
    engine = Engine(database.engine, tmp_path, database.url, None)
    provider = Provider({}, cast(Program, None))
    made = Rows(engine, servers.environment(engine, provider, 1), NUMBERS)
    yield made
    made.close()


@pytest.fixture
def read(database: Database, tmp_path: Path) -> Iterator[Callable[[Any], list[Any]]]:
    engine = Engine(database.engine, tmp_path, database.url, None).connect()

    def all_of(statement: Any) -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(statement).mappings().all())

    yield all_of
    engine.dispose()


def test_old_rows_are_whole_closed_and_spread_over_numbers_and_months(
    rows: Rows, read: Callable[[Any], list[Any]]
) -> None:
    codes = 100
    rows.grow_old(codes * ROWS_OF_A_CODE)
    verifications = read(sa.select(table_of(Verification)).order_by(Verification.id))
    assert len(verifications) == codes
    assert {row["status"] for row in verifications} == {"approved"}
    assert all(row["id"].version == 7 for row in verifications)
    ages = [(clock.now() - row["created_at"]).total_seconds() / 86_400 for row in verifications]
    assert ages == sorted(ages, reverse=True)  # keys are as old as rows
    assert 89 < ages[0] < 91
    assert 0 < ages[-1] < 2
    assert len({row["number"] for row in verifications}) == NUMBERS
    whole = read(
        sa.select(table_of(Attempt).c.outcome, Device.push_kind)
        .select_from(Attempt)
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .join(Verification, Verification.id == Delivery.verification_id)
        .join(Device, Device.id == Delivery.device_id)
        .where(Delivery.number == Verification.number)
    )
    assert [tuple(row.values()) for row in whole] == [("accepted", PushKind.FCM_TOKEN)] * codes
    assert rows.is_idle()


def test_events_of_old_rows_are_numbered_so_that_the_next_one_follows(
    rows: Rows, read: Callable[[Any], list[Any]]
) -> None:
    rows.grow_old(10 * ROWS_OF_A_CODE)
    sequences = [row["sequence"] for row in read(sa.select(Event.sequence).where(Event.sequence.is_not(None)))]
    assert sorted(sequences) == list(range(1, 51))
    assert [row["last"] for row in read(sa.select(EventCounter.last))] == [50]


@pytest.mark.parametrize(("channel", "kind"), [("fcm", PushKind.FCM_TOKEN), ("apns", PushKind.APNS)])
def test_the_queue_is_filled_for_devices_of_its_channel_and_cleared(
    channel: str, kind: PushKind, rows: Rows, read: Callable[[Any], list[Any]]
) -> None:
    ready: list[bool] = []
    rows.fill_queue(3 * NUMBERS, channel, before_commit=lambda: ready.append(rows.is_idle()))
    assert ready == [True]  # nobody can have begun before the measurement did
    kinds = read(sa.select(Device.push_kind).join(Delivery, Delivery.device_id == Device.id))
    assert [row["push_kind"] for row in kinds] == [kind] * 3 * NUMBERS
    rows.clear()
    assert rows.is_idle()
    assert {row["status"] for row in read(sa.select(Verification.status))} == {"cancelled"}


def test_the_bare_endpoint_is_served_as_the_service_is(monkeypatch: pytest.MonkeyPatch, key_file: Path) -> None:
    settings = least_settings("postgresql+psycopg://nowhere/pushhub", key_file)
    for name, value in (settings | {"PUSHHUB_WORKERS": "3", "PUSHHUB_THREADS": "5"}).items():
        monkeypatch.setenv(name, value)
    service = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    bare = runpy.run_path(str(ROOT / "benchmarks" / "bare_gunicorn.py"))
    plain = {
        name: value
        for name, value in service.items()
        if not name.startswith("_") and (value is None or type(value) in (int, str))
    }
    assert plain["workers"] == 3
    assert plain["threads"] == 5
    assert {name: bare[name] for name in plain} == plain
    assert not {"post_worker_init", "worker_exit"} & set(bare)


def test_figures_are_values_that_were_measured() -> None:
    assert quantiles([value / 1000 for value in range(1, 101)]) == ["50.0", "90.0", "99.0", "100.0"]
    assert quantiles([]) == ["-"] * 4
    assert middle([3, 1, 2], 1) == "2.0 (1.0-3.0)"
    assert middle([float("nan")]) == "-"
