"""Waiting for what happens by and by."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T | None], seconds: float, failure: str | Callable[[], str]) -> T:
    """Look again and again until there is something; returns it. Fails with these words after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, failure() if callable(failure) else failure
        time.sleep(0.02)
    return found
