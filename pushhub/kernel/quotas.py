"""How often somebody may call in a minute. It protects the service's capacity, not a person, so it is counted in the
memory of each process (fixed windows of a minute) and costs no database write."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

_WINDOW_SECONDS = 60.0


class Minute:
    """The counts of the current minute. All begin anew together, so nothing has to be cleaned up."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str, subject: str) -> tuple[int, int]:
        """Count one; how many there are now, and in how many seconds the minute ends."""
        now = time.monotonic()
        with self._lock:
            if now >= self._ends:
                self._ends = now + _WINDOW_SECONDS
                self._counts.clear()
            self._counts[name, subject] += 1
            return self._counts[name, subject], max(1, math.ceil(self._ends - now))


@dataclass(frozen=True, slots=True)
class Quotas:
    """What is allowed in a minute besides a product's own number of requests, and what was counted."""

    #: Look-ups of numbers are an oracle for who has the app, so they have a smaller quota of their own.
    lookups: int = 60
    #: A panel asks every two seconds, in as many windows as somebody has it open.
    panel_requests: int = 240
    minute: Minute = field(default_factory=Minute, repr=False)
