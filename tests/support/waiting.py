"""Waiting for what happens by and by."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from flask import Flask

from tests.support.rows import values

T = TypeVar("T")


def until(look: Callable[[], T | None], seconds: float, failure: str | Callable[[], str]) -> T:
    """Look again and again until there is something; returns it. Fails with these words after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, failure() if callable(failure) else failure
        time.sleep(0.02)
    return found


def somebody_waits(app: Flask) -> bool:
    """Whether a transaction waits for what another one holds (PostgreSQL)."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return values(app, sa.text(waiting)) != [0]
