"""PostgreSQL is stopped and started again while codes are asked for and sent."""

from __future__ import annotations

import time

import pytest

from tests.faults.conftest import Report
from tests.faults.environment import GONE, Town
from tests.faults.postgres import How

_DOWN = 2.0


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_stop_of_postgresql_loses_and_doubles_nothing(town: Town, report: Report, how: How) -> None:
    town.start_dispatchers(2)
    town.providers.script(times=None, delay=0.3)
    asking = town.ask_for_all()
    town.wait_until(lambda: asking.asked > len(town.numbers) // 3 and town.waiting(), 20, "the middle of the stream")
    town.postgres.stop(how)
    time.sleep(_DOWN)
    town.postgres.start()
    asks = asking.finish()
    ledger = town.settle(asks, seconds=45)
    report(f"PostgreSQL gone for {_DOWN:.0f} s ({how})", ledger)
    assert any(503 in ask.answers for ask in asks), "nobody asked while PostgreSQL was gone"
    ledger.check(gone=GONE)
    assert not ledger.doubled
    assert all(process.exit_code is None for process in town.dispatchers), "a dispatcher ended with the database"
