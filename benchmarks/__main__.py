"""`python -m benchmarks`: everything, or the parts that are named."""

from __future__ import annotations

import argparse
import atexit
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from benchmarks import codes_per_second, drain, growth, request_to_acceptance
from benchmarks.engines import describe, fsync_milliseconds
from benchmarks.installation import Ground, Options, ground, quick
from benchmarks.processes import DidNotWork
from benchmarks.report import progress, show
from pushhub.kernel.settings import load_settings

PARTS: Mapping[str, Callable[[Ground], None]] = {
    "codes_per_second": codes_per_second.run,
    "request_to_acceptance": request_to_acceptance.run,
    "drain": drain.run,
    "growth": growth.run,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 0 where everything was measured."""
    parts, options, directory = _read(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    began = time.monotonic()
    try:
        with _temporary_directory(directory) as home:
            progress("databases, sink, rows")
            with ground(options, home) as prepared:
                _facts(prepared)
                for part in parts:
                    PARTS[part](prepared)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except DidNotWork as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    progress(f"{time.monotonic() - began:.0f} s altogether")
    return 0


def _read(arguments: Sequence[str] | None) -> tuple[list[str], Options, str | None]:
    usual = Options()
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure the service on this machine.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="less than two minutes, with rougher figures")
    parser.add_argument("--database", choices=usual.databases, help="only this one")
    parser.add_argument("--workers", type=int, default=usual.workers, help="gunicorn workers on PostgreSQL")
    parser.add_argument("--clients", type=int, default=usual.clients, help="clients that look for the maximum")
    parser.add_argument("--rate", type=float, help="codes a second of the steady load; half of the maximum by default")
    parser.add_argument("--numbers", type=int, help="numbers with a bound device")
    parser.add_argument("--old-rows", type=int, help="rows that lie in the tables already, for the part growth")
    parser.add_argument("--directory", help="where the databases lie, in a directory that is removed afterwards")
    given = parser.parse_args(arguments)
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {unknown.pop()!r}; there are {', '.join(PARTS)}")
    options = replace(usual, workers=given.workers, clients=given.clients, rate=given.rate)
    if given.database:
        options = replace(options, databases=(given.database,))
    if given.quick:
        options = quick(options)
    if given.numbers:
        options = replace(options, numbers=given.numbers)
    if given.old_rows is not None:
        options = replace(options, old_rows=given.old_rows)
    return [part for part in PARTS if part in (given.parts or PARTS)], options, given.directory


@contextmanager
def _temporary_directory(parent: str | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pushhub-bench-", dir=parent) as home:
        # The package of PostgreSQL makes its lock file once more when Python ends; what was registered before it
        # runs after it.
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        yield Path(home)


def _facts(prepared: Ground) -> None:
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    rows = [
        ["cores", f"{os.cpu_count()} ({platform.machine()}), load before {load}"],
        ["Python", platform.python_version()],
        ["disk", f"write and fsync 8 KB: {fsync_milliseconds(prepared.home):.2f} ms"],
    ]
    for each in prepared.installations:
        settings = load_settings(each.environ)
        served = f"gunicorn {settings.workers} × {settings.threads} threads"
        rows.append([each.engine.name, f"{describe(each.engine)}; {served}"])
    show("machine", ["what", "value"], rows, words=2)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: what is running has to be stopped in order.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
