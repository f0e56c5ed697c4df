"""`pushhub dispatch` as a process that can be killed, stopped, and whose clock can be put wrong.

It is the command itself, with four additions: its clock can be wrong, and by each SIGUSR1 step forward and back in
turn; what it claims it may hold for another time than usual; by SIGUSR2 it writes into its log what each of its threads
is doing; and it ends with whoever started it. All of them come from one server that has imported the service already,
for that takes longer than some of the faults.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["pushhub.cli", __name__])


@dataclass(frozen=True, slots=True)
class Oddities:
    """In what a dispatcher differs from others, in seconds."""

    clock_wrong_by: float = 0.0
    clock_step: float = 0.0
    lease: float | None = None


class DispatcherProcess:
    """One dispatcher. What it writes goes to `log`."""

    def __init__(self, environ: Mapping[str, str], log: Path, oddities: Oddities) -> None:
        self.log = log
        log.touch()
        self._process = _processes.Process(target=_dispatch, args=(dict(environ), log, oddities))
        self._process.start()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """As the power switch would."""
        self._process.kill()
        self._process.join(10)

    def drain(self) -> float:
        """SIGTERM, as a deployment does it; returns after how many seconds it was gone. Raises AssertionError with what
        each of its threads was doing if it does not end."""
        begun = time.monotonic()
        self._process.terminate()
        self._process.join(30)
        if self.exit_code is None:
            os.kill(self._process.pid, signal.SIGUSR2)
            time.sleep(1)
            raise AssertionError(f"it did not end:\n{self.log.read_text()[-20_000:]}")
        return time.monotonic() - begun

    def step_clock(self) -> None:
        """Forward, and with the second call back."""
        os.kill(self._process.pid, signal.SIGUSR1)

    def end(self) -> None:
        """Whatever state it is in, it is gone afterwards."""
        if self.exit_code is None:
            self.kill()
        self._process.close()


def _dispatch(environ: Mapping[str, str], log: Path, oddities: Oddities) -> None:
    from pushhub.cli import main
    from pushhub.delivery import outbox
    from pushhub.kernel import clock

    os.setsid()
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    # It works in the folder of its log, where no local installation lends it settings.
    os.chdir(log.parent)
    for name in [name for name in os.environ if name.startswith("PUSHHUB_")]:
        del os.environ[name]
    os.environ.update(environ)
    with log.open("wb") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    if oddities.lease is not None:
        outbox.QUEUE.lease = timedelta(seconds=oddities.lease)

    off = timedelta(seconds=oddities.clock_wrong_by)
    other = off + timedelta(seconds=oddities.clock_step)

    def step_clock(*_: object) -> None:
        nonlocal off, other
        off, other = other, off

    signal.signal(signal.SIGUSR1, step_clock)
    faulthandler.register(signal.SIGUSR2)
    sys.argv = ["pushhub", "dispatch"]
    with clock.use(lambda: datetime.now(UTC) + off):
        main()


def _end_with_the_tests() -> None:
    tests = multiprocessing.parent_process()
    assert tests is not None
    tests.join()
    os.kill(os.getpid(), signal.SIGKILL)
