"""A dispatcher is killed, or told to stop, while it is in the middle of sending."""

from __future__ import annotations

import pytest

from pushhub.delivery.outbox import QUEUE
from tests.faults.conftest import Report
from tests.faults.dispatcher_process import Oddities
from tests.faults.environment import GONE, Town

#: Longer than any try takes, shorter than the usual lease, for which a test waits only before a release.
_SHORT_LEASE = 15.0
#: As long a provider thinks about each message, so that there is always something under way.
_THINKING = 0.5


@pytest.mark.parametrize("lease", [_SHORT_LEASE, pytest.param(QUEUE.lease.total_seconds(), marks=pytest.mark.long)])
def test_what_a_killed_dispatcher_held_is_sent_by_another_when_its_lease_ends(
    town: Town, report: Report, lease: float
) -> None:
    victim, owner = town.start_dispatcher(oddities=Oddities(lease=lease))
    town.start_dispatcher(oddities=Oddities(lease=lease))
    town.providers.script(times=None, delay=_THINKING)
    asking = town.ask_for_all()
    town.wait_until(lambda: asking.asked > len(town.numbers) // 2, 20, "the middle of the stream")
    town.heal()
    for _ in town.numbers:  # what it holds when it is killed, a provider has taken in part
        town.providers.script(status=503, delay=20)
        town.providers.script(delay=3)
    town.wait_until(lambda: len(town.held_by(owner) - town.taken()) > 3, 20, "the victim to be in the middle")
    town.wait_until(lambda: len(town.held_by(owner) & town.taken()) > 3, 20, "the victim to be in the middle")
    victim.kill()
    town.heal()
    held, taken = town.held_by(owner), town.taken()
    assert held - taken
    assert held & taken
    ledger = town.settle(asking.finish(), seconds=lease + 30)
    report("kill -9 of one of two dispatchers", ledger)
    ledger.check(gone=GONE)
    ledger.check_copies()
    assert ledger.doubled
    assert set(ledger.doubled) <= held, "a code was sent twice that the killed dispatcher did not hold"
    assert all(ledger.fates[key].row.tries > 1 for key in held)
    later = [ledger.delay(ledger.fates[key]) for key in held - taken if ledger.fates[key].taken]
    assert lease - 1 < min(later), "a code was taken from a dispatcher before its lease had ended"
    assert ledger.delays()[-1] < lease + 20


def test_a_dispatcher_that_is_told_to_stop_finishes_what_it_has_begun(town: Town, report: Report) -> None:
    leaving, owner = town.start_dispatcher()
    town.start_dispatcher()
    town.providers.script(times=None, delay=_THINKING)
    asking = town.ask_for_all()
    town.wait_until(
        lambda: asking.asked > len(town.numbers) // 2 and town.held_by(owner), 20, "the middle of the stream"
    )
    seconds = leaving.drain()
    assert leaving.exit_code == 0
    assert seconds < 10
    assert not town.held_by(owner), "rows were left behind that have to wait for the end of their lease"
    ledger = town.settle(asking.finish(), seconds=20)
    report("SIGTERM to one of two dispatchers", ledger)
    ledger.check(gone=GONE)
    assert not ledger.doubled
    assert all(fate.row.tries == len(fate.attempts) == 1 for fate in ledger.fates.values())
