"""Who is measured at sending: the service's dispatcher with its database, and others, alone, against the same sink."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.installation import Installation
from benchmarks.messages import APNS_TARGET, FCM_TARGET, messages
from benchmarks.processes import DidNotWork, Program, cpu_meter, program
from benchmarks.report import progress
from benchmarks.servers import Sink
from pushhub.channels import fcm

_NOT_MEASURED = float("nan")


@dataclass(frozen=True, slots=True)
class Drained:
    """One turn. Processor times are seconds for 1,000 messages; not a number where there is nothing to measure."""

    per_second: float
    sender_cpu: float
    database_cpu: float
    sink_cpu: float


class Sender(Protocol):
    """One that takes turns with others."""

    @property
    def name(self) -> str: ...
    @property
    def database(self) -> str: ...

    def turn(self, count: int) -> Drained:
        """Send so many messages."""
        ...


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """`pushhub dispatch` with a full queue, and everything that it writes down about it."""

    installation: Installation
    program: Program
    sink: Sink
    channel: str
    #: Whether the channel leads to the sink.
    by_wire: bool = True
    name: str = "pushhub dispatch"

    @property
    def database(self) -> str:
        return self.installation.engine.name

    def turn(self, count: int) -> Drained:
        rows = self.installation.rows
        pids = (self.program.pid, self.installation.engine.server_pid, self.sink.program.pid)
        taken = self.sink.taken()
        begun: list[tuple[float, Callable[[], list[float]]]] = []
        rows.fill_queue(count, self.channel, before_commit=lambda: begun.append((time.time(), cpu_meter(*pids))))
        rows.wait_until_idle(300)
        [(began, spent)] = begun
        cpu = [seconds / count * 1000 for seconds in spent()]
        first, last = rows.span_of_attempts(began)
        _complain(self, count if self.by_wire else 0, self.sink.taken() - taken)
        rows.clear()
        return Drained(count / (last - first), cpu[0], cpu[1], cpu[2] if self.by_wire else _NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class Alone:
    """One of `benchmarks.rivals`. It stores nothing."""

    name: str
    program: Program
    sink: Sink
    database: str = "none"

    def turn(self, count: int) -> Drained:
        spent, taken = cpu_meter(self.sink.program.pid), self.sink.taken()
        self.program.tell(str(count))
        told = json.loads(self.program.hear())
        # It warms up before it measures; what the sink spent on that has to be counted as well.
        arrived = self.sink.taken() - taken
        [sink_cpu] = (seconds / arrived * 1000 for seconds in spent())
        _complain(self, count, told["accepted"])
        return Drained(count / told["seconds"], told["cpu_seconds"] / count * 1000, _NOT_MEASURED, sink_cpu)


@contextmanager
def alone(name: str, rival: str, sink: Sink, home: Path) -> Iterator[Alone]:
    """A rival in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.rivals", rival]
    with program(command, sink.settings, home / f"{rival}.log", talks=True) as running:
        if running.hear() != "ready":
            raise DidNotWork(f"{name} did not start.")
        yield Alone(name, running, sink)


_H2LOAD_RATE = re.compile(r"finished in .*, ([\d.]+) req/s")
_H2LOAD_DONE = re.compile(r"(\d+) succeeded")
#: Where h2load comes from.
H2LOAD_MISSING = "h2load is not installed (Debian: nghttp2-client): the sink's own limit was not measured."


@dataclass(frozen=True, slots=True)
class H2Load:
    """The sink's own limit: one connection, requests that are always the same."""

    sink: Sink
    home: Path
    channel: str
    name: str = "h2load (the sink's limit)"
    database: str = "none"

    def turn(self, count: int) -> Drained:
        count *= 5  # it is over in a moment
        spent = cpu_meter(self.sink.program.pid)
        ended = subprocess.run([*self._command(), "-n", str(count)], capture_output=True, text=True, check=False)
        rate, done = _H2LOAD_RATE.search(ended.stdout), _H2LOAD_DONE.search(ended.stdout)
        if rate is None or done is None:
            raise DidNotWork(f"h2load did not work:\n{ended.stdout[-1000:]}{ended.stderr[-1000:]}")
        _complain(self, count, int(done[1]))
        [sink_cpu] = (seconds / count * 1000 for seconds in spent())
        return Drained(float(rate[1]), _NOT_MEASURED, _NOT_MEASURED, sink_cpu)

    def _command(self) -> list[str]:
        body = self.home / "message.json"
        body.write_bytes(fcm.build(next(messages(1, FCM_TARGET))))
        if self.channel == "apns":
            url = f"{self.sink.settings['PUSHHUB_APNS_URL']}/3/device/{APNS_TARGET.value}"
            headers = [f"apns-id: {next(messages(1, APNS_TARGET)).id}"]
        else:
            url = f"{self.sink.settings['PUSHHUB_FCM_URL']}/v1/projects/sink/messages:send"
            headers = ["content-type: application/json"]
        headers.append(f"authorization: Bearer {120 * 'a'}")
        return ["h2load", "-c", "1", "-m", "500", "-d", str(body), *(f"-H{each}" for each in headers), url]


def h2load_is_there() -> bool:
    return shutil.which("h2load") is not None


def _complain(sender: Sender, expected: int, arrived: int) -> None:
    if arrived != expected:
        progress(f"{sender.name}: {arrived:,} of {expected:,} messages were accepted")
