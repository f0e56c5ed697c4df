"""How many codes a second, beside one INSERT behind the same server: asked for while nobody delivers, and until the
provider has accepted them, with the dispatcher beside the service and inside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.client import Asked
from benchmarks.installation import Ground, Installation, Options, Server
from benchmarks.processes import Program, cpu_meter
from benchmarks.report import middle, progress, quantiles, show

#: How an installation delivers, by `PUSHHUB_DISPATCHER`.
DISPATCHERS = ("external", "embedded")

HEAD = [
    "database",
    "what",
    "per second",
    "÷ bare",
    "server CPU s/1000",
    "dispatcher CPU s/1000",
    "database CPU s/1000",
    "client, cores",
    "answer p50 ms",
    "answer p99 ms",
    "refused",
]


@dataclass(slots=True)
class Way:
    """One way of being asked, and what was measured of it."""

    what: str
    installation: Installation
    server: Server
    rates: list[float] = field(default_factory=list)
    #: By round: of the server, a dispatcher beside it, and the database; seconds for 1,000.
    cpu: list[list[float]] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def ask(self, clients: int, seconds: float) -> None:
        """One turn while nobody delivers."""
        spent = self._cpu_meter(None)
        asked = self.server.product.without_pause(clients, seconds)
        self._note(asked, asked.per_second, len(asked.made), spent())

    def deliver(self, clients: int, seconds: float, dispatcher: Program | None) -> None:
        """One turn until the last code is accepted; None for a dispatcher that is inside the service."""
        rows, spent = self.installation.rows, self._cpu_meter(dispatcher)
        asked = self.server.product.without_pause(clients, seconds)
        rows.wait_until_idle()
        cpu = spent()
        accepted = rows.accepted(asked.began)
        self._note(asked, len(accepted) / (max(accepted.values()) - asked.began), len(accepted), cpu)
        if len(accepted) != len(asked.made):
            progress(f"{self.what}: {len(accepted):,} of {len(asked.made):,} codes were accepted")
        rows.clear()

    def _cpu_meter(self, dispatcher: Program | None) -> Callable[[], list[float]]:
        beside = dispatcher.pid if dispatcher else None
        return cpu_meter(self.server.program.pid, beside, self.installation.engine.server_pid)

    def _note(self, asked: Asked, rate: float, count: int, spent: Sequence[float]) -> None:
        self.rates.append(rate)
        self.cpu.append([each / count * 1000 for each in spent])
        self.client.append(asked.client_load)
        self.seconds += [answer.seconds for answer in asked.made]
        if asked.others:
            self.others.append(asked.others)

    def row(self, database: str, bare: Sequence[float]) -> list[str]:
        p50, _, p99, _ = quantiles(self.seconds)
        return [
            database,
            self.what,
            middle(self.rates),
            middle([rate / least for rate, least in zip(self.rates, bare, strict=True)], 2),
            *(middle([each[place] for each in self.cpu], 2) for place in range(3)),
            middle(self.client, 2),
            p50,
            p99,
            "; ".join(self.others) or "none",
        ]


class Contestant:
    """One engine: the bare endpoint and a service without a dispatcher on one database, and on another one a service
    with its dispatcher embedded, which would else deliver what the first is asked for."""

    def __init__(self, stack: ExitStack, options: Options, apart: Installation, together: Installation) -> None:
        self.name = apart.engine.name
        self._options = options
        self._apart, self._together = apart, together
        external = stack.enter_context(apart.served("external"))
        self.bare = Way("bare: one INSERT", apart, stack.enter_context(apart.bare()))
        self.asked = Way("asked, nobody delivers", apart, external)
        self.beside = Way("accepted, dispatcher beside", apart, external)
        embedded = stack.enter_context(together.served("embedded"))
        self.embedded = Way("accepted, dispatcher embedded", together, embedded)

    def warm_up(self) -> None:
        """Requests that are not counted, to all three."""
        for way in (self.bare, self.asked, self.embedded):
            way.server.product.without_pause(self._options.clients, self._options.warm_up)
        self._apart.rows.clear()
        self._together.rows.wait_until_idle()
        self._together.rows.clear()

    def turn(self) -> None:
        """Each way once."""
        clients, seconds = self._options.clients, self._options.codes_seconds
        self.bare.ask(clients, self._options.bare_seconds)
        self.asked.ask(clients, seconds)
        self._apart.rows.clear()
        with self._apart.dispatched() as dispatcher:
            self.beside.deliver(clients, seconds, dispatcher)
        self.embedded.deliver(clients, seconds, None)

    def rows(self) -> list[list[str]]:
        ways = (self.bare, self.asked, self.beside, self.embedded)
        return [way.row(self.name if way is self.bare else "", self.bare.rates) for way in ways]


def run(ground: Ground) -> None:
    """Measure and print; note what was accepted."""
    options = ground.options
    with ExitStack() as stack:
        contestants = []
        for each in ground.installations:
            together = stack.enter_context(ground.installation(each.engine.name, "embedded"))
            contestants.append(Contestant(stack, options, each, together))
        for one in contestants:
            one.warm_up()
        for number in range(options.rounds):
            progress(f"codes_per_second: round {number + 1} of {options.rounds}")
            for one in contestants:
                one.turn()
    show(
        f"codes_per_second: {options.clients} clients without a pause; median of {options.rounds} (least-greatest)",
        HEAD,
        [row for one in contestants for row in one.rows()],
        words=2,
    )
    for one in contestants:
        for dispatcher, way in zip(DISPATCHERS, (one.beside, one.embedded), strict=True):
            ground.fastest[one.name, dispatcher] = sorted(way.rates)[len(way.rates) // 2]
