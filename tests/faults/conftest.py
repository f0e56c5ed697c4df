"""One environment for all faults, and the table of what they did, printed at the end of the test run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

import pytest

from tests.faults.asking import Ask
from tests.faults.environment import GONE, FaultEnvironment, fault_environment
from tests.faults.ledger import Ledger
from tests.faults.postgres import stoppable_postgres

Reckon = Callable[..., Ledger]

#: How many codes are asked for while something breaks. Each fault hits a good part of them, at either number.
PEOPLE = {"standard": 100, "long": 300}

#: How often each fault strikes at depth long. What depends on the moment shows itself by and by.
TIMES = 3

_PROPERTY = "fault"
_COLUMNS = ("fault", "deliveries", "lost", "taken twice", "median delay", "longest delay")
_rows: list[list[str]] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.config.getoption("depth") == "long":
        metafunc.fixturenames.append("time")
        metafunc.parametrize("time", range(1, TIMES + 1))


@pytest.fixture(scope="session")
def the_environment(tmp_path_factory: pytest.TempPathFactory, depth: str) -> Iterator[FaultEnvironment]:
    home = tmp_path_factory.mktemp("faults")
    with stoppable_postgres() as postgres, fault_environment(postgres, home, people=PEOPLE[depth]) as environment:
        yield environment


@pytest.fixture
def environment(the_environment: FaultEnvironment) -> Iterator[FaultEnvironment]:
    """An environment in which nothing has happened yet. Its dispatchers are gone when the test ends."""
    try:
        the_environment.reopen()
        yield the_environment
    finally:
        the_environment.shut()


@pytest.fixture
def reckon(environment: FaultEnvironment, record_property: Callable[[str, object], None]) -> Reckon:
    """Wait until what was asked for has come to its end, put the fault into the table, and hold it against the rules.
    The row travels as a property of the test, so that it arrives from any worker."""

    def up(fault: str, asks: Sequence[Ask], *, seconds: float) -> Ledger:
        ledger = environment.settle(asks, seconds=seconds)
        delays, counts = ledger.delays(), (len(each) for each in (ledger.fates, ledger.lost, ledger.doubled))
        record_property(_PROPERTY, [fault, *map(str, counts), f"{median(delays):.2f} s", f"{delays[-1]:.1f} s"])
        ledger.check(gone=GONE)
        return ledger

    return up


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _rows.extend(list(row) for name, row in report.user_properties if name == _PROPERTY and isinstance(row, list))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _rows:
        return
    widths = [max(len(row[place]) for row in (_COLUMNS, *_rows)) for place in range(len(_COLUMNS))]
    terminalreporter.section("what became of the codes")
    for row in (_COLUMNS, *_rows):
        cells = [
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        terminalreporter.line("  ".join(cells))
