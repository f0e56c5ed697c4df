"""The clock of one of two dispatchers steps while codes are sent, or is wrong from the start.

Every process goes by the database's clock (`pushhub.kernel.db_clock`), so a wrong one changes nothing: without
that, a clock that is two minutes fast takes the rows that others hold, and one that is ten minutes fast takes every
code for expired.
"""

from __future__ import annotations

from tests.faults.conftest import Reckon
from tests.faults.dispatcher_process import Oddities
from tests.faults.environment import FaultEnvironment


def test_a_clock_that_steps_forward_and_back_changes_nothing(environment: FaultEnvironment, reckon: Reckon) -> None:
    environment.start_dispatchers(1)
    wrong, owner = environment.start_dispatcher(oddities=Oddities(clock_step=120))
    environment.providers.script(times=None, delay=0.3)
    asking = environment.ask_for_all()
    for part in (3, 2):
        middle = len(environment.numbers) // part

        def in_the_middle(middle: int = middle) -> bool:
            return asking.asked > middle and bool(environment.held_by(owner))

        environment.wait_until(in_the_middle, 20, "the middle of the stream")
        wrong.step_clock()
    ledger = reckon("clock of a dispatcher steps by 120 s and back", asking.finish(), seconds=45)
    assert not ledger.doubled
    assert wrong.exit_code is None


def test_dispatchers_with_wrong_clocks_lose_and_double_nothing(environment: FaultEnvironment, reckon: Reckon) -> None:
    _, fast = environment.start_dispatcher(oddities=Oddities(clock_wrong_by=600))
    _, slow = environment.start_dispatcher(oddities=Oddities(clock_wrong_by=-600))
    environment.start_dispatchers(1)
    environment.providers.script(times=None, delay=0.3)
    asking = environment.ask_for_all()
    for owner in (fast, slow):
        environment.wait_until(lambda: environment.held_by(owner), 20, "a dispatcher with a wrong clock to take part")  # noqa: B023
    ledger = reckon("dispatchers with clocks 10 min fast and slow", asking.finish(), seconds=45)
    assert not ledger.doubled


def test_a_service_with_a_wrong_clock_asks_for_codes_that_arrive(environment: FaultEnvironment, reckon: Reckon) -> None:
    environment.start_dispatchers(1)
    asks, half = [], len(environment.numbers) // 2
    for seconds, numbers in ((600, environment.numbers[:half]), (-600, environment.numbers[half:])):
        with environment.service_clock_wrong_by(seconds):
            asks += environment.product.ask_for(numbers, seconds=1).finish()
    ledger = reckon("service with its clock 10 min fast, then slow", asks, seconds=15)
    assert not ledger.doubled
