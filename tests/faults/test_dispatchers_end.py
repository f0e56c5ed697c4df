"""A dispatcher is killed, or told to stop, while it is in the middle of sending."""

from __future__ import annotations

from tests.faults.conftest import Report
from tests.faults.town import GONE_OF_EACH_KIND, NUMBERS, Town

_LEASE = 30.0
#: As long a provider thinks about each message, so that there is always something under way.
_THINKING = 0.5


def test_what_a_killed_dispatcher_held_is_sent_by_another_when_its_lease_ends(town: Town, report: Report) -> None:
    victim, owner = town.start_dispatcher()
    town.start_dispatchers(1)
    town.providers.script(times=None, delay=_THINKING)
    asking = town.product.ask_for(NUMBERS, seconds=5)
    town.wait_until(lambda: asking.asked > len(NUMBERS) // 2, 20, "the middle of the stream")
    town.heal()
    for _ in range(len(NUMBERS)):  # what it holds when it is killed, a provider has taken in part
        town.providers.script(status=503, delay=20)
        town.providers.script(delay=3)
    town.wait_until(lambda: len(town.held_by(owner) - town.taken()) > 3, 20, "the victim to be in the middle")
    town.wait_until(lambda: len(town.held_by(owner) & town.taken()) > 3, 20, "the victim to be in the middle")
    victim.kill()
    town.heal()
    held = town.held_by(owner)
    assert held - town.taken()
    assert held & town.taken()
    ledger = town.settle(asking.finish(), seconds=_LEASE + 30)
    report("kill -9 of one of two dispatchers", ledger)
    ledger.check(gone=2 * GONE_OF_EACH_KIND)
    ledger.check_copies()
    assert ledger.doubled
    assert set(ledger.doubled) <= held, "a code was sent twice that the killed dispatcher did not hold"
    assert all(ledger.fates[key].row.tries > 1 for key in held)
    assert _LEASE - 5 < ledger.delays()[-1] < _LEASE + 20


def test_a_dispatcher_that_is_told_to_stop_finishes_what_it_has_begun(town: Town, report: Report) -> None:
    leaving, owner = town.start_dispatcher()
    town.start_dispatcher()
    town.providers.script(times=None, delay=_THINKING)
    asking = town.product.ask_for(NUMBERS, seconds=5)
    town.wait_until(lambda: asking.asked > len(NUMBERS) // 2 and town.held_by(owner), 20, "the middle of the stream")
    seconds = leaving.drain()
    assert leaving.exit_code == 0
    assert seconds < 10
    assert not town.held_by(owner), "rows were left behind that have to wait for the end of their lease"
    ledger = town.settle(asking.finish(), seconds=20)
    report("SIGTERM to one of two dispatchers", ledger)
    ledger.check(gone=2 * GONE_OF_EACH_KIND)
    assert not ledger.doubled
    assert all(fate.row.tries == len(fate.attempts) == 1 for fate in ledger.fates.values())
