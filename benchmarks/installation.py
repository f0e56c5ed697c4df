"""What the parts share: a sink that takes every message, and installations with a database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import servers
from benchmarks.client import Product
from benchmarks.engines import Engine, Engines, engines
from benchmarks.options import Options
from benchmarks.processes import Program
from benchmarks.rows import Rows
from benchmarks.servers import Provider, Server, Sink


@dataclass(frozen=True, slots=True)
class Installation:
    """One database with its rows."""

    engine: Engine
    environ: dict[str, str]
    rows: Rows

    def sending_to(self, provider: Provider) -> Installation:
        """The same one with another provider."""
        return replace(self, environ=self.environ | provider.settings)

    @contextmanager
    def served(self, dispatcher: str) -> Iterator[Server]:
        """The service, with its dispatcher `embedded` or `external`."""
        with servers.service(self.engine, self.environ | {"PUSHHUB_DISPATCHER": dispatcher}) as server:
            yield server

    @contextmanager
    def dispatched(self) -> Iterator[Program]:
        """A dispatcher in a process of its own, which has its connections and credentials already."""
        with servers.dispatcher(self.engine, self.environ) as dispatcher:
            self.rows.fill_queue(50, "fcm")
            dispatcher.wait_until(self.rows.is_idle, "The dispatcher")
            yield dispatcher

    @contextmanager
    def bare(self) -> Iterator[Server]:
        """The endpoint that makes one INSERT into the same database."""
        with servers.bare(self.engine, self.environ) as server:
            yield server

    def product(self, server: Server) -> Product:
        """A product that asks for codes."""
        return Product(f"{server.address}/v1/verifications", self.rows.next_ask, self.rows.key)

    def bare_product(self, server: Server) -> Product:
        """The same requests to the endpoint that makes one INSERT."""
        return Product(f"{server.address}/rows", lambda: {"number": "+77010000000", "purpose": "sign_in"})


@dataclass(frozen=True, slots=True)
class Ground:
    """What all parts share."""

    options: Options
    home: Path
    sink: Sink
    engines: Engines
    #: One for each engine.
    installations: list[Installation] = field(default_factory=list)

    @contextmanager
    def installation(self, name: str, label: str) -> Iterator[Installation]:
        """A further installation for as long as the block lasts."""
        with self.engines.new(name, label) as engine:
            environ = servers.environment(engine, self.sink, self.options.workers)
            rows = Rows(engine, environ, self.options.numbers)
            try:
                yield Installation(engine, environ, rows)
            finally:
                rows.close()


@contextmanager
def ground(options: Options, home: Path) -> Iterator[Ground]:
    """An installation for each engine, and the sink."""
    with ExitStack() as stack:
        made = stack.enter_context(engines(options.databases, home))
        prepared = Ground(options, home, stack.enter_context(servers.sink(home)), made)
        for name in options.databases:
            prepared.installations.append(stack.enter_context(prepared.installation(name, "main")))
        yield prepared
