"""The providers break connections, fall silent, or refuse for a while."""

from __future__ import annotations

import time
from itertools import pairwise

from simulators import Fault
from tests.faults.conftest import Reckon
from tests.faults.environment import FaultEnvironment
from tests.faults.ledger import seconds_of

#: The longest that a try may take (`pushhub.channels.contract.TimeLimits.provider`).
_TRY = 10.0


def until_each_provider_refused(environment: FaultEnvironment) -> None:
    """However long that takes on a busy machine; apps that were removed are no refusal."""

    def refusing() -> set[str]:
        return {
            each.provider for each in environment.providers.arrived() if each.status == 429 or (each.status or 0) >= 500
        }

    environment.wait_until(lambda: refusing() == {"fcm", "apns"}, 30, "each provider to refuse")


def test_connections_that_the_provider_ends_with_goaway_cost_nothing(
    environment: FaultEnvironment, reckon: Reckon
) -> None:
    environment.start_dispatchers(2)
    every = len(environment.numbers) // 12
    environment.providers.goaway_after(every)
    environment.providers.script(times=None, delay=0.2)
    ledger = reckon(f"GOAWAY after every {every} requests", environment.ask_for_all().finish(), seconds=20)
    assert not ledger.doubled
    arrivals = [arrival for fate in ledger.fates.values() for arrival in fate.arrivals]
    connections = {(arrival.provider, arrival.connection) for arrival in arrivals}
    assert len(connections) > len(environment.dispatchers) * 2, "no connection was ended"


def test_a_connection_that_breaks_before_half_of_the_answers_doubles_only_the_other_half(
    environment: FaultEnvironment, reckon: Reckon
) -> None:
    environment.start_dispatchers(2)
    for provider in ("fcm", "apns"):
        environment.providers.script(provider=provider, fault=Fault.HALF, times=len(environment.numbers) // 5)
    ledger = reckon("connection broken, half the answers lost", environment.ask_for_all().finish(), seconds=30)
    ledger.check_copies()
    assert ledger.doubled, "no answer was lost"
    assert ledger.delays()[-1] < 2 * _TRY


def test_a_connection_that_is_reset_before_the_message_was_taken_costs_a_retry(
    environment: FaultEnvironment, reckon: Reckon
) -> None:
    environment.start_dispatchers(2)
    for provider in ("fcm", "apns"):
        for _ in range(len(environment.numbers) // 50):
            environment.providers.script(provider=provider, fault=Fault.RESET)
            environment.providers.script(provider=provider, fault=Fault.RST_STREAM, times=3)
            environment.providers.script(provider=provider, delay=0.05, times=10)
    ledger = reckon("connections and streams reset", environment.ask_for_all().finish(), seconds=30)
    ledger.check_copies()
    undecided = sum(arrival.status is None for fate in ledger.fates.values() for arrival in fate.arrivals)
    assert undecided >= 10
    assert ledger.delays()[-1] < 2 * _TRY


def test_a_provider_that_hangs_holds_up_its_own_codes_only(environment: FaultEnvironment, reckon: Reckon) -> None:
    environment.start_dispatchers(2)
    not_taken = len(environment.numbers) // 5
    environment.providers.script(provider="fcm", status=503, delay=60, times=not_taken)  # and never answered
    environment.providers.script(provider="fcm", fault=Fault.HANG, times=None)  # taken, and never answered
    begun = time.monotonic()
    asks = environment.ask_for_all().finish()
    environment.wait_until(lambda: len(environment.providers.arrived(provider="fcm")) > not_taken, 30, "FCM to hang")
    environment.heal()
    hung = time.monotonic() - begun
    ledger = reckon(f"FCM hangs for {hung:.0f} s", asks, seconds=35)
    ledger.check_copies()
    assert ledger.doubled, "FCM did not hang"
    assert ledger.delays("apns")[-1] < 3.0
    assert _TRY < ledger.delays("fcm")[-1] < 35
    assert all(arrival.provider == "fcm" for fate in ledger.doubled.values() for arrival in fate.arrivals)


def test_a_storm_of_429_is_waited_out_for_as_long_as_the_provider_asks(
    environment: FaultEnvironment, reckon: Reckon
) -> None:
    wait = 3
    environment.start_dispatchers(2)
    environment.providers.script(provider="fcm", reason="QUOTA_EXCEEDED", retry_after=wait, times=None)
    environment.providers.script(provider="apns", reason="TooManyRequests", retry_after=wait, times=None)
    begun = time.monotonic()
    asks = environment.ask_for_all().finish()
    until_each_provider_refused(environment)
    environment.heal()
    storm = time.monotonic() - begun
    ledger = reckon(f"429 with Retry-After: {wait} for {storm:.0f} s", asks, seconds=30)
    assert not ledger.doubled
    for fate in ledger.fates.values():
        for before, after in pairwise(fate.arrivals):
            assert seconds_of(after) - seconds_of(before) >= wait - 0.05, fate


def test_a_provider_that_is_down_for_a_while_delays_codes_and_loses_none(
    environment: FaultEnvironment, reckon: Reckon
) -> None:
    environment.start_dispatchers(2)
    environment.providers.script(provider="fcm", reason="UNAVAILABLE", times=None)
    environment.providers.script(provider="apns", reason="InternalServerError", times=None)
    begun = time.monotonic()
    asks = environment.ask_for_all().finish()
    until_each_provider_refused(environment)
    environment.heal()
    down = time.monotonic() - begun
    ledger = reckon(f"503 and 500 for {down:.0f} s", asks, seconds=35)
    assert not ledger.doubled
    assert ledger.delays()[-1] < down + 25
