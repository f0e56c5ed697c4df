"""PostgreSQL is stopped and started again while codes are asked for and sent."""

from __future__ import annotations

import time

import pytest

from tests.faults.conftest import Reckon
from tests.faults.environment import FaultEnvironment
from tests.faults.postgres import How

_DOWN = 2.0


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_stop_of_postgresql_loses_and_doubles_nothing(
    environment: FaultEnvironment, reckon: Reckon, how: How
) -> None:
    environment.start_dispatchers(2)
    environment.providers.script(times=None, delay=0.3)
    asking = environment.ask_for_all()
    environment.wait_until(
        lambda: asking.asked > len(environment.numbers) // 3 and environment.waiting(), 20, "the middle of the stream"
    )
    environment.postgres.stop(how)
    time.sleep(_DOWN)
    environment.postgres.start()
    asks = asking.finish()
    ledger = reckon(f"PostgreSQL gone for {_DOWN:.0f} s ({how})", asks, seconds=45)
    assert any(503 in ask.answers for ask in asks), "nobody asked while PostgreSQL was gone"
    assert not ledger.doubled
    assert all(process.exit_code is None for process in environment.dispatchers), "a dispatcher ended with the database"
