"""Whether it shows how much the tables hold: the same load, in turns, on a database without a past and on one with
three months of old rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean, harmonic_mean

from benchmarks.client import Asked
from benchmarks.installation import Ground, Installation, Options, Server
from benchmarks.processes import cpu_meter
from benchmarks.report import middle, progress, show
from benchmarks.senders import Dispatcher, Drained
from benchmarks.servers import Sink

#: What is measured, and how many digits of it are shown.
FIGURES = {
    "codes asked/s": 0,
    "service CPU s/1000 asked": 2,
    "database CPU s/1000 asked": 2,
    "messages drained/s": 0,
    "dispatcher CPU s/1000 drained": 3,
    "database CPU s/1000 drained": 3,
}
HEAD = ["database", "figure", "empty", "with old rows", "with ÷ empty"]


#: In how many pieces a round is cut. They alternate, so that what else the machine does meets both sides.
_PIECES = 4


@dataclass(slots=True)
class Side:
    """One database of a pair."""

    installation: Installation
    server: Server
    #: By round, in the order of `FIGURES`.
    rounds: list[list[float]] = field(default_factory=list)
    _asked: list[Asked] = field(default_factory=list)
    _cpu: list[list[float]] = field(default_factory=list)
    drained: list[Drained] = field(default_factory=list)

    def ask(self, clients: int, seconds: float) -> None:
        """A piece of asking while nobody delivers."""
        spent = cpu_meter(self.server.program.pid, self.installation.engine.server_pid)
        self._asked.append(self.server.product.without_pause(clients, seconds))
        self._cpu.append(spent())

    def end_round(self) -> None:
        """Sum up its pieces."""
        made = sum(len(asked.made) for asked in self._asked)
        self.rounds.append(
            [
                made / sum(asked.seconds for asked in self._asked),
                *(sum(spent) / made * 1000 for spent in zip(*self._cpu, strict=True)),
                harmonic_mean([piece.per_second for piece in self.drained]),
                fmean(piece.sender_cpu for piece in self.drained),
                fmean(piece.database_cpu for piece in self.drained),
            ]
        )
        self._asked, self._cpu, self.drained = [], [], []


@dataclass(slots=True)
class Pair:
    """One engine twice."""

    name: str
    empty: Side
    grown: Side

    def warm_up(self, options: Options) -> None:
        """Requests that are not counted."""
        for side in (self.empty, self.grown):
            side.server.product.without_pause(options.clients, options.warm_up)
            side.installation.rows.clear()

    def turn(self, options: Options, sink: Sink) -> None:
        """Ask both while nobody delivers, then let a dispatcher at the queue of each."""
        for side in self._alternating():
            side.ask(options.clients, options.codes_seconds / _PIECES)
        with ExitStack() as stack:
            dispatchers = {}
            for side in (self.empty, self.grown):
                side.installation.rows.clear()
                program = stack.enter_context(side.installation.dispatched())
                dispatchers[id(side)] = Dispatcher(side.installation, program, sink, "fcm")
            for side in self._alternating():
                side.drained.append(dispatchers[id(side)].turn(options.queued // _PIECES))
        for side in (self.empty, self.grown):
            side.end_round()

    def _alternating(self) -> Iterator[Side]:
        """Each goes first every other time."""
        for number in range(_PIECES):
            yield from (self.empty, self.grown)[:: -1 if number % 2 else 1]

    def rows(self) -> list[list[str]]:
        return [self._row(place, figure) for place, figure in enumerate(FIGURES)]

    def _row(self, place: int, figure: str) -> list[str]:
        empty, grown = ([each[place] for each in side.rounds] for side in (self.empty, self.grown))
        digits = FIGURES[figure]
        return [
            self.name if place == 0 else "",
            figure,
            middle(empty, digits),
            middle(grown, digits),
            middle(_ratios(grown, empty), 2),
        ]


def _ratios(grown: Sequence[float], empty: Sequence[float]) -> list[float]:
    return [mine / theirs if theirs else float("nan") for mine, theirs in zip(grown, empty, strict=True)]


def run(ground: Ground) -> None:
    """Measure and print."""
    options = ground.options
    with ExitStack() as stack:
        pairs = [_pair(ground, stack, name) for name in options.databases]
        for pair in pairs:
            pair.warm_up(options)
        for number in range(options.rounds):
            progress(f"growth: round {number + 1} of {options.rounds}")
            for pair in pairs:
                pair.turn(options, ground.sink)
    show(
        f"growth: without a past and with {options.old_rows:,} old rows; median of {options.rounds} (least-greatest)",
        HEAD,
        [row for pair in pairs for row in pair.rows()],
        words=2,
    )


def _pair(ground: Ground, stack: ExitStack, name: str) -> Pair:
    options = ground.options
    sides = []
    for label, old_rows in (("empty", 0), ("grown", options.old_rows)):
        installation = stack.enter_context(ground.installation(name, label))
        if old_rows:
            progress(f"growth: {name}, {old_rows:,} old rows")
        installation.rows.grow_old(old_rows)
        sides.append(Side(installation, stack.enter_context(installation.served("external"))))
    return Pair(name, *sides)
