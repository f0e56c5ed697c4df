"""What the parts share: how long and how hard to measure, a sink that takes every message, and installations with a
database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import servers
from benchmarks.client import Product
from benchmarks.engines import Engine, new_engine, server_of_ours
from benchmarks.processes import PUSHHUB, Program, program
from benchmarks.rows import Rows
from benchmarks.servers import Sink
from tests.support.ports import free_port


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


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and the product that asks it."""

    program: Program
    product: Product


@dataclass(frozen=True, slots=True)
class Installation:
    """One database with its rows."""

    engine: Engine
    environ: dict[str, str]
    rows: Rows

    @contextmanager
    def served(self, dispatcher: str) -> Iterator[Server]:
        """The service as it is installed, behind gunicorn with the project's own configuration, and a product that
        asks for codes. Its dispatcher is `embedded` or `external`."""
        environ, log = self.environ | {"PUSHHUB_DISPATCHER": dispatcher}, self.engine.home / "service.log"
        with servers.gunicorn("wsgi:application", "gunicorn.conf.py", environ, log, "The service") as running:
            url = f"http://127.0.0.1:{environ['PUSHHUB_PORT']}/v1/verifications"
            yield Server(running, Product(url, self.rows.next_ask, self.rows.key))

    @contextmanager
    def dispatched(self) -> Iterator[Program]:
        """A dispatcher in a process of its own, which has its connections and credentials already."""
        environ, log = self.environ | {"PUSHHUB_DISPATCHER": "external"}, self.engine.home / "dispatcher.log"
        with program([*PUSHHUB, "dispatch"], environ, log) as dispatcher:
            self.rows.fill_queue(50, "fcm")
            dispatcher.wait_until(self.rows.is_idle, "The dispatcher")
            yield dispatcher

    @contextmanager
    def bare(self) -> Iterator[Server]:
        """The endpoint that makes one INSERT into the same database, behind the same server, and the same requests."""
        environ, log = self.environ | {"PUSHHUB_PORT": str(free_port())}, self.engine.home / "bare.log"
        application, config = "benchmarks.bare:application", "benchmarks/bare_gunicorn.py"
        with servers.gunicorn(application, config, environ, log, "The bare endpoint") as running:
            url = f"http://127.0.0.1:{environ['PUSHHUB_PORT']}/rows"
            yield Server(running, Product(url, lambda: {"number": "+77010000000", "purpose": "sign_in"}))


@dataclass(frozen=True, slots=True)
class Ground:
    """What all parts share."""

    options: Options
    home: Path
    sink: Sink
    #: Of PostgreSQL, where it is ours.
    server_pid: int | None
    #: One for each engine.
    installations: list[Installation] = field(default_factory=list)
    #: Codes a second that were accepted, by database and dispatcher, where it is known.
    fastest: dict[tuple[str, str], float] = field(default_factory=dict)

    @contextmanager
    def installation(self, name: str, label: str) -> Iterator[Installation]:
        """A further installation for as long as the block lasts."""
        with new_engine(name, self.home / f"{name}-{label}", self.server_pid) as engine:
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
        server_pid = stack.enter_context(server_of_ours(home)) if "postgresql" in options.databases else None
        prepared = Ground(options, home, stack.enter_context(servers.sink(home)), server_pid)
        for name in options.databases:
            prepared.installations.append(stack.enter_context(prepared.installation(name, "main")))
        yield prepared
