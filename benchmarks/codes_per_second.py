"""How many codes a second: asked for over HTTP until the provider has accepted them, beside one INSERT behind
the same server."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks import servers
from benchmarks.client import Asked, Product
from benchmarks.installation import Ground, Installation
from benchmarks.processes import cpu_seconds
from benchmarks.report import middle, progress, quantiles, show
from benchmarks.servers import Server


@dataclass(slots=True)
class Contestant:
    """One database with both servers up, and what was measured of it."""

    installation: Installation
    server: Server
    bare: Product
    codes: Product
    bare_rates: list[float] = field(default_factory=list)
    asked_rates: list[float] = field(default_factory=list)
    accepted_rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    service_cpu: list[float] = field(default_factory=list)
    database_cpu: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def turn(self, clients: int, bare_seconds: float, codes_seconds: float) -> None:
        """The bare endpoint, then codes."""
        bare = self.bare.without_pause(clients, bare_seconds)
        self.bare_rates.append(bare.per_second)
        before = self._cpu()
        asked = self.codes.without_pause(clients, codes_seconds)
        self.installation.rows.wait_until_idle()
        spent = [after - start for after, start in zip(self._cpu(), before, strict=True)]
        self._note(asked, spent)

    def _note(self, asked: Asked, spent: list[float]) -> None:
        accepted = self.installation.rows.accepted(asked.began)
        rate = len(accepted) / (max(accepted.values()) - asked.began)
        self.asked_rates.append(asked.per_second)
        self.accepted_rates.append(rate)
        self.ratios.append(rate / self.bare_rates[-1])
        self.service_cpu.append(spent[0] / len(accepted) * 1000)
        self.database_cpu.append(spent[1] / len(accepted) * 1000)
        self.seconds += [answer.seconds for answer in asked.made]
        if asked.others:
            self.others.append(asked.others)

    def _cpu(self) -> list[float]:
        return [cpu_seconds(self.server.program.pid), cpu_seconds(self.installation.engine.server_pid)]

    def row(self) -> list[str]:
        p50, _, p99, _ = quantiles(self.seconds)
        return [
            self.installation.engine.name,
            middle(self.bare_rates),
            middle(self.asked_rates),
            middle(self.accepted_rates),
            middle(self.ratios, 2),
            middle(self.service_cpu, 2),
            middle(self.database_cpu, 2),
            p50,
            p99,
            "; ".join(self.others) or "none",
        ]


HEAD = [
    "database",
    "bare INSERT/s",
    "codes asked/s",
    "codes accepted/s",
    "accepted ÷ bare",
    "service CPU s/1000",
    "database CPU s/1000",
    "answer p50 ms",
    "answer p99 ms",
    "refused",
]


def run(ground: Ground) -> dict[str, float]:
    """Measure and print. Returns the accepted codes a second of each database."""
    options = ground.options
    ground.provider.count_only(True)
    with ExitStack() as stack:
        contestants = []
        for each in ground.installations:
            server = stack.enter_context(each.served())
            bare = stack.enter_context(servers.bare(ground.home, each.engine, each.environ))
            contestants.append(Contestant(each, server, each.bare_product(bare), each.product(server)))
        for one in contestants:
            one.bare.without_pause(options.clients, options.warm_up)
            one.codes.without_pause(options.clients, options.warm_up)
            one.installation.rows.wait_until_idle()
        for number in range(options.rounds):
            progress(f"codes_per_second: round {number + 1} of {options.rounds}")
            for one in contestants:
                one.turn(options.clients, options.bare_seconds, options.codes_seconds)
    show(
        f"codes_per_second: {options.clients} clients without a pause; median of {options.rounds} (least-greatest)",
        HEAD,
        [one.row() for one in contestants],
    )
    return {one.installation.engine.name: sorted(one.accepted_rates)[options.rounds // 2] for one in contestants}
