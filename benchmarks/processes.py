"""Programs that are measured: each a process of its own, stopped with everything it started."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
#: How a command of the project is run, whatever is on the PATH.
PUSHHUB = (sys.executable, "-c", "from pushhub.cli import main; main()")
_START_SECONDS = 30.0
_STOP_SECONDS = 25.0
_END_SECONDS = 5.0
_ANSWER_SECONDS = 300.0


class DidNotWork(Exception):
    """The benchmark can't go on; the text says why."""


class Program:
    """A running program. What it writes goes to `log`; but for one that talks, its standard output to us."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path, *, talks: bool = False) -> None:
        self.log = log
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PUSHHUB_")}
        # It works in the temporary directory, so that it leaves nothing behind and finds no local installation.
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env={**ours, "PYTHONPATH": str(ROOT), **environ},
                cwd=log.parent,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us; we stop it in order
            )
        self.pid = self._process.pid

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Raises `DidNotWork` with the end of the log where it ends or takes too long."""
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise DidNotWork(f"{what} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def tell(self, line: str) -> None:
        """Write one line to a program that talks."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def hear(self) -> str:
        """The next line of a program that talks. Raises `DidNotWork` where none comes."""
        assert self._process.stdout is not None
        if select.select([self._process.stdout], [], [], _ANSWER_SECONDS)[0] and (
            line := self._process.stdout.readline()
        ):
            return line.decode().rstrip()
        raise DidNotWork(f"No answer came:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """SIGTERM, and after a while SIGKILL to all that is left of its session."""
        if self._process.stdin is not None:
            self._process.stdin.close()  # the end of what it is told; then it ends by itself
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextmanager
def program(command: Sequence[str], environ: Mapping[str, str], log: Path, *, talks: bool = False) -> Iterator[Program]:
    """A program for as long as the block lasts."""
    running = Program(command, environ, log, talks=talks)
    try:
        yield running
    finally:
        running.stop()


def cpu_seconds(pid: int | None) -> float:
    """Processor time of a process and all its children until now; nothing for a process that is not ours."""
    if pid is None:
        return float("nan")
    root = psutil.Process(pid)
    spent = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent += times.user + times.system
    # Those that ended meanwhile are in their parent's account.
    ended = root.cpu_times()
    return spent + getattr(ended, "children_user", 0.0) + getattr(ended, "children_system", 0.0)


def cpu_meter(*pids: int | None) -> Callable[[], list[float]]:
    """Begins now. What it gives tells how much processor time each process and its children have taken since."""
    before = [cpu_seconds(pid) for pid in pids]
    return lambda: [cpu_seconds(pid) - start for pid, start in zip(pids, before, strict=True)]
