"""`pushhub dispatch` as a process that can be killed, stopped, and whose clock can be put wrong.

Run as a program it is the command itself, with two additions: its clock is wrong by the first argument (seconds), and
each SIGUSR1 makes it step by the second one, forward and back in turn; and it ends with whoever started it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


class DispatcherProcess:
    """One dispatcher. What it writes goes to `log`."""

    def __init__(
        self, environ: Mapping[str, str], log: Path, *, clock_wrong_by: float = 0.0, clock_step: float = 0.0
    ) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PUSHHUB_")}
        self.log = log
        # It works in the folder of its log, where no local installation lends it settings.
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.dispatcher_process", str(clock_wrong_by), str(clock_step)],
                env={**ours, "PYTHONPATH": str(_ROOT), **environ},
                cwd=log.parent,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """As the power switch would."""
        self._process.kill()
        self._process.wait(10)

    def drain(self) -> float:
        """SIGTERM, as a deployment does it; returns after how many seconds it was gone."""
        begun = time.monotonic()
        self._process.terminate()
        self._process.wait(30)
        return time.monotonic() - begun

    def step_clock(self) -> None:
        """Forward, and with the second call back."""
        self._process.send_signal(signal.SIGUSR1)

    def end(self) -> None:
        """Whatever state it is in, it is gone afterwards."""
        if self._process.poll() is None:
            self.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()


def _end_with_the_tests() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def _main(wrong_by: float, step: float) -> None:
    from pushhub import clock
    from pushhub.cli import main

    off, other = timedelta(seconds=wrong_by), timedelta(seconds=wrong_by + step)

    def step_clock(*_: object) -> None:
        nonlocal off, other
        off, other = other, off

    signal.signal(signal.SIGUSR1, step_clock)
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    sys.argv = ["pushhub", "dispatch"]
    with clock.use(lambda: datetime.now(UTC) + off):
        main()


if __name__ == "__main__":
    _main(float(sys.argv[1]), float(sys.argv[2]))
