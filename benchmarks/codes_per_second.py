"""How many codes a second, beside one INSERT behind the same server: asked for while nobody delivers, and until the
provider has accepted them, with the dispatcher beside the service and inside it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.client import Asked, Product
from benchmarks.installation import Ground, Installation
from benchmarks.options import Options
from benchmarks.processes import Program, cpu_seconds
from benchmarks.report import middle, progress, quantiles, show

#: How an installation delivers, by `PUSHHUB_DISPATCHER`.
DISPATCHERS = ("external", "embedded")
#: Codes a second that were accepted, by database and dispatcher.
Fastest = dict[tuple[str, str], float]

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
    rates: list[float] = field(default_factory=list)
    #: By round: of the server, a dispatcher beside it, and the database; seconds for 1,000.
    cpu: list[list[float]] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def note(self, asked: Asked, rate: float, count: int, spent: Sequence[float]) -> None:
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
        bare = stack.enter_context(apart.bare())
        external, embedded = (
            stack.enter_context(installation.served(dispatcher))
            for installation, dispatcher in zip((apart, together), DISPATCHERS, strict=True)
        )
        self._bare_program, self._bare_product = bare.program, apart.bare_product(bare)
        self._external_program, self._external_product = external.program, apart.product(external)
        self._embedded_program, self._embedded_product = embedded.program, together.product(embedded)
        self.bare = Way("bare: one INSERT")
        self.asked = Way("asked, nobody delivers")
        self.accepted = {
            "external": Way("accepted, dispatcher beside"),
            "embedded": Way("accepted, dispatcher embedded"),
        }

    def warm_up(self) -> None:
        """Requests that are not counted, to all three."""
        clients, seconds = self._options.clients, self._options.warm_up
        for product in (self._bare_product, self._external_product, self._embedded_product):
            product.without_pause(clients, seconds)
        self._apart.rows.clear()
        self._together.rows.wait_until_idle()
        self._together.rows.clear()

    def turn(self) -> None:
        """Each way once."""
        options = self._options
        self._ask_only(self.bare, self._bare_product, self._bare_program, options.bare_seconds)
        self._ask_only(self.asked, self._external_product, self._external_program, options.codes_seconds)
        self._apart.rows.clear()
        with self._apart.dispatched() as dispatcher:
            way = self.accepted["external"]
            self._deliver(way, self._apart, self._external_product, self._external_program, dispatcher)
        self._deliver(self.accepted["embedded"], self._together, self._embedded_product, self._embedded_program, None)

    def _ask_only(self, way: Way, product: Product, server: Program, seconds: float) -> None:
        before = self._cpu(server, None)
        asked = product.without_pause(self._options.clients, seconds)
        way.note(asked, asked.per_second, len(asked.made), self._since(before, server, None))

    def _deliver(
        self, way: Way, installation: Installation, product: Product, server: Program, dispatcher: Program | None
    ) -> None:
        before = self._cpu(server, dispatcher)
        asked = product.without_pause(self._options.clients, self._options.codes_seconds)
        installation.rows.wait_until_idle()
        spent = self._since(before, server, dispatcher)
        accepted = installation.rows.accepted(asked.began)
        way.note(asked, len(accepted) / (max(accepted.values()) - asked.began), len(accepted), spent)
        if len(accepted) != len(asked.made):
            progress(f"{way.what}: {len(accepted):,} of {len(asked.made):,} codes were accepted")
        installation.rows.clear()

    def _cpu(self, server: Program, dispatcher: Program | None) -> list[float]:
        pids = (server.pid, dispatcher.pid if dispatcher else None, self._apart.engine.server_pid)
        return [cpu_seconds(pid) for pid in pids]

    def _since(self, before: Sequence[float], server: Program, dispatcher: Program | None) -> list[float]:
        return [now - start for now, start in zip(self._cpu(server, dispatcher), before, strict=True)]

    def rows(self) -> list[list[str]]:
        ways = (self.bare, self.asked, *self.accepted.values())
        return [way.row(self.name if way is self.bare else "", self.bare.rates) for way in ways]


def run(ground: Ground) -> Fastest:
    """Measure and print. Returns what was accepted."""
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
    return {
        (one.name, dispatcher): sorted(way.rates)[len(way.rates) // 2]
        for one in contestants
        for dispatcher, way in one.accepted.items()
    }
