"""Everything that is running while it is measured: one provider, and for each database a service beside a bare
endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import servers
from benchmarks.client import Product
from benchmarks.engines import Engine, engines
from benchmarks.options import Options
from benchmarks.rows import Rows
from benchmarks.servers import Provider, Server


@dataclass(frozen=True, slots=True)
class Installation:
    """One database with its rows."""

    home: Path
    engine: Engine
    environ: dict[str, str]
    rows: Rows

    @contextmanager
    def served(self) -> Iterator[Server]:
        with servers.service(self.home, self.engine, self.environ) as server:
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
    provider: Provider
    installations: list[Installation]


@contextmanager
def ground(options: Options, home: Path) -> Iterator[Ground]:
    """Both databases with rows, and the provider."""
    with ExitStack() as stack:
        databases = stack.enter_context(engines(options.databases, home))
        provider = stack.enter_context(servers.provider(home))
        installations = []
        for engine in databases:
            environ = servers.environment(home, engine, provider, options.workers)
            rows = Rows(engine, environ, options.numbers)
            stack.callback(rows.close)
            installations.append(Installation(home, engine, environ, rows))
        yield Ground(options, home, provider, installations)
