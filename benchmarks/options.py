"""How long and how hard to measure."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Options:
    """One run. Times are in seconds."""

    databases: tuple[str, ...] = ("sqlite", "postgresql")
    #: gunicorn worker processes on PostgreSQL; SQLite always has one.
    workers: int = 1
    #: Clients that ask without a pause, to find the maximum.
    clients: int = 16
    #: Numbers with a bound device.
    numbers: int = 20_000
    #: How often everything that is compared takes its turn.
    rounds: int = 3
    warm_up: float = 1.5
    bare_seconds: float = 3.0
    codes_seconds: float = 5.0
    steady_seconds: float = 15.0
    #: Codes a second of the steady load; None is half of the maximum.
    rate: float | None = None
    #: Messages that each sender sends in its turn.
    queued: int = 10_000
    #: Rows that lie in the tables already, for `growth`.
    old_rows: int = 1_000_000


def quick(options: Options) -> Options:
    """The same in less than two minutes, with rougher figures."""
    return replace(
        options,
        numbers=2_000,
        rounds=1,
        warm_up=0.4,
        bare_seconds=1.0,
        codes_seconds=1.6,
        steady_seconds=3.0,
        queued=1_200,
        old_rows=50_000,
    )
