"""A dispatcher is killed, or told to stop, while it is in the middle of sending."""

from __future__ import annotations

import pytest

from pushhub.delivery.outbox import QUEUE
from tests.faults.conftest import Reckon
from tests.faults.dispatcher_process import Oddities
from tests.faults.environment import FaultEnvironment

#: Longer than any try takes, shorter than the usual lease, for which a test waits only before a release.
_SHORT_LEASE = 15.0
#: As long a provider thinks about each message, so that there is always something under way.
_THINKING = 0.5


@pytest.mark.parametrize("lease", [_SHORT_LEASE, pytest.param(QUEUE.lease.total_seconds(), marks=pytest.mark.long)])
def test_what_a_killed_dispatcher_held_is_sent_by_another_when_its_lease_ends(
    environment: FaultEnvironment, reckon: Reckon, lease: float
) -> None:
    victim, owner = environment.start_dispatcher(oddities=Oddities(lease=lease))
    environment.start_dispatcher(oddities=Oddities(lease=lease))
    environment.providers.script(times=None, delay=_THINKING)
    asking = environment.ask_for_all()
    environment.wait_until(lambda: asking.asked > len(environment.numbers) // 2, 20, "the middle of the stream")
    environment.heal()
    for _ in environment.numbers:  # what it holds when it is killed, a provider has taken in part
        environment.providers.script(status=503, delay=20)
        environment.providers.script(delay=3)

    def is_in_the_middle() -> bool:
        held, taken = environment.held_by(owner), environment.taken()
        return len(held - taken) > 3 and len(held & taken) > 3

    environment.wait_until(is_in_the_middle, 20, "the victim to be in the middle")
    victim.kill()
    environment.heal()
    held, taken = environment.held_by(owner), environment.taken()
    assert held - taken
    assert held & taken
    ledger = reckon("kill -9 of one of two dispatchers", asking.finish(), seconds=lease + 30)
    ledger.check_copies()
    assert ledger.doubled
    assert set(ledger.doubled) <= held, "a code was sent twice that the killed dispatcher did not hold"
    assert all(ledger.fates[key].row.tries > 1 for key in held)
    later = [ledger.delay(ledger.fates[key]) for key in held - taken if ledger.fates[key].taken]
    assert lease - 1 < min(later), "a code was taken from a dispatcher before its lease had ended"
    assert ledger.delays()[-1] < lease + 20


def test_a_dispatcher_that_is_told_to_stop_finishes_what_it_has_begun(
    environment: FaultEnvironment, reckon: Reckon
) -> None:
    leaving, owner = environment.start_dispatcher()
    environment.start_dispatcher()
    environment.providers.script(times=None, delay=_THINKING)
    asking = environment.ask_for_all()
    environment.wait_until(
        lambda: asking.asked > len(environment.numbers) // 2 and environment.held_by(owner),
        20,
        "the middle of the stream",
    )
    seconds = leaving.drain()
    assert leaving.exit_code == 0
    assert seconds < 10
    assert not environment.held_by(owner), "rows were left behind that have to wait for the end of their lease"
    ledger = reckon("SIGTERM to one of two dispatchers", asking.finish(), seconds=20)
    assert not ledger.doubled
    assert all(fate.row.tries == len(fate.attempts) == 1 for fate in ledger.fates.values())
