"""Run the simulators in the foreground, for a demonstration or an integrator's rehearsal."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, cast

from simulators.servers import Simulators

_LOOK_SECONDS = 0.2


def serve_forever(
    directory: Path,
    host: str = "127.0.0.1",
    announce: Callable[[str], None] = lambda line: None,
    **ports: int,
) -> None:
    """Serve until SIGINT or SIGTERM, then stop cleanly. Only in the main thread, where signals arrive.

    `announce` is called with lines of plain text: where things are, then `NAME=value` for each setting that
    lets pushhub send here. OSError and ValueError as for `Simulators`.
    """
    told: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        told.append(number)

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Simulators(directory, host, **cast(dict[str, Any], ports)) as simulators:
            announce(f"Control API and help: {simulators.control_url}")
            for name, value in simulators.settings().items():
                announce(f"{name}={value}")
            while not told:  # whichever thread the system hands the signal to, this one need not be woken by it
                time.sleep(_LOOK_SECONDS)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
